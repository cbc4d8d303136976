"""What the parts of `bench-rules` find, in one shape: tables of figures, and targets.

A figure is a list: one value for each round. What is shown of it is the median, with the lowest and
the highest beside it.
"""

import statistics

import msgspec

from benchmarks.conditions import Conditions

Values = list[float]


class Row(msgspec.Struct, frozen=True):
    """One line of a table: what it is, and its figures by column; an empty one does not apply."""

    name: str
    unit: str
    cells: list[Values]


class Table(msgspec.Struct, frozen=True):
    """Figures that belong together. `columns` head the cells of each row."""

    title: str
    columns: list[str]
    rows: list[Row]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a figure must reach: the median of its rounds, or with `always` each of them."""

    name: str
    unit: str
    bound: float
    values: Values
    at_least: bool = False
    always: bool = False

    @property
    def figure(self) -> float | None:
        """What is set against the bound; None when there is nothing valid."""
        if not self.values:
            return None
        if self.always:
            return (min if self.at_least else max)(self.values)
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether it is reached; never by a figure that is not there."""
        figure = self.figure
        if figure is None:
            return False
        return figure >= self.bound if self.at_least else figure <= self.bound


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the benchmark, and what it was measured on.

    `void` says why nothing of it is a result; its figures are kept all the same.
    """

    key: str
    title: str
    conditions: Conditions
    targets: list[Target]
    tables: list[Table]
    notes: list[str] = []
    void: str = ""

    def met(self, target: Target) -> bool:
        """Return whether a target of this part is met; none is by a void part."""
        return not self.void and target.met

    @property
    def all_met(self) -> bool:
        """Whether every target of this part is met; none is left out of a void one."""
        return not self.void and all(map(self.met, self.targets))


class Results(msgspec.Struct):
    """The file: every part that was measured whole, by its key."""

    parts: dict[str, Part]


def ratios(values: Values, bases: Values) -> Values:
    """Return each value as a multiple of the base of the same round."""
    return [round(value / base, 3) for value, base in zip(values, bases, strict=True)]
