"""How many units to draw from each stratum, so that a stratified mean varies least."""

from collections.abc import Sequence
from heapq import heapify, heapreplace
from math import sqrt

from harness.errors import StatisticsError
from harness.locale import tr

FEWEST = 2
"""A stratum of which not all is drawn needs so many units: one has no spread."""


def allocate(
    sizes: Sequence[int], spreads: Sequence[float], total: int, *, taken: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Return how many of ``total`` units to draw from each stratum, what is ``taken`` already among them.

    The variance of a stratified mean is the sum of (N_h S_h)^2 / n_h less a constant; Neyman's allocation makes it
    least with n_h in proportion to N_h S_h (Neyman 1934; Cochran 1977, section 5.5). In whole units the exact minimum
    comes from giving each next unit to the stratum with the largest N_h S_h / sqrt(n_h (n_h + 1)) (Wright 2012, The
    American Statistician 66, 217-224). Every stratum gets two units first, or all that it has; equal spreads give
    proportional allocation.

    Args:
        sizes: N_h, units in each stratum, at least 1.
        spreads: S_h, standard deviations in the strata up to a common factor, not negative.
        total: Units to be drawn, at most the sum of ``sizes``; if it is less than what has to be drawn (see above, and
            ``taken``), that much is returned all the same.
        taken: Units that are drawn already, per stratum; they stay.

    Raises:
        StatisticsError: unlike lengths, a negative spread, more to be drawn than there is.

    >>> allocate([50, 50], [3.0, 1.0], 20), allocate([60, 30], [1.0, 1.0], 9), allocate([4, 90], [9.0, 1.0], 10)
    ((15, 5), (6, 3), (3, 7))
    """
    taken = [0] * len(sizes) if taken is None else taken
    if not len(sizes) == len(spreads) == len(taken) or any(spread < 0 for spread in spreads):
        raise StatisticsError(tr("Each stratum needs a size and a spread that is not negative."))
    if total > sum(sizes):
        raise StatisticsError(tr("{total} units cannot be drawn from {n}.", total=total, n=sum(sizes)))
    given = [max(min(FEWEST, size), had) for size, had in zip(sizes, taken, strict=True)]

    def gain(place: int) -> tuple[bool, float, float, int]:
        count, size = given[place], sizes[place]
        left = size - count
        worth = size * spreads[place] / sqrt(count * (count + 1))
        return left == 0, -worth, -left / size, place  # without any spread what is drawn least is next

    queue = [gain(place) for place in range(len(sizes))]
    heapify(queue)
    for _ in range(total - sum(given)):
        place = queue[0][-1]
        given[place] += 1
        heapreplace(queue, gain(place))
    return tuple(given)
