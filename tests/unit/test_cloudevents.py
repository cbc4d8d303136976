"""Events from bytes: what is right, and everything that a producer can get wrong."""

from contextlib import suppress
from typing import Any

import pytest

from app.domain.goal import Source
from app.domain.intake import MEANINGS, NUMBER_MAX, EventOutcome, EventReason, Incoming, Result
from app.events.cloudevents import BATCH, LINES, STRUCTURED, decode
from middleware.problem import DETAIL_MAX, Problem
from tests.events import LOGIN, STATISTIC, as_batch, as_lines, login, statistic

NOON_MS = 1_796_126_400_000
DEEP = 100_000
LONGEST = "x" * 200
NO_OBJECTS: list[Any] = [None, [], "{}", 1]
TOO_LARGE: list[Any] = [2**53, -(2**53), 1e300]
NO_NUMBERS: list[Any] = ["5", True, [], {}]
NO_TEXTS: list[Any] = [None, "", 7, True, [], {}, 1.5]


def read(event: Any) -> Incoming | EventOutcome:
    [one] = decode(*as_batch(event))
    assert decode(*as_lines(event)) == [one]
    return one


def incoming(event: Any) -> Incoming:
    one = read(event)
    assert isinstance(one, Incoming)
    return one


def with_data(**members: Any) -> dict[str, Any]:
    return {**STATISTIC, "data": {**STATISTIC["data"], **members}}


# ── what is right ─────────────────────────────────────────────────────────────────────────────────


def test_a_login_needs_six_members() -> None:
    assert incoming(LOGIN) == Incoming(
        "1", "match-server-7", None, "alice", Source.LOGIN, at_ms=None
    )


def test_a_statistic_has_all_that_it_says() -> None:
    event = {**STATISTIC, "time": "2026-12-01T12:00:00Z", "namespace": "mine"}
    assert incoming(event) == Incoming(
        "1", "match-server-7", "mine", "alice", Source.STATISTIC, NOON_MS, "wins", 5, 2
    )


@pytest.mark.parametrize(
    "more",
    [
        {"datacontenttype": "application/json"},
        {"datacontenttype": "application/json; charset=utf-8"},
        {"datacontenttype": "Application/Vnd.Studio+JSON"},
        {"dataschema": "https://studio.example/x", "traceparent": "00-1-2-03", "other": [{}]},
        {"time": None, "namespace": None, "datacontenttype": None},
        {"data": {**STATISTIC["data"], "unknown": 1e-300}},
    ],
)
def test_what_says_nothing_changes_nothing(more: dict[str, Any]) -> None:
    assert incoming({**STATISTIC, **more}) == incoming(STATISTIC)


@pytest.mark.parametrize("data", [None, {}, "text", {"statCode": 7}, [1]])
def test_a_login_has_no_data_to_be_wrong(data: Any) -> None:
    event = {**LOGIN, "data": data, "datacontenttype": "text/xml"}
    assert incoming(event) == incoming(LOGIN)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (b"0", 0),
        (b"3.0", 3),
        (b"-0.0", 0),
        (b"1e2", 100),
        (b"2.5", 2.5),
        (b"-2.5", -2.5),
        (b"1e-400", 0),
        (b"9007199254740991", NUMBER_MAX),
        (b"-9007199254740991", -NUMBER_MAX),
        (b"9007199254740991.0", NUMBER_MAX),
    ],
)
def test_whole_numbers_are_integers_and_fractions_are_kept(written: bytes, stored: float) -> None:
    _, body = as_batch(with_data(latestValue="HERE", inc="HERE"))
    [event] = decode(BATCH, body.replace(b'"HERE"', written))
    assert isinstance(event, Incoming)
    assert (event.value, event.increase) == (stored, stored)
    assert type(event.value) is type(event.increase) is type(stored)


@pytest.mark.parametrize("inc", [{"inc": None}, {"inc": 0}, {}])
def test_an_increase_that_is_not_known_is_nothing(inc: dict[str, Any]) -> None:
    data = {"statCode": "wins", "latestValue": 5, **inc}
    assert incoming({**STATISTIC, "data": data}).increase == 0


