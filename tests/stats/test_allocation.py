"""Allocation to strata: the exact minimum, against every allocation there is, and Neyman's rule in the limit."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import StatisticsError
from harness.stats.allocation import FEWEST, allocate

STRATUM = st.tuples(st.integers(1, 12), st.floats(0, 5), st.integers(0, 3))


def variance(sizes: list[int], spreads: list[float], counts: tuple[int, ...]) -> float:
    return sum((size * spread) ** 2 / count for size, spread, count in zip(sizes, spreads, counts, strict=True))


@settings(deadline=None)
@given(st.lists(STRATUM, min_size=1, max_size=3), st.data())
def test_no_other_allocation_varies_less(strata: list[tuple[int, float, int]], data: st.DataObject) -> None:
    """By brute force over all allocations that keep what is taken, two a stratum, and nothing above its size."""
    sizes, spreads, taken = ([one[part] for one in strata] for part in range(3))
    taken = [min(had, size) for had, size in zip(taken, sizes, strict=True)]
    floors = [max(min(FEWEST, size), had) for size, had in zip(sizes, taken, strict=True)]
    total = data.draw(st.integers(sum(floors), sum(sizes)))
    found = allocate(sizes, spreads, total, taken=taken)
    assert total == sum(found)
    ways = product(*(range(floor, size + 1) for floor, size in zip(floors, sizes, strict=True)))
    best = min(variance(sizes, spreads, way) for way in ways if sum(way) == total)
    assert variance(sizes, spreads, found) == pytest.approx(best, rel=1e-9, abs=1e-12)


def test_neymans_rule_for_many_units() -> None:
    """n_h in proportion to N_h S_h: 3,000 and 1,000 of 4,000 for equal sizes with spreads 3 to 1."""
    assert (3000, 1000) == allocate([50_000, 50_000], [3.0, 1.0], 4000)


def test_without_spread_sizes_decide() -> None:
    assert (6, 3) == allocate([60, 30], [0.0, 0.0], 9)


def test_too_few_to_draw_and_too_many() -> None:
    """What each stratum needs is drawn in any case; more than there is cannot be."""
    assert (2, 2, 1) == allocate([9, 9, 1], [1.0, 1.0, 1.0], 3)
    with pytest.raises(StatisticsError, match="21 units cannot be drawn from 20"):
        allocate([10, 10], [1, 1], 21)
    with pytest.raises(StatisticsError, match="not negative"):
        allocate([10, 10], [1, -1], 4)
