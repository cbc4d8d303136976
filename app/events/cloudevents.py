"""Events from bytes: CloudEvents 1.0, many at a time or one.

    batch       application/cloudevents-batch+json   what breaks the JSON breaks the whole array
    lines       application/x-ndjson                 what breaks a line breaks that line
    structured  application/cloudevents+json         one object
    binary      any other, and headers ce-…          the headers are the members, the body is `data`

Everything else that can be wrong with an event is its own affair and leaves its neighbours alone.
So is a text that was cut in the middle of a character: JSON's grammar allows a lone surrogate.
A member that is null is as if it were missing, and one that nobody knows is ignored. The table in
app/domain/intake.py says what each reason means.

    specversion      "1.0"
    id, source       texts of 1 to 200 characters; together they name the event
    type             headrace.login or headrace.statistic
    subject          the player
    time             RFC 3339; missing: the moment of receipt
    namespace        the studio's namespace; missing: ours
    datacontenttype  JSON, or missing
    data             of a statistic: {"statCode": ..., "latestValue": ..., "inc": ...}; inc may miss
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

from app.domain.goal import Source
from app.domain.intake import (
    EVENTS_MAX,
    MEANINGS,
    NAME_LENGTH_MAX,
    NUMBER_MAX,
    EventOutcome,
    EventReason,
    Incoming,
)
from app.domain.number import Number
from app.domain.player import is_player_id
from app.domain.timestamp import read_rfc3339
from app.errors import ServiceReason
from app.events.headers import HEADER_PREFIX, Header, members_of
from app.strict_json import Flaw, JsonUnreadable, is_cut, read_json
from middleware.problem import DETAIL_MAX, HttpReason, Problem

BATCH: Final = "application/cloudevents-batch+json"
LINES: Final = "application/x-ndjson"
STRUCTURED: Final = "application/cloudevents+json"
KINDS: Final = (BATCH, LINES, STRUCTURED)

SEPARATORS: Final = ", \t\n\r"
"""What may stand between two elements of an array that was found to be JSON."""

SPECVERSION: Final = "1.0"
SPECVERSION_HEADER: Final = f"{HEADER_PREFIX}specversion"
TYPES: Final[Mapping[str, Source]] = MappingProxyType(
    {"headrace.login": Source.LOGIN, "headrace.statistic": Source.STATISTIC}
)

Read: TypeAlias = Incoming | EventOutcome
"""An event, or the outcome of what is none."""

_JSON_TYPE = re.compile(r"[\w.+-]+/([\w.-]+\+)?json *(;.*)?", re.ASCII | re.IGNORECASE)

# Half of a character, where the other half does not stand beside it. Of each escape the whole is
# matched, so that what follows an escaped backslash is none.
_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode

# Whole numbers stay as they are written: Python reads none of more than 4,300 digits.
_skip = json.JSONDecoder(parse_int=str).raw_decode

# What makes an event's own bytes unreadable; all else is not JSON.
_REASONS: Final = MappingProxyType(
    {
        Flaw.MEMBER_TWICE: EventReason.MEMBER_TWICE,
        Flaw.NUL: EventReason.NUL_IN_TEXT,
        Flaw.NUMBER_TOO_LONG: EventReason.NUMBER_TOO_LARGE,
    }
)


def decode(content_type: str, body: bytes, headers: Sequence[Header] = ()) -> list[Read]:
    """Return what each element or line of a body is, in their order; an event alone is one of one.

    Raises `Problem` with `unsupported_media_type`, `bad_request` or `batch_too_large`.
    """
    media_type, *parameters = _parts(content_type)
    charsets = {each[8:].strip('"') for each in parameters if each.startswith("charset=")}
    if media_type not in KINDS and SPECVERSION_HEADER in dict(headers):
        return [_read_binary(content_type, charsets, body, headers)]
    if media_type not in KINDS or charsets - {"utf-8"}:
        raise Problem(
            ServiceReason.UNSUPPORTED_MEDIA_TYPE,
            f"Events come as {BATCH}, {LINES} or {STRUCTURED}, in UTF-8, or with headers ce-….",
            headers={"Accept-Post": ", ".join(KINDS)},
        )
    if media_type == STRUCTURED:
        elements = _elements(b"[" + body + b"]")
        if len(elements) != 1:
            _refuse_all(f"The body must be one event, and has {len(elements)}.")
        return [_read(elements[0])]
    if media_type == BATCH:
        return [_read(element) for element in _bounded(_elements(body))]
    lines = [line for line in body.split(b"\n") if line.strip()]
    return [_read(line) for line in _bounded(lines)]


def is_alone(content_type: str) -> bool:
    """Return whether what was read is one event, in structured or binary mode."""
    return _parts(content_type)[0] not in {BATCH, LINES}


def _parts(content_type: str) -> list[str]:
    return [part.strip().lower() for part in content_type.split(";")]


def _elements(body: bytes) -> Sequence[bytes | msgspec.Raw]:
    try:
        text = body.decode()
        if not _has_half(body):
            return _split(body)
        # msgspec reads no half of a character, and Python's reader takes what is no JSON: so the
        # one looks at the grammar without the halves, and the other finds where elements end.
        _split(_without_halves(body))
        return list(_cut(text))
    except RecursionError:
        _refuse_all("The body is nested too deeply.")
    except UnicodeDecodeError:
        _refuse_all("The body is not UTF-8.")
    except msgspec.ValidationError as error:
        _refuse_all(f"The body must be an array of events: {error}.")
    except msgspec.DecodeError as error:
        _refuse_all(f"The body is not JSON: {error}.")


def _has_half(data: bytes) -> bool:
    if b"\\ud" not in data and b"\\uD" not in data:
        return False
    return any(found["half"] for found in _HALF.finditer(data))


def _without_halves(data: bytes) -> bytes:
    return _HALF.sub(lambda found: rb"\ufffd" if found["half"] else found[0], data)


def _cut(text: str) -> Iterator[bytes]:
    """Yield the elements of an array of JSON, as they are written."""
    at = text.index("[") + 1
    while True:
        while text[at] in SEPARATORS:
            at += 1
        if text[at] == "]":
            return
        start, at = at, _skip(text, at)[1]
        yield text[start:at].encode()


def _bounded(elements: Sequence[Any]) -> Sequence[Any]:
    if len(elements) > EVENTS_MAX:
        raise Problem(
            ServiceReason.BATCH_TOO_LARGE,
            f"A batch may have {EVENTS_MAX} events; this one has {len(elements)}.",
        )
    return elements


def _read(element: bytes | msgspec.Raw) -> Read:
    members: dict[str, Any] = {}
    try:
        members = _members(bytes(element))
        return _event(members)
    except _EventRejected as refused:
        return _rejected(_shown_id(members), refused.reason)


def _read_binary(
    content_type: str, charsets: set[str], body: bytes, headers: Iterable[Header]
) -> Read:
    told, wrong = members_of(headers)
    if wrong is not None:
        return _rejected(_shown_id(told), *wrong)
    members: dict[str, Any] = dict(told)
    try:
        # What a login says beside its attributes means nothing, here as in structured mode.
        if TYPES.get(told.get("type", "")) is Source.STATISTIC:
            is_json = not content_type or _JSON_TYPE.fullmatch(content_type) is not None
            members["data"] = _data(body) if is_json and charsets <= {"utf-8"} else None
        return _event(members)
    except _EventRejected as refused:
        return _rejected(_shown_id(members), refused.reason)


def _data(body: bytes) -> Any:
    """Return what a body says as the member `data`; None where it is no JSON."""
    try:
        return read_json(body)
    except JsonUnreadable as unreadable:
        if unreadable.flaw in _REASONS:
            raise _EventRejected(_REASONS[unreadable.flaw]) from None
        return None


def _shown_id(members: Mapping[str, Any]) -> str:
    event_id = members.get("id")
    if not isinstance(event_id, str) or len(event_id) > NAME_LENGTH_MAX or is_cut(event_id):
        return ""
    return event_id


def _members(element: bytes) -> dict[str, Any]:
    try:
        members = read_json(element)
    except JsonUnreadable as unreadable:
        raise _EventRejected(_REASONS.get(unreadable.flaw, EventReason.NOT_JSON)) from None
    if not isinstance(members, dict):
        raise _EventRejected(EventReason.NOT_OBJECT)
    return members


def _event(members: Mapping[str, Any]) -> Incoming:
    if members.get("specversion") != SPECVERSION:
        raise _EventRejected(EventReason.SPECVERSION_UNKNOWN)
    event_id = _name(members.get("id"), EventReason.ID_MISSING, EventReason.ID_TOO_LONG)
    source = _name(members.get("source"), EventReason.SOURCE_MISSING, EventReason.SOURCE_TOO_LONG)
    kind = TYPES.get(_text(members.get("type"), EventReason.TYPE_UNKNOWN))
    if kind is None:
        raise _EventRejected(EventReason.TYPE_UNKNOWN)
    player = _text(members.get("subject"), EventReason.PLAYER_INVALID)
    if not is_player_id(player):
        raise _EventRejected(EventReason.PLAYER_INVALID)
    namespace = members.get("namespace")
    if namespace is not None:
        _text(namespace, EventReason.NAMESPACE_INVALID)
    at_ms = _at_ms(members.get("time"))
    if kind is Source.LOGIN:
        return Incoming(event_id, source, namespace, player, kind, at_ms)
    stat_code, value, increase = _statistic(members)
    return Incoming(event_id, source, namespace, player, kind, at_ms, stat_code, value, increase)


def _statistic(members: Mapping[str, Any]) -> tuple[str, Number, Number]:
    data = members.get("data")
    content_type = members.get("datacontenttype")
    if content_type is not None and not _JSON_TYPE.fullmatch(
        _text(content_type, EventReason.DATA_INVALID)
    ):
        raise _EventRejected(EventReason.DATA_INVALID)
    if not isinstance(data, dict):
        raise _EventRejected(EventReason.DATA_INVALID)
    increase = data.get("inc")
    return (
        _text(data.get("statCode"), EventReason.STAT_INVALID),
        _number(data.get("latestValue"), EventReason.VALUE_INVALID),
        0 if increase is None else _number(increase, EventReason.INCREASE_INVALID),
    )


def _text(value: Any, otherwise: EventReason) -> str:
    if not isinstance(value, str) or not value:
        raise _EventRejected(otherwise)
    if is_cut(value):
        raise _EventRejected(EventReason.SURROGATE_IN_TEXT)
    return value


def _name(value: Any, missing: EventReason, too_long: EventReason) -> str:
    name = _text(value, missing)
    if len(name) > NAME_LENGTH_MAX:
        raise _EventRejected(too_long)
    return name


def _number(value: Any, otherwise: EventReason) -> Number:
    """Return a number; whole ones as integers, however they were written."""
    # Not isinstance: true is no number.
    if type(value) not in {int, float} or not -NUMBER_MAX <= value <= NUMBER_MAX:
        raise _EventRejected(otherwise)
    number: Number = value
    return int(number) if number == math.trunc(number) else number


def _at_ms(time: Any) -> int | None:
    if time is None:
        return None
    try:
        return read_rfc3339(_text(time, EventReason.TIME_INVALID))
    except ValueError:
        raise _EventRejected(EventReason.TIME_INVALID) from None


class _EventRejected(Exception):
    """What was read is no event; `reason` says what is wrong with it."""

    def __init__(self, reason: EventReason) -> None:
        super().__init__(reason)
        self.reason = reason


def _rejected(event_id: str, reason: EventReason, header: str = "") -> EventOutcome:
    return EventOutcome(event_id, MEANINGS[reason][0], reason, header)


def _refuse_all(detail: str) -> NoReturn:
    raise Problem(HttpReason.BAD_REQUEST, detail[:DETAIL_MAX]) from None