def test_the_longest_names_and_any_text_in_them_are_taken() -> None:
    event = login(LONGEST, "ж" * 100, source="\N{GRINNING FACE}" * 200)
    assert incoming(event).id == LONGEST


def test_lines_may_end_as_they_like_and_be_empty() -> None:
    first, second = (as_lines(login(name))[1] for name in "12")
    body = b"\r\n" + first + b"\r\n\n  \n " + second + b" \t\n"
    assert [event.id for event in decode(LINES, body)] == ["1", "2"]


@pytest.mark.parametrize(("kind", "body"), [(BATCH, b"[]"), (BATCH, b" [ ] "), (LINES, b"")])
def test_no_events_are_a_batch_too(kind: str, body: bytes) -> None:
    assert decode(kind, body) == []


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-ndjson",
        "Application/X-NDJSON",
        "application/x-ndjson; charset=utf-8",
        'application/x-ndjson;charset="UTF-8"',
        "application/x-ndjson ; other=1; CHARSET=UTF-8",
    ],
)
def test_the_content_type_may_have_parameters(kind: str) -> None:
    assert len(decode(kind, as_lines(LOGIN)[1])) == 1


# ── what is wrong with one event, and with no other ───────────────────────────────────────────────

WRONG: list[tuple[EventReason, str, Any]] = [
    *(
        (EventReason.NOT_OBJECT, f"{value!r}", value)
        for value in ([], [LOGIN], "x", 1, 1.5, True, None)
    ),
    *(
        (EventReason.SPECVERSION_UNKNOWN, f"{v!r}", {**LOGIN, "specversion": v})
        for v in ["0.3", "1", 1.0]
    ),
    *((EventReason.SPECVERSION_UNKNOWN, f"{v!r}", {**LOGIN, "specversion": v}) for v in NO_TEXTS),
    *((EventReason.ID_MISSING, f"{value!r}", {**LOGIN, "id": value}) for value in NO_TEXTS),
    (EventReason.ID_TOO_LONG, "201", login(LONGEST + "x")),
    (EventReason.ID_TOO_LONG, "10 kB", login("x" * 10_000)),
    *((EventReason.SOURCE_MISSING, f"{value!r}", {**LOGIN, "source": value}) for value in NO_TEXTS),
    (EventReason.SOURCE_TOO_LONG, "201", login("1", source=LONGEST + "x")),
    *((EventReason.TYPE_UNKNOWN, f"{value!r}", {**LOGIN, "type": value}) for value in NO_TEXTS),
    *(
        (EventReason.TYPE_UNKNOWN, name, {**LOGIN, "type": name})
        for name in ("login", "Headrace.Login")
    ),
    *(
        (EventReason.PLAYER_INVALID, f"{value!r}", {**LOGIN, "subject": value})
        for value in NO_TEXTS
    ),
    (EventReason.PLAYER_INVALID, "101", login("1", "x" * 101)),
    (EventReason.PLAYER_INVALID, "10 kB", login("1", "x" * 10_000)),
    *((EventReason.NAMESPACE_INVALID, f"{v!r}", {**LOGIN, "namespace": v}) for v in NO_TEXTS[1:]),
    *((EventReason.TIME_INVALID, f"{value!r}", {**LOGIN, "time": value}) for value in NO_TEXTS[1:]),
    (EventReason.TIME_INVALID, "no offset", {**LOGIN, "time": "2026-12-01T12:00:00"}),
    (EventReason.TIME_INVALID, "year 0", {**LOGIN, "time": "0000-01-01T00:00:00Z"}),
    *((EventReason.DATA_INVALID, f"{v!r}", {**STATISTIC, "data": v}) for v in NO_OBJECTS),
    (EventReason.DATA_INVALID, "base64", {**STATISTIC, "data": None, "data_base64": "e30="}),
    (EventReason.DATA_INVALID, "XML", {**STATISTIC, "datacontenttype": "text/xml"}),
    (EventReason.DATA_INVALID, "a type that is none", {**STATISTIC, "datacontenttype": 7}),
    *((EventReason.STAT_INVALID, f"{value!r}", with_data(statCode=value)) for value in NO_TEXTS),
    *((EventReason.VALUE_INVALID, f"{v!r}", with_data(latestValue=v)) for v in [None, *NO_NUMBERS]),
    *((EventReason.VALUE_INVALID, f"{v!r}", with_data(latestValue=v)) for v in TOO_LARGE),
    (EventReason.VALUE_INVALID, "2^63", with_data(latestValue=2**63)),
    *(
        (EventReason.INCREASE_INVALID, f"{v!r}", with_data(inc=v))
        for v in [*NO_NUMBERS, 2**53, 1e99]
    ),
    (EventReason.NUL_IN_TEXT, "in the id", login("a\0b")),
    (EventReason.NUL_IN_TEXT, "in the player", login("1", "a\0")),
    (EventReason.NUL_IN_TEXT, "in the stat", with_data(statCode="\0")),
    (EventReason.NUL_IN_TEXT, "in what is ignored", login("1", other=[{"x": ["\0"]}])),
    (EventReason.NUL_IN_TEXT, "in a name", {**LOGIN, "x\0": 1}),
]


