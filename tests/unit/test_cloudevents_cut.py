"""Texts that were cut in the middle of a character: JSON's grammar allows half of a pair."""

import json

import pytest

from app.domain.intake import EventOutcome, EventReason, Incoming, Result
from app.events.cloudevents import BATCH, LINES, STRUCTURED, Read, decode
from middleware.problem import Problem
from tests.events import LOGIN, STATISTIC, as_batch

HALVES = ("\\ud83d", "\\uDE00", "\\ud83d\\ud83d", "\\ude00\\ud83d", "\\uD83Dx")
WHOLE = ("\\ud83d\\ude00", "\\uD83D\\uDE00", "\\\\ud83d", "\\\\\\\\uDE00", "ud83d", "\\u0064")


def alike(element: str, media_type: str = BATCH) -> list[Read]:
    good = json.dumps(LOGIN)
    if media_type == LINES:
        return decode(LINES, f"{good}\n{element}\n{good}".encode())
    return decode(BATCH, f" [ {good}\t,\r\n {element} , {good} ] ".encode())


def event(**members: str) -> str:
    """Return a statistic whose texts are written as they are given, escapes and all."""
    written = json.dumps({**STATISTIC, **dict.fromkeys(members, "HERE")})
    for text in members.values():
        written = written.replace('"HERE"', f'"{text}"', 1)
    return written


@pytest.mark.parametrize("media_type", [BATCH, LINES])
@pytest.mark.parametrize("text", [*HALVES, *WHOLE, "a [ ] , {\\ud83d"])
def test_in_what_nobody_reads_it_harms_nobody(text: str, media_type: str) -> None:
    first, read, last = alike(event(other=text), media_type)
    assert first == last
    assert isinstance(first, Incoming)
    assert isinstance(read, Incoming)


@pytest.mark.parametrize("media_type", [BATCH, LINES])
@pytest.mark.parametrize("name", ["id", "source", "subject", "namespace", "type", "time"])
@pytest.mark.parametrize("text", HALVES)
def test_in_what_counts_it_rejects_its_own_event(name: str, text: str, media_type: str) -> None:
    first, read, last = alike(event(**{name: text}), media_type)
    assert isinstance(first, Incoming)
    assert isinstance(last, Incoming)
    event_id = "" if name == "id" else "1"
    assert read == EventOutcome(event_id, Result.REJECTED, EventReason.SURROGATE_IN_TEXT)


@pytest.mark.parametrize("text", WHOLE)
def test_a_whole_character_is_one(text: str) -> None:
    _, read, _ = alike(event(id=text))
    assert isinstance(read, Incoming)
    assert read.id == json.loads(f'"{text}"')


@pytest.mark.parametrize("broken", ["NaN", "01", '"\x01"', "[1,]", "{} {}", '"\\q"', "]"])
def test_beside_half_of_a_character_what_is_no_json_is_still_none(broken: str) -> None:
    with pytest.raises(Problem) as raised:
        alike(f'{{"a":"\\ud83d","b":{broken}}}')
    assert raised.value.reason == "bad_request"


def test_an_array_of_nothing_but_halves_is_taken_apart_where_its_elements_end() -> None:
    body = rb' [ "\ud83d" ,[ "\ud83d,]" ],{"a":"\ud83d"} , 1 , -1.5e3,true ,' + b"9" * 5000 + b" ] "
    read = decode(BATCH, body)
    assert [outcome.reason for outcome in read if isinstance(outcome, EventOutcome)] == [
        *[EventReason.NOT_OBJECT] * 2,
        EventReason.SPECVERSION_UNKNOWN,
        *[EventReason.NOT_OBJECT] * 3,
        EventReason.NUMBER_TOO_LARGE,
    ]
    assert decode(BATCH, rb'["\ud83d"]') == [
        EventOutcome("", Result.REJECTED, EventReason.NOT_OBJECT)
    ]


# ── an event alone ────────────────────────────────────────────────────────────────────────────────


def test_one_event_in_structured_mode_is_a_batch_of_one() -> None:
    [alone] = decode(f"{STRUCTURED}; charset=UTF-8", json.dumps(STATISTIC).encode())
    assert [alone] == decode(*as_batch(STATISTIC))
    for body in (b"{}", b"[]", b"1"):
        [outcome] = decode(STRUCTURED, body)
        assert isinstance(outcome, EventOutcome)
    for body in (b"", b"{} {}", b"{},{}", b"{", b"nothing"):
        with pytest.raises(Problem):
            decode(STRUCTURED, body)


HEADERS = [
    ("host", "example"),
    ("ce-specversion", "1.0"),
    ("ce-id", "1"),
    ("ce-source", "match-server-7"),
    ("ce-type", "headrace.statistic"),
    ("ce-subject", "al%20ice%E2%82%AC"),
]
DATA = json.dumps(STATISTIC["data"]).encode()


