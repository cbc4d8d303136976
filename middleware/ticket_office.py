"""The tickets of requests and refusals: read once, checked against whoever asks, told again."""

from collections.abc import Callable, Mapping
from typing import Final

from starlette.types import Scope

from middleware.admission import Class, Promise, Refused
from middleware.tickets import (
    IGNORED_MEMBER,
    TICKET_HEADER,
    TICKET_MEMBER,
    SignedTicket,
    Ticket,
    TicketClock,
    TicketFlaw,
    Tickets,
)

SCOPE_TICKET: Final = "admission_ticket"
"""Where a request's ticket is in its scope once it was read, or why it is ignored."""

ACCEPTED: Final = "accepted"

FUTURE_MS_MAX: Final = 3_600_000
"""No moment is further away than the longest horizon."""

_HEADER: Final = TICKET_HEADER.lower().encode()


class TicketOffice:
    """Reads and issues tickets; `on_read` hears what came of each one, for metrics."""

    def __init__(
        self,
        tickets: Tickets,
        clock: TicketClock,
        *,
        grace_ms: int,
        on_read: Callable[[str], None],
    ) -> None:
        """`grace_ms` is for how long after its window a moment is still kept."""
        self._tickets = tickets
        self._grace_ms = grace_ms
        self._clock = clock
        self._on_read = on_read

    def vouches(self, scope: Scope) -> bool:
        """Return whether the request has a ticket that was made here, for somebody, and counts."""
        signed = self._read(scope)
        return isinstance(signed, SignedTicket) and self._of_time(signed.ticket) is None

    def promise(self, scope: Scope, cls: Class, name: bytes) -> Promise | None:
        """Return what the ticket of a request of this class promises whoever has this name."""
        signed = self._read(scope)
        if signed is None:
            return None
        flaw = signed if isinstance(signed, TicketFlaw) else self._flaw(signed, cls, name)
        self._on_read(ACCEPTED if flaw is None else flaw)
        if flaw is not None:
            scope[SCOPE_TICKET] = flaw
            return None
        assert isinstance(signed, SignedTicket), "it has no flaw"
        ticket, clock = signed.ticket, self._clock
        return Promise(
            at_ns=clock.moment_ns_of(ticket.at_ms),
            until_ns=clock.moment_ns_of(ticket.until_ms),
            first_ns=clock.moment_ns_of(ticket.first_ms),
            again=ticket.again,
        )

    def told(self, scope: Scope, refused: Refused, name: bytes) -> Mapping[str, str]:
        """Return a refusal's members: a new ticket, and why the one that came is ignored."""
        members = {}
        if refused.promise is not None:
            members[TICKET_MEMBER] = self._issue(refused.promise, name)
        flaw = scope.get(SCOPE_TICKET)
        if isinstance(flaw, TicketFlaw):
            members[IGNORED_MEMBER] = flaw.value
        return members

    def _issue(self, promise: Promise, name: bytes) -> str:
        clock = self._clock
        ticket = Ticket(
            # Only logins are promised moments; returning is what they are at theirs.
            cls=Class.INITIALIZE,
            at_ms=clock.shared_ms_of(promise.at_ns),
            until_ms=clock.shared_ms_of(promise.until_ns),
            first_ms=clock.shared_ms_of(promise.first_ns),
            again=promise.again,
        )
        return self._tickets.issue(ticket, name)

    def _read(self, scope: Scope) -> SignedTicket | TicketFlaw | None:
        if SCOPE_TICKET not in scope:
            # An empty one is none: a client may send the header before it has a ticket.
            sent = [value for name, value in scope["headers"] if name == _HEADER and value]
            read = self._tickets.read(sent[0]) if sent else None
            scope[SCOPE_TICKET] = TicketFlaw.REPEATED if len(sent) > 1 else read
        found: SignedTicket | TicketFlaw | None = scope[SCOPE_TICKET]
        return found

    def _flaw(self, signed: SignedTicket, cls: Class, name: bytes) -> TicketFlaw | None:
        ticket = signed.ticket
        if not self._tickets.is_of(signed, name):
            return TicketFlaw.OWNER_DIFFERS
        if ticket.cls is not cls:
            return TicketFlaw.CLASS_DIFFERS
        return self._of_time(ticket)

    def _of_time(self, ticket: Ticket) -> TicketFlaw | None:
        now_ms = self._clock.now_ms()
        if ticket.at_ms > now_ms + FUTURE_MS_MAX:
            return TicketFlaw.OF_THE_FUTURE
        if ticket.until_ms + self._grace_ms < now_ms:
            return TicketFlaw.EXPIRED
        return None