@pytest.mark.parametrize(
    ("why", "event"), [pytest.param(why, event, id=f"{why}: {of}") for why, of, event in WRONG]
)
def test_each_mistake_is_told_and_its_neighbours_are_well(why: EventReason, event: Any) -> None:
    for encoded in (as_batch, as_lines):
        first, wrong, last = decode(*encoded(login("first"), event, login("last")))
        assert isinstance(first, Incoming)
        assert isinstance(last, Incoming)
        assert isinstance(wrong, EventOutcome)
        assert (wrong.result, wrong.reason) == (Result.REJECTED, why)


RAW: list[tuple[EventReason, bytes]] = [
    (EventReason.MEMBER_TWICE, b'{"id":"1","id":"2"}'),
    (EventReason.MEMBER_TWICE, b'{"id":"1","i\\u0064":"2"}'),
    (EventReason.MEMBER_TWICE, b'{"id":"1","data":{"inc":1,"inc":1}}'),
    (EventReason.MEMBER_TWICE, b'{"id":"1","other":[{"x":1,"x":1}]}'),
    (EventReason.NUMBER_TOO_LARGE, b'{"id":"1","other":' + b"9" * 5000 + b"}"),
    (EventReason.NUMBER_TOO_LARGE, b"9" * 5000),
    # Whatever stands in what is ignored is ignored.
    (EventReason.SPECVERSION_UNKNOWN, b'{"id":"1","other":1e400}'),
    (EventReason.NOT_OBJECT, b"1e400"),
]


@pytest.mark.parametrize(("why", "element"), RAW)
def test_what_no_library_would_write_is_told_as_well(why: EventReason, element: bytes) -> None:
    neighbour = as_lines(LOGIN)[1]
    for kind, body in (
        (BATCH, b"[" + neighbour + b"," + element + b"," + neighbour + b"]"),
        (LINES, neighbour + b"\n" + element + b"\n" + neighbour),
    ):
        first, wrong, last = decode(kind, body)
        assert first == last == read(LOGIN)
        assert isinstance(wrong, EventOutcome)
        assert wrong.reason is why


@pytest.mark.parametrize("written", [b"1e400", b"-1e400", b"9" * 400, b"1" + b"0" * 25])
def test_a_number_beyond_all_bounds_refuses_its_own_event(written: bytes) -> None:
    body = as_batch(LOGIN, with_data(latestValue="HERE"), LOGIN)[1].replace(b'"HERE"', written)
    first, wrong, last = decode(BATCH, body)
    assert first == last == read(LOGIN)
    assert wrong == EventOutcome("1", Result.REJECTED, EventReason.VALUE_INVALID)


@pytest.mark.parametrize(
    ("event", "event_id"),
    [
        (login("mine", time="never"), "mine"),
        (login("x" * 201), ""),
        ({**LOGIN, "id": 7}, ""),
        ([], ""),
        (login("a\0b"), ""),
    ],
)
def test_the_answer_names_the_event_if_its_id_can_be_read(event: Any, event_id: str) -> None:
    assert read(event).id == event_id


# ── what breaks the JSON ──────────────────────────────────────────────────────────────────────────