def subject(value: str) -> list[tuple[str, str]]:
    return [*HEADERS[:-1], ("ce-subject", value)]


def test_one_event_in_binary_mode_is_a_batch_of_one() -> None:
    [alone] = decode("application/json", DATA, HEADERS)
    assert [alone] == decode(*as_batch({**STATISTIC, "subject": "al ice€"}))


@pytest.mark.parametrize(
    ("content_type", "body", "headers", "why"),
    [
        ("application/json", b"", HEADERS, EventReason.DATA_INVALID),
        ("application/json", b"NaN", HEADERS, EventReason.DATA_INVALID),
        ("application/json", b"[1]", HEADERS, EventReason.DATA_INVALID),
        ("text/plain", DATA, HEADERS, EventReason.DATA_INVALID),
        ("application/json; charset=latin1", DATA, HEADERS, EventReason.DATA_INVALID),
        ("application/json", DATA, [*HEADERS, ("ce-id", "2")], EventReason.MEMBER_TWICE),
        ("application/json", DATA, [*HEADERS[:2], *HEADERS[3:]], EventReason.ID_MISSING),
        ("application/json", DATA, [*HEADERS[:-1], ("ce-subject", "%00")], EventReason.NUL_IN_TEXT),
        ("application/json", DATA, subject("a%FF"), EventReason.ATTRIBUTE_INVALID),
        ("application/json", DATA, subject("bob\xe9"), EventReason.ATTRIBUTE_INVALID),
        ("application/json", DATA, subject("%ED%A0%BD"), EventReason.ATTRIBUTE_INVALID),
    ],
)
def test_each_mistake_of_an_event_in_binary_mode_is_told(
    content_type: str, body: bytes, headers: list[tuple[str, str]], why: EventReason
) -> None:
    [outcome] = decode(content_type, body, headers)
    assert isinstance(outcome, EventOutcome)
    assert outcome.reason is why


def test_a_login_in_binary_mode_needs_no_body() -> None:
    headers = [*HEADERS[:4], ("ce-type", "headrace.login"), HEADERS[5]]
    for content_type, body in (
        ("", b""),
        ("application/json", b"[1]"),
        ("application/json", b"{bad"),
        ("text/plain", b"\xff"),
    ):
        [login] = decode(content_type, body, headers)
        assert isinstance(login, Incoming)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([("ce-subject", "x")], (EventReason.MEMBER_TWICE, "ce-subject", "1")),
        ([("ce-id", "1")], (EventReason.MEMBER_TWICE, "ce-id", "")),
        ([("ce-time", "%FF")], (EventReason.ATTRIBUTE_INVALID, "ce-time", "1")),
        ([("ce-time", "%00")], (EventReason.NUL_IN_TEXT, "ce-time", "1")),
        ([("ce-time", "never")], (EventReason.TIME_INVALID, "", "1")),
    ],
)
def test_a_header_that_cannot_be_read_is_named_beside_the_event(
    more: list[tuple[str, str]], expected: tuple[EventReason, str, str]
) -> None:
    [outcome] = decode("application/json", DATA, [*HEADERS, *more])
    assert isinstance(outcome, EventOutcome)
    assert (outcome.reason, outcome.header, outcome.id) == expected


@pytest.mark.parametrize("value", ["%FF", "%00", "\xe9", "twice"])
def test_a_header_that_nobody_reads_harms_nobody(value: str) -> None:
    for name in ("ce-partitionkey", "ce-datacontenttype", "ce-data"):
        more = [(name, value), (name, "twice")]
        assert decode("application/json", DATA, [*HEADERS, *more]) == decode(
            "application/json", DATA, HEADERS
        )


def test_however_deep_the_body_is_that_is_told_and_never_fails() -> None:
    for depth in range(800, 1001):
        deep = b"[" * depth + b"]" * depth
        [event] = decode("application/json", DATA[:-1] + b', "x": ' + deep + b"}", HEADERS)
        whys = {EventReason.NONE, EventReason.NOT_JSON, EventReason.DATA_INVALID}
        assert getattr(event, "why", EventReason.NONE) in whys


@pytest.mark.parametrize(
    ("sent", "player"),
    [
        ("bob%C3%A9", "bobé"),
        ("bobé".encode().decode("latin-1"), "bobé"),
        ('"bob"', "bob"),
        (r'"a \"b\" %C3%A9"', 'a "b" é'),
        ("50%", "50%"),
        ('"', '"'),
    ],
)
def test_an_attribute_in_a_header_is_read_as_the_binding_has_it(sent: str, player: str) -> None:
    """Percent-encoded UTF-8, and UTF-8 as it is, may stand in quotes."""
    [event] = decode("application/json", DATA, subject(sent))
    assert isinstance(event, Incoming)
    assert event.player_id == player
