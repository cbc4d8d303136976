"""Events from bytes: CloudEvents 1.0, as a JSON array or as one JSON object a line.

    batch   application/cloudevents-batch+json   what breaks the JSON breaks the whole array
    lines   application/x-ndjson                 what breaks a line breaks that line

Everything else that can be wrong with an event is its own affair and leaves its neighbours alone.
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
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

from app.domain.facts import Number
from app.domain.goal import Source
from app.domain.intake import (
    EVENTS_MAX,
    MEANINGS,
    NAME_LENGTH_MAX,
    NUMBER_MAX,
    Incoming,
    Outcome,
    Why,
)
from app.domain.player import is_player_id
from app.domain.timestamp import read_rfc3339
from app.errors import Problem, Reason

BATCH: Final = "application/cloudevents-batch+json"
LINES: Final = "application/x-ndjson"

SPECVERSION: Final = "1.0"
TYPES: Final[Mapping[str, Source]] = MappingProxyType(
    {"headrace.login": Source.LOGIN, "headrace.statistic": Source.STATISTIC}
)

DETAIL_MAX: Final = 200

Read: TypeAlias = Incoming | Outcome
"""An event, or the outcome of what is none."""

_JSON_TYPE = re.compile(r"[\w.+-]+/([\w.-]+\+)?json *(;.*)?", re.ASCII | re.IGNORECASE)

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_check = msgspec.json.Decoder(msgspec.Raw).decode


def decode(content_type: str, body: bytes) -> list[Read]:
    """Return what each element or line of a body is, in their order.

    Raises `Problem` with `unsupported_media_type`, `bad_request` or `batch_too_large`.
    """
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = {each[8:].strip('"') for each in parameters if each.startswith("charset=")}
    if media_type not in {BATCH, LINES} or charsets - {"utf-8"}:
        raise Problem(
            Reason.UNSUPPORTED_MEDIA_TYPE,
            f"Events come as {BATCH} or as {LINES}, in UTF-8.",
            headers={"Accept-Post": f"{BATCH}, {LINES}"},
        )
    if media_type == BATCH:
        return [_read(element) for element in _bounded(_elements(body))]
    lines = [line for line in body.split(b"\n") if line.strip()]
    return [_read_line(line) for line in _bounded(lines)]


def _elements(body: bytes) -> Sequence[bytes | msgspec.Raw]:
    try:
        body.decode()
        return _split(body)
    except RecursionError:
        _refuse_all("The body is nested too deeply.")
    except UnicodeDecodeError:
        _refuse_all("The body is not UTF-8.")
    except msgspec.ValidationError as error:
        _refuse_all(f"The body must be an array of events: {error}.")
    except msgspec.DecodeError as error:
        _refuse_all(f"The body is not JSON: {error}.")


def _bounded(elements: Sequence[Any]) -> Sequence[Any]:
    if len(elements) > EVENTS_MAX:
        raise Problem(
            Reason.BATCH_TOO_LARGE,
            f"A batch may have {EVENTS_MAX} events; this one has {len(elements)}.",
        )
    return elements


def _read_line(line: bytes) -> Read:
    try:
        return _read(_check(line))
    except (msgspec.DecodeError, RecursionError):
        return _rejected("", Why.NOT_JSON)


def _read(element: bytes | msgspec.Raw) -> Read:
    """Return the event in what msgspec has found to be JSON, but for the texts in it."""
    members: dict[str, Any] = {}
    try:
        members = _parse(bytes(element))
        return _event(members)
    except _Refused as refused:
        event_id = members.get("id")
        if not isinstance(event_id, str) or len(event_id) > NAME_LENGTH_MAX:
            event_id = ""
        return _rejected(event_id, refused.why)


def _parse(element: bytes) -> dict[str, Any]:
    try:
        text = element.decode()
        members = _parse_json(text)
        if "\\u0000" in text and _has_nul(members):
            raise _Refused(Why.NUL_IN_TEXT)
    except (UnicodeDecodeError, RecursionError):
        raise _Refused(Why.NOT_JSON) from None
    except ValueError:
        # Python reads no whole number of more than 4300 digits.
        raise _Refused(Why.NUMBER_TOO_LARGE) from None
    if not isinstance(members, dict):
        raise _Refused(Why.NOT_OBJECT)
    return members


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # msgspec would keep the last of two members of one name, and nobody would know which was meant.
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Refused(Why.MEMBER_TWICE)
    return members


_parse_json = json.JSONDecoder(object_pairs_hook=_object).decode


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(_has_nul, value)) or any(map(_has_nul, value.values()))
    return isinstance(value, list) and any(map(_has_nul, value))


def _event(members: Mapping[str, Any]) -> Incoming:
    if members.get("specversion") != SPECVERSION:
        raise _Refused(Why.SPECVERSION_UNKNOWN)
    event_id = _name(members.get("id"), Why.ID_MISSING, Why.ID_TOO_LONG)
    source = _name(members.get("source"), Why.SOURCE_MISSING, Why.SOURCE_TOO_LONG)
    kind = TYPES.get(_text(members.get("type"), Why.TYPE_UNKNOWN))
    if kind is None:
        raise _Refused(Why.TYPE_UNKNOWN)
    player = _text(members.get("subject"), Why.PLAYER_INVALID)
    if not is_player_id(player):
        raise _Refused(Why.PLAYER_INVALID)
    namespace = members.get("namespace")
    if namespace is not None:
        _text(namespace, Why.NAMESPACE_INVALID)
    at_ms = _at_ms(members.get("time"))
    if kind is Source.LOGIN:
        return Incoming(event_id, source, namespace, player, kind, at_ms)
    stat_code, value, increase = _statistic(members)
    return Incoming(event_id, source, namespace, player, kind, at_ms, stat_code, value, increase)


def _statistic(members: Mapping[str, Any]) -> tuple[str, Number, Number]:
    data = members.get("data")
    content_type = members.get("datacontenttype")
    if content_type is not None and not _JSON_TYPE.fullmatch(_text(content_type, Why.DATA_INVALID)):
        raise _Refused(Why.DATA_INVALID)
    if not isinstance(data, dict):
        raise _Refused(Why.DATA_INVALID)
    increase = data.get("inc")
    return (
        _text(data.get("statCode"), Why.STAT_INVALID),
        _number(data.get("latestValue"), Why.VALUE_INVALID),
        0 if increase is None else _number(increase, Why.INCREASE_INVALID),
    )


def _text(value: Any, otherwise: Why) -> str:
    if not isinstance(value, str) or not value:
        raise _Refused(otherwise)
    return value


def _name(value: Any, missing: Why, too_long: Why) -> str:
    name = _text(value, missing)
    if len(name) > NAME_LENGTH_MAX:
        raise _Refused(too_long)
    return name


def _number(value: Any, otherwise: Why) -> Number:
    """Return a number; whole ones as integers, however they were written."""
    # Not isinstance: true is no number.
    if type(value) not in {int, float} or not -NUMBER_MAX <= value <= NUMBER_MAX:
        raise _Refused(otherwise)
    number: Number = value
    return int(number) if number == math.trunc(number) else number


def _at_ms(time: Any) -> int | None:
    if time is None:
        return None
    try:
        return read_rfc3339(_text(time, Why.TIME_INVALID))
    except ValueError:
        raise _Refused(Why.TIME_INVALID) from None


class _Refused(Exception):
    """What was read is no event; `why` says what is wrong with it."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


def _rejected(event_id: str, why: Why) -> Outcome:
    return Outcome(event_id, MEANINGS[why][0], why)


def _refuse_all(detail: str) -> NoReturn:
    raise Problem(Reason.BAD_REQUEST, detail[:DETAIL_MAX]) from None
