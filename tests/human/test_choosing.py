"""Which tasks are drawn: the chances that an unbiased estimate stands on, counted over many seeds."""

from collections import Counter

import pytest

from harness.human.choosing import Strata, choose, rng

IDS = tuple(str(n) for n in range(20))
STRATA = Strata(parts=(IDS[:5], IDS[5:]), spreads=(4.0, 1.0))


@pytest.mark.parametrize("strata", [None, STRATA])
def test_chances_within_a_stratum_are_equal(strata: Strata | None) -> None:
    """2,000 draws of eight: each task within five standard errors of its stratum's share."""
    seen = Counter(one for seed in range(2000) for one in choose(seed, "t", IDS, 8, strata=strata))
    assert 16000 == seen.total()
    for part in (IDS,) if strata is None else strata.parts:
        expected = sum(seen[one] for one in part) / len(part)
        assert all(abs(seen[one] - expected) < 5 * expected**0.5 for one in part)
    if strata is not None:
        assert seen[IDS[0]] > 2 * seen[IDS[-1]]


def test_what_was_drawn_before_stays() -> None:
    """Also where a stratum has more of it than it would get."""
    taken = IDS[5:13]
    found = choose(0, "t", IDS, 12, strata=STRATA, taken=taken)
    assert set(taken) < set(found)
    assert (12, 4) == (len(found), sum(one in IDS[:5] for one in found))
    assert set(taken) < set(choose(0, "t", IDS, 9, taken=taken))


def test_strata_of_some_tasks_alone() -> None:
    """A part that holds none of them is gone, with its spread."""
    assert Strata(parts=(("7", "6"),), spreads=(1.0,)) == Strata(
        parts=(IDS[:5], ("7", "6")), spreads=(4.0, 1.0)
    ).within({"6", "7"})


def test_chance_is_the_same_for_the_same_parts() -> None:
    assert rng(1, "a").random() == rng(1, "a").random() != rng(1, "b").random()
