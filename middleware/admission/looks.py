"""Which unknown credentials are looked at, and whose CPU that is: it is bounded in any case."""

from middleware.admission.budget import CpuBudget
from middleware.admission.core import AdmissionCore
from middleware.admission.decision import Arrival

WHOLE_PPM = 1_000_000

FREE = 3
"""While places are free so many times as much may go into looks: those who are good then run."""


class Looks:
    """The CPU that may go into credentials of those who are then not served.

    Whoever brings a ticket comes at a moment that was promised, and whoever would run at once takes
    nothing from anybody: a flood of others may not use up what these need, nor these what others
    need. So there are three budgets.
    """

    def __init__(self, core: AdmissionCore, share_ppm: int) -> None:
        self._core = core
        self._free = CpuBudget(min(FREE * share_ppm, WHOLE_PPM))
        self._vouched = CpuBudget(share_ppm)
        self._others = CpuBudget(share_ppm)

    def budget_for(self, arrival: Arrival, now_ns: int) -> CpuBudget | None:
        """Return what a look at a newcomer's credential is taken from; None: it is turned away.

        Whoever looks spends what that took, and gives it back if the newcomer runs or waits.
        """
        budgets = [self._vouched if arrival.vouched else self._others]
        if self._core.has_room(arrival, now_ns):
            budgets.insert(0, self._free)
        return next((budget for budget in budgets if budget.has_left(now_ns)), None)
