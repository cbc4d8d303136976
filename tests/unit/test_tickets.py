"""Tickets: who can read them, and what is wrong with the others."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from middleware.admission import Class
from middleware.tickets import SignedTicket, Ticket, TicketClock, TicketFlaw, Tickets

OLD, NEW, OTHER = "old" * 12, "new" * 12, "other" * 8
TICKET = Ticket(
    Class.INITIALIZE, 1_780_000_060_000, 1_780_000_066_000, 1_780_000_000_000, again=True
)
tickets = Tickets([NEW, OLD])


def read(sent: str) -> SignedTicket | TicketFlaw:
    return tickets.read(sent.encode())


def test_a_ticket_says_what_was_promised_and_is_its_owner_s_alone() -> None:
    found = read(tickets.issue(TICKET, b"ann"))
    assert isinstance(found, SignedTicket)
    assert found.ticket == TICKET
    assert tickets.is_of(found, b"ann")
    assert not tickets.is_of(found, b"bob")


def test_it_tells_nothing_of_its_owner_and_is_short() -> None:
    issued = tickets.issue(TICKET, b"ann@example.com")
    assert len(issued) < 120
    assert b"ann" not in urlsafe_b64decode(issued[2:] + "==")


def test_every_process_with_the_secret_reads_it_and_while_it_is_replaced_the_one_before() -> None:
    for made_by in (Tickets([NEW]), Tickets([OLD]), Tickets([OLD, OTHER])):
        found = read(made_by.issue(TICKET, b"ann"))
        assert isinstance(found, SignedTicket)
        assert tickets.is_of(found, b"ann")
        assert not tickets.is_of(found, b"bob")
    assert read(Tickets([OTHER, NEW]).issue(TICKET, b"ann")) is TicketFlaw.FORGED


@pytest.mark.parametrize(
    ("sent", "flaw"),
    [
        (b"", TicketFlaw.MALFORMED),
        (b"1", TicketFlaw.MALFORMED),
        (b"1.", TicketFlaw.MALFORMED),
        (b"1.AA", TicketFlaw.MALFORMED),
        (b"1." + b"A" * 20_000, TicketFlaw.MALFORMED),
        (b"\xff\xfe", TicketFlaw.MALFORMED),
        (b"a ticket", TicketFlaw.MALFORMED),
        (b"2.AAAA", TicketFlaw.VERSION_UNKNOWN),
        (b"0." + tickets.issue(TICKET, b"ann")[2:].encode(), TicketFlaw.VERSION_UNKNOWN),
        (tickets.issue(TICKET, b"ann").encode() + b"=", TicketFlaw.MALFORMED),
        (b" " + tickets.issue(TICKET, b"ann").encode(), TicketFlaw.MALFORMED),
        (tickets.issue(TICKET, b"ann").encode()[:-1], TicketFlaw.MALFORMED),
    ],
)
def test_what_is_no_ticket_of_this_version_is_called_so(sent: bytes, flaw: TicketFlaw) -> None:
    assert tickets.read(sent) is flaw


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_of_it_can_be_changed(at: int, by: int) -> None:
    data = bytearray(urlsafe_b64decode(tickets.issue(TICKET, b"ann")[2:] + "=="))
    data[at % len(data)] ^= by
    forged = "1." + urlsafe_b64encode(data).rstrip(b"=").decode()
    assert read(forged) is TicketFlaw.FORGED


@given(
    st.integers(-(10**15), 10**15),
    st.integers(0, 10**15),
    st.integers(-(2**41), 2**41),
)
def test_a_moment_is_the_same_on_every_pod_to_the_millisecond(
    clock_ns: int, other_ns: int, ahead_ms: int
) -> None:
    """Whatever the pods' own clocks say: both know the shared one."""
    shared_ms = 1_780_000_000_000
    here = TicketClock(lambda: clock_ns, lambda: shared_ms)
    there = TicketClock(lambda: other_ns, lambda: shared_ms)
    moment_ns = clock_ns + ahead_ms * 1_000_000
    told = here.shared_ms_of(moment_ns)
    assert told == shared_ms + ahead_ms
    assert there.moment_ns_of(told) - other_ns == moment_ns - clock_ns
