"""The members of an event that come as headers, in binary mode.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md: the
value of a header is percent-encoded UTF-8, perhaps in quotes (section 3.1.3.2).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes

from app.domain.intake import EventReason

HEADER_PREFIX: Final = "ce-"

NAMES: Final = frozenset({"specversion", "id", "source", "type", "subject", "time", "namespace"})
"""Members that are read out of headers; what stands in another header is ignored."""

Header: TypeAlias = tuple[str, str]
"""A name in lower case, and a value."""

_ESCAPED = re.compile(r"\\(.)")


class WrongHeader(NamedTuple):
    """Why a header cannot be read, and which."""

    reason: EventReason
    name: str


def members_of(headers: Iterable[Header]) -> tuple[dict[str, str], WrongHeader | None]:
    """Return the members that headers tell, and what is wrong with the first that tells none."""
    sent: dict[str, list[str]] = {}
    for header, value in headers:
        name = header.removeprefix(HEADER_PREFIX)
        if header != name and name in NAMES:
            sent.setdefault(name, []).append(value)
    members: dict[str, str] = {}
    wrong = None
    for name, values in sent.items():
        try:
            members[name] = _member(values)
        except _HeaderUnreadable as unreadable:
            wrong = wrong or WrongHeader(unreadable.reason, f"{HEADER_PREFIX}{name}")
    return members, wrong


def _member(values: Sequence[str]) -> str:
    """Return the text that a header stands for. Its value is Latin-1, as every header's."""
    value, *more = values
    if more:
        raise _HeaderUnreadable(EventReason.MEMBER_TWICE)
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = _ESCAPED.sub(r"\1", value[1:-1])
    try:
        text = unquote_to_bytes(value.encode("latin-1")).decode()
    except UnicodeError:
        raise _HeaderUnreadable(EventReason.ATTRIBUTE_INVALID) from None
    if "\0" in text:
        raise _HeaderUnreadable(EventReason.NUL_IN_TEXT)
    return text


class _HeaderUnreadable(Exception):
    """The value of a header stands for no text; `reason` says what is wrong with it."""

    def __init__(self, reason: EventReason) -> None:
        super().__init__(reason)
        self.reason = reason