BROKEN = {
    "not a number": b'{"a":NaN}',
    "infinity": b'{"a":Infinity}',
    "less than all": b'{"a":-Infinity}',
    "a cut": b'{"a":1',
    "trailing text": b'{"a":1} x',
    "two values": b"{}{}",
    "no quotes": b"{a:1}",
    "a trailing comma": b'{"a":1,}',
    "a control character": b'{"a":"\x01"}',
    "raw NUL": b'{"a":"\0"}',
    "a wrong escape": b'{"a":"\\q"}',
    "invalid UTF-8": b'{"a":"\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "a leading zero": b'{"a":01}',
    "words": b"hello",
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep and never closed": b"[" * DEEP,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_is_rejected_alone(name: str) -> None:
    first, wrong, last = decode(*as_lines(LOGIN, BROKEN[name], LOGIN))
    assert first == last == read(LOGIN)
    assert wrong == EventOutcome("", Result.REJECTED, EventReason.NOT_JSON)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_element_refuses_the_whole_array(name: str) -> None:
    good = as_lines(LOGIN)[1]
    with pytest.raises(Problem) as raised:
        decode(BATCH, b"[" + good + b"," + BROKEN[name] + b"," + good + b"]")
    assert raised.value.reason == "bad_request"
    assert len(raised.value.detail) <= DETAIL_MAX


@pytest.mark.parametrize(
    "body", [b"", b" ", b"{}", b"null", b"1", b"[", b"[{}", b"\xef\xbb\xbf[]", b"[],[]"]
)
def test_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        decode(BATCH, body)
    assert raised.value.reason == "bad_request"


@pytest.mark.parametrize("inner", [b"", b'"\\u0000"'])
@pytest.mark.parametrize("depth", [10, 200, 900, 990, 1000, 1010, 1100, 2000, 5000, 20_000])
def test_depth_is_told_and_never_fails(depth: int, inner: bytes) -> None:
    """Readers give up at different depths, and none of them may take the service along."""
    deep = b"[" * depth + inner + b"]" * depth
    [one] = decode(LINES, as_lines(login("1", other="HERE"))[1].replace(b'"HERE"', deep))
    too_deep = EventOutcome("", Result.REJECTED, EventReason.NOT_JSON)
    well = (
        read(login("1"))
        if not inner
        else EventOutcome("", Result.REJECTED, EventReason.NUL_IN_TEXT)
    )
    assert one == well or (depth > 200 and one == too_deep)


def test_where_one_reader_gives_up_and_another_does_not_that_is_told_as_well() -> None:
    body = as_lines(login("1", other="HERE"))[1]
    expected = (read(login("1")), EventOutcome("", Result.REJECTED, EventReason.NOT_JSON))
    for depth in range(800, 1001):
        event = body.replace(b'"HERE"', b"[" * depth + b"]" * depth)
        [one] = decode(LINES, event)
        assert one in expected
        with suppress(Problem):  # where the whole array is too deep
            [one] = decode(BATCH, b"[" + event + b"]")
            assert one in expected


# ── what is no batch ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("encoded", [as_batch, as_lines])
def test_five_hundred_events_are_a_batch_and_one_more_is_none(encoded: Any) -> None:
    events = [login(str(number)) for number in range(501)]
    assert len(decode(*encoded(*events[:500]))) == 500
    with pytest.raises(Problem) as raised:
        decode(*encoded(*events))
    assert raised.value.reason == "batch_too_large"
    assert "501" in raised.value.detail


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "application/cloudevents-batch+json; charset=utf-7",
        "application/x-ndjson; charset=iso-8859-1",
        "application/x-ndjson; charset=utf-8; charset=utf-16",
        "application/x-ndjson, application/json",
        "text/plain",
        ";",
    ],
)
def test_other_content_is_refused_and_the_answer_names_what_is_read(kind: str) -> None:
    with pytest.raises(Problem) as raised:
        decode(kind, as_batch(LOGIN)[1])
    assert raised.value.reason == "unsupported_media_type"
    assert raised.value.headers["Accept-Post"] == f"{BATCH}, {LINES}, {STRUCTURED}"


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(EventReason) - {EventReason.NONE}
    assert all(sentence.endswith(".") for _, sentence in MEANINGS.values())


def test_statistics_by_their_short_form_are_what_the_others_are() -> None:
    assert incoming(statistic("1", 5)) == incoming(STATISTIC)._replace(increase=0)
