"""The books of the promised moments agree with the slots, whatever happened to these before."""

import random

import pytest

from middleware.admission.slots import Slot, Slots
from tests.admission import MS, S

STEPS_NS = (0, 0, 1, 10 * MS, 10 * MS, 100 * MS, S, 5 * S)


class Owners:
    """A few clients, of whom each keeps the slot that it was given last."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._slots = Slots(120 * S, self._dice.choice((0, S, 60 * S)), keys_max=6)
        self._of: dict[int, Slot] = {}
        self._now_ns = 0

    def live(self, steps: int) -> None:
        """Let so many things happen, and look at the books now and then."""
        verbs = (self._reserve, self._reserve, self._come, self._serve, self._owe, self._move_up)
        for _ in range(steps):
            self._now_ns += self._dice.choice(STEPS_NS)
            self._dice.choice(verbs)(self._dice.randrange(8))
            if self._dice.random() < 0.2:
                self._look()

    def _look(self) -> None:
        self._remember()
        now_ns = self._now_ns
        ahead = [slot for slot in self._of.values() if slot.at_ns > now_ns and not slot.served]
        assert self._slots.promised(now_ns, None) == len(ahead)
        until_ns = now_ns + S
        within = [slot for slot in ahead if slot.again and slot.at_ns <= until_ns]
        assert self._slots.promised(now_ns, until_ns, again=True) == len(within)

    def _remember(self) -> None:
        found = {key: self._slots.find(key, self._now_ns) for key in range(8)}
        self._of = {key: slot for key, slot in found.items() if slot is not None}

    def _reserve(self, key: int) -> None:
        behind_ns, interval_ns = self._dice.choice(STEPS_NS), 10 * MS
        again = self._dice.random() < 0.5
        self._slots.reserve(key, self._now_ns, behind_ns, interval_ns, again=again)

    def _come(self, key: int) -> None:
        if (slot := self._slots.find(key, self._now_ns)) is not None:
            self._slots.come(slot, self._now_ns)

    def _serve(self, key: int) -> None:
        self._slots.serve(key, self._now_ns)

    def _owe(self, key: int) -> None:
        self._slots.owe(key, self._now_ns)

    def _move_up(self, key: int) -> None:
        slot = self._slots.find(key, self._now_ns)
        if slot is None or slot.served or self._now_ns >= slot.at_ns:
            return
        self._remember()
        before = [each for each in self._of.values() if each.rank <= slot.rank]
        ahead = [each for each in before if each.at_ns > self._now_ns and not each.served]
        moved_ns = min(slot.at_ns, self._now_ns + len(ahead) * MS)
        self._slots.move_up(slot, self._now_ns, 0, MS)
        assert slot.at_ns == moved_ns


@pytest.mark.parametrize("seed", range(100))
def test_what_is_promised_is_what_the_slots_say(seed: int) -> None:
    Owners(seed).live(150)
