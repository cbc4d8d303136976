"""Signed proofs of a promised moment, which every pod accepts: `Admission-Ticket`.

    1.<base64url of: class, flags, owner, moment, end of its window, first refusal, MAC>

The instants are milliseconds since 1970 of a clock that all pods share. The owner is a keyed hash
of the verified credential's name, so a ticket says nothing about who it is, and is of no use to
anybody else. The MAC is BLAKE2b with a key (RFC 7693, section 2.9).
"""

import hashlib
import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from middleware.admission import Class

TICKET_HEADER: Final = "Admission-Ticket"
TICKET_MEMBER: Final = "admission_ticket"
IGNORED_MEMBER: Final = "admission_ticket_ignored"
VERSION: Final = b"1"
SECRETS_MAX: Final = 2

OWNER_BYTES: Final = 16
MAC_BYTES: Final = 16

FLAG_AGAIN: Final = 1

_BODY: Final = struct.Struct(f">BB{OWNER_BYTES}sQQQ")
_LENGTH: Final = -(-(_BODY.size + MAC_BYTES) * 4 // 3)
_FORM: Final = re.compile(rb"(\d{1,3})\.([\w-]+)", re.ASCII)


class TicketFlaw(StrEnum):
    """Why a ticket is ignored: its client is then served as if it had none."""

    REPEATED = "repeated"
    MALFORMED = "malformed"
    VERSION_UNKNOWN = "version_unknown"
    FORGED = "forged"
    CLASS_DIFFERS = "class_differs"
    OWNER_DIFFERS = "owner_differs"
    EXPIRED = "expired"
    OF_THE_FUTURE = "of_the_future"


class Ticket(NamedTuple):
    """What a ticket says: a class, and instants in milliseconds since 1970.

    `again`: its client was refused again at an earlier moment. `first_ms` is when it was refused
    for the first time.
    """

    cls: Class
    at_ms: int
    until_ms: int
    first_ms: int
    again: bool


class SignedTicket(NamedTuple):
    """A ticket with a good signature, by which of the secrets, and for whom."""

    ticket: Ticket
    owner: bytes
    secret: int


class Tickets:
    """Makes tickets with the first of the secrets, and reads those of all."""

    def __init__(self, secrets: Sequence[str]) -> None:
        assert 1 <= len(secrets) <= SECRETS_MAX
        self._mac_keys = [_derive(secret, b"headrace.mac") for secret in secrets]
        self._owner_keys = [_derive(secret, b"headrace.owner") for secret in secrets]

    def issue(self, ticket: Ticket, name: bytes) -> str:
        """Return a ticket for whoever has this name."""
        flags = FLAG_AGAIN if ticket.again else 0
        body = _BODY.pack(
            ticket.cls, flags, self._owner(name, 0), ticket.at_ms, ticket.until_ms, ticket.first_ms
        )
        signed = urlsafe_b64encode(body + self._mac(body, 0)).rstrip(b"=")
        return (VERSION + b"." + signed).decode()

    def read(self, sent: bytes) -> SignedTicket | TicketFlaw:
        """Return what was sent, if it was signed here; whose it is was not looked at."""
        form = _FORM.fullmatch(sent)
        if form is None:
            return TicketFlaw.MALFORMED
        if form[1] != VERSION:
            return TicketFlaw.VERSION_UNKNOWN
        if len(form[2]) != _LENGTH:
            return TicketFlaw.MALFORMED
        data = urlsafe_b64decode(form[2] + b"=" * (-_LENGTH % 4))
        body, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        for number in range(len(self._mac_keys)):
            if hmac.compare_digest(mac, self._mac(body, number)):
                return _unpacked(body, number)
        return TicketFlaw.FORGED

    def is_of(self, signed: SignedTicket, name: bytes) -> bool:
        """Return whether a ticket was made for whoever has this name."""
        return hmac.compare_digest(signed.owner, self._owner(name, signed.secret))

    def _owner(self, name: bytes, number: int) -> bytes:
        key = self._owner_keys[number]
        return hashlib.blake2b(name, key=key, digest_size=OWNER_BYTES).digest()

    def _mac(self, body: bytes, number: int) -> bytes:
        key = self._mac_keys[number]
        return hashlib.blake2b(VERSION + body, key=key, digest_size=MAC_BYTES).digest()


class TicketClock:
    """Carries moments between the gate's clock, in ns, and that which all pods share, in ms."""

    def __init__(self, clock_ns: Callable[[], int], shared_ms: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._shared_ms = shared_ms

    def now_ms(self) -> int:
        """Return the shared moment."""
        return self._shared_ms()

    def now_ns(self) -> int:
        """Return the gate's."""
        return self._clock_ns()

    def shared_ms_of(self, moment_ns: int) -> int:
        """Return a moment of the gate's clock as all pods read it; rounded up, so never early."""
        return self._shared_ms() - (self._clock_ns() - moment_ns) // 1_000_000

    def moment_ns_of(self, shared_ms: int) -> int:
        """Return a shared moment as the gate's clock reads it."""
        return self._clock_ns() + (shared_ms - self._shared_ms()) * 1_000_000


def _derive(secret: str, purpose: bytes) -> bytes:
    """Return a key for one purpose only."""
    return hashlib.blake2b(secret.encode(), digest_size=32, person=purpose).digest()


def _unpacked(body: bytes, number: int) -> SignedTicket | TicketFlaw:
    cls, flags, owner, at_ms, until_ms, first_ms = _BODY.unpack(body)
    if cls not in set(Class):
        return TicketFlaw.CLASS_DIFFERS
    ticket = Ticket(Class(cls), at_ms, until_ms, first_ms, bool(flags & FLAG_AGAIN))
    return SignedTicket(ticket, owner, number)
