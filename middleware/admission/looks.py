"""Which unknown credentials are looked at: of whoever would run, and of others within a budget."""

from middleware.admission.budget import CpuBudget
from middleware.admission.core import AdmissionCore
from middleware.admission.decision import Arrival


class Looks:
    """Bounds the CPU that goes into credentials of those who are then not served.

    Whoever brings a ticket comes at a moment that was promised: a flood of others may not use up
    what that needs, so there are two budgets.
    """

    def __init__(self, core: AdmissionCore, share_ppm: int) -> None:
        self._core = core
        self._budget = CpuBudget(share_ppm)
        self._vouched = CpuBudget(share_ppm)

    def may_begin(self, arrival: Arrival, now_ns: int) -> bool:
        """Return whether to look at an unknown newcomer's credential, or to turn it away."""
        return self._of(arrival).has_left(now_ns) or self._core.has_room(arrival, now_ns)

    def end(self, arrival: Arrival, cpu_ns: int, now_ns: int) -> None:
        """Note what a look took."""
        self._of(arrival).spend(cpu_ns, now_ns)

    def serve(self, arrival: Arrival, cpu_ns: int) -> None:
        """Note that the newcomer runs or waits: its look was part of serving it."""
        self._of(arrival).give_back(cpu_ns)

    def _of(self, arrival: Arrival) -> CpuBudget:
        return self._vouched if arrival.vouched else self._budget
