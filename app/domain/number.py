"""The arithmetic of statistics: whole numbers exactly, fractions to the thousandth.

A double holds no tenth exactly, so 16.4 - 6.4 is a little less than 10. Every value and difference
is therefore rounded to three decimals, as the decimal that it is written as; what lies in the
middle goes to the even neighbour. Up to 10^12 that gives what decimal arithmetic gives; beyond, a
double itself holds no thousandths any more.
"""

from decimal import Decimal
from typing import Final, TypeAlias

Number: TypeAlias = int | float

DECIMALS: Final = 3


def rounded(number: Number) -> Number:
    """Return a number to the nearest thousandth; a whole one as an integer."""
    if isinstance(number, int):
        return number
    nearest = float(round(Decimal(repr(number)), DECIMALS))
    return int(nearest) if nearest.is_integer() else nearest


def difference(number: Number, less: Number) -> Number:
    """Return `number` - `less`, to the nearest thousandth."""
    return rounded(number - less)
