"""Moments that hold at every pod: tickets at two gates that share a secret and a clock."""

from collections import Counter
from dataclasses import replace

from app.callers import MockPlayers
from middleware.admission import Class, Rate
from middleware.caller import SCOPE_CALLER, Arrivals, Caller, Credential, Trust
from middleware.gate import AdmissionGate
from middleware.ticket_office import TicketOffice
from middleware.tickets import SignedTicket, Ticket, TicketClock, Tickets
from tests.asgi.test_gate import SETTINGS, Bench
from tests.asgi_client import Exchange, http_scope, settle
from tests.virtual_time import clock_ns, pass_time, virtual

MS = 1_000_000
S = 1_000 * MS
SECRET = "a secret of all the pods together"
RATED = replace(SETTINGS, initialize_rate=Rate.per_second(1, burst=1), wait_ns_max=0)


class Pod(Bench):
    """One of several gates. Its own clock and its memory are its own."""

    def __init__(self, *secrets: str, ahead_ns: int = 0) -> None:
        super().__init__(RATED)
        self.results: Counter[str] = Counter()
        clock = TicketClock(lambda: clock_ns() + ahead_ns, lambda: clock_ns() // MS)
        self.office = TicketOffice(
            Tickets(secrets or [SECRET]),
            clock,
            grace_ms=60_000,
            on_read=lambda result: self.results.update([result]),
        )
        self.arrivals = Arrivals(self.office)
        self.gate = AdmissionGate(
            core=self.core,
            classify=self.arrivals,
            tell=self.arrivals.told,
            hooks=[self.events.append],
            clock_ns=lambda: clock_ns() + ahead_ns,
            dice=lambda: 0.5,
        )

    def knock(self, name: str, *tickets: str) -> Exchange:
        headers = [(b"admission-ticket", ticket.encode()) for ticket in tickets]
        scope = http_scope("POST", f"/{name}", headers)
        scope[SCOPE_CALLER] = Caller(
            Class.INITIALIZE, Credential(b"c", name.encode(), Trust.VERIFIED), MockPlayers()
        )
        return Exchange(self.gate.around(self.app), scope)

    async def refused(self, name: str, *tickets: str) -> Exchange:
        answer = self.knock(name, *tickets)
        await answer.task
        assert answer.status == 503
        return answer

    async def served(self, name: str, *tickets: str) -> bool:
        answer = self.knock(name, *tickets)
        await self.end(f"/{name}")
        return answer.status == 200

    async def full(self, outside: int = 0) -> "Pod":
        """Use up the token of this second, and promise moments to so many others."""
        assert await self.served("somebody")
        for number in range(outside):
            await self.refused(f"other{number}")
        return self


@virtual
async def test_a_refusal_tells_a_ticket_in_a_header_and_in_the_body() -> None:
    pod = await Pod().full()
    answer = await pod.refused("ann")
    assert answer.json["reserved"] is True
    assert answer.headers["admission-ticket"] == answer.json["admission_ticket"]
    assert "admission_ticket_ignored" not in answer.json


@virtual
async def test_a_ticket_holds_at_a_pod_that_has_never_seen_its_owner() -> None:
    first = await Pod().full(outside=5)
    told = await first.refused("ann")
    second = await Pod().full()
    early = await second.refused("ann", told.json["admission_ticket"])
    assert early.json["reason"] == "slot_early"
    assert second.results == {"accepted": 1}
    await sleep_ms(early.json["retry_after_ms"])
    fresh = await second.full()
    assert not fresh.core.snapshot(clock_ns()).promised
    late = await second.refused("bob")
    assert late.json["reason"] == "line_full"


@virtual
async def test_the_moment_is_the_same_whatever_the_pod_s_own_clock_says() -> None:
    first = await Pod().full(outside=9)
    told = await first.refused("ann")
    for ahead_ns in (0, -900 * S, 600 * S, 10**15):
        second = await Pod(ahead_ns=ahead_ns).full(outside=30)
        early = await second.refused("ann", told.json["admission_ticket"])
        assert early.json["reason"] == "slot_early"
        assert abs(early.json["retry_after_ms"] - told.json["retry_after_ms"]) <= 1


@virtual
async def test_a_due_ticket_goes_before_newcomers_after_a_restart() -> None:
    before = await Pod().full(outside=3)
    told = await before.refused("ann")
    await sleep_ms(told.json["retry_after_ms"])
    after = Pod()
    assert await after.served("ann", told.json["admission_ticket"])
    [event] = after.events
    assert event.cls is Class.RETURNING


@virtual
async def test_an_early_ticket_that_is_told_anew_keeps_its_first_refusal() -> None:
    first = await Pod().full(outside=5)
    told = (await first.refused("ann")).json["admission_ticket"]
    refused_ms = clock_ns() // MS
    await sleep_ms(1_500)
    second = await Pod().full(outside=1)
    again = (await second.refused("ann", told)).json["admission_ticket"]
    found = second.office._tickets.read(again.encode())
    assert isinstance(found, SignedTicket)
    assert found.ticket.first_ms == refused_ms


@virtual
async def test_what_is_wrong_with_a_ticket_is_said_once_and_its_client_is_a_newcomer() -> None:
    pod = await Pod().full(outside=5)
    other = await Pod("another secret of all other pods").full()
    good = (await pod.refused("ann")).json["admission_ticket"]
    foreign = (await other.refused("ann")).json["admission_ticket"]
    second = await Pod().full()
    for tickets, name, flaw in (
        ([good[:-4]], "ann", "malformed"),
        (["2" + good[1:]], "ann", "version_unknown"),
        ([foreign], "ann", "forged"),
        ([good], "bob", "owner_differs"),
        ([good, good], "cid", "repeated"),
        (["x" * 20_000], "dan", "malformed"),
    ):
        answer = await second.refused(name, *tickets)
        assert answer.json["admission_ticket_ignored"] == flaw
        assert second.results[flaw] >= 1
    assert not second.results["accepted"]


@virtual
async def test_an_empty_header_is_no_ticket() -> None:
    pod = await Pod().full()
    assert "admission_ticket_ignored" not in (await pod.refused("ann", "")).json


@virtual
async def test_a_ticket_of_another_class_is_none() -> None:
    moment_ms = clock_ns() // MS + 5_000
    of_events = Ticket(Class.EVENTS, moment_ms, moment_ms + 2_000, moment_ms, again=False)
    pod = await Pod().full()
    answer = await pod.refused("ann", Tickets([SECRET]).issue(of_events, b"cann"))
    assert answer.json["admission_ticket_ignored"] == "class_differs"


@virtual
async def test_an_old_ticket_is_expired_and_one_from_the_future_is_not_believed() -> None:
    pod = await Pod().full(outside=5)
    good = (await pod.refused("ann")).json["admission_ticket"]
    await sleep_ms(3_600_000)
    second = await Pod().full()
    assert (await second.refused("ann", good)).json["admission_ticket_ignored"] == "expired"
    of_then = Pod()
    of_then.office._clock = TicketClock(clock_ns, lambda: clock_ns() // MS + 4_000_000)
    await of_then.full()
    later = (await of_then.refused("bob")).json["admission_ticket"]
    assert (await second.refused("bob", later)).json["admission_ticket_ignored"] == "of_the_future"


@virtual
async def test_a_ticket_is_kept_once_at_each_pod_and_then_its_owner_is_a_newcomer() -> None:
    first = await Pod().full(outside=2)
    told = (await first.refused("ann")).json
    await sleep_ms(told["retry_after_ms"])
    second = Pod()
    assert await second.served("ann", told["admission_ticket"])
    # Within its window it may come again; after it, it is no better than anybody.
    await sleep_ms(8_000)
    assert second.core.snapshot(clock_ns()).running == 0
    assert await second.served("somebody else")
    answer = await second.refused("ann", told["admission_ticket"])
    assert answer.json["reason"] == "line_full"
    assert [event.cls for event in second.events if event.reason][-1] is Class.INITIALIZE


@virtual
async def test_a_pod_s_own_tickets_change_nothing_in_what_it_knows() -> None:
    plain, bare = await Pod().full(outside=9), await Pod().full(outside=9)
    told = (await plain.refused("ann")).json
    await bare.refused("ann")
    plain.office._clock = TicketClock(clock_ns, lambda: clock_ns() // MS + 3)
    await sleep_ms(told["retry_after_ms"] + 5)
    assert await plain.served("ann", told["admission_ticket"])
    assert await bare.served("ann")
    assert plain.core._slots.kept.of(1_000) == bare.core._slots.kept.of(1_000)


@virtual
async def test_an_old_ticket_does_not_vouch_for_anybody() -> None:
    pod = await Pod().full(outside=2)
    told = (await pod.refused("ann")).json["admission_ticket"]
    scope = http_scope("POST", "/", [(b"admission-ticket", told.encode())])
    assert pod.office.vouches(dict(scope))
    await sleep_ms(3_600_000)
    assert not pod.office.vouches(dict(scope))


@virtual
async def test_of_a_moment_here_and_one_of_another_pod_the_earlier_one_holds() -> None:
    soon = await Pod().full(outside=2)
    told = await soon.refused("ann")
    late = await Pod().full(outside=20)
    here = await late.refused("ann")
    assert here.json["retry_after_ms"] > told.json["retry_after_ms"]
    both = await late.refused("ann", told.json["admission_ticket"])
    assert both.json["retry_after_ms"] <= told.json["retry_after_ms"]
    again = await late.refused("ann", here.json["admission_ticket"])
    assert again.json["retry_after_ms"] <= told.json["retry_after_ms"]


async def sleep_ms(span_ms: int) -> None:
    await pass_time(span_ms / 1e3)
    await settle()
