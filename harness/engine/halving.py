"""Successive halving: many candidates on few tasks, the better half of them on more. Pure.

Karnin, Koren & Somekh 2013; Jamieson & Talwalkar 2016.
"""

from collections.abc import Mapping
from math import ceil
from typing import TypeVar

from harness.errors import UsageError
from harness.locale import tr

FEWEST = 4
"""Of fewer candidates nothing is saved by halving them."""

Row = TypeVar("Row")


def check_candidates(count: int) -> None:
    """Refuse to halve a handful.

    Raises:
        UsageError: fewer than four candidates beside the baseline.
    """
    if count < FEWEST:
        raise UsageError(
            tr("--halving has {n} candidates beside the baseline.", n=count),
            hint=tr("It is for {fewest} or more; with fewer use --looks 4.", fewest=FEWEST),
        )


def dropped(differences: Mapping[Row, float | None]) -> set[Row]:
    """Return the worse half of the candidates, by their differences to the baseline; of an odd number the middle stays.

    One without a difference stays: that its judge failed says nothing of it. So does one that is level with the last
    one that stays.

    >>> sorted(dropped({"a": 0.3, "b": -0.2, "c": 0.1, "d": 0.0, "e": None}))
    ['b', 'd']
    >>> sorted(dropped({"a": 0.3, "b": 0.1, "c": 0.1, "d": -0.1}))
    ['d']
    """
    known = sorted((value for value in differences.values() if value is not None), reverse=True)
    if len(known) < 2:  # noqa: PLR2004 - there is no half of one
        return set()
    least = known[ceil(len(known) / 2) - 1]
    return {row for row, value in differences.items() if value is not None and value < least}
