"""What is drawn from for rating: parts by where judges differ, or by the gap of the one judge there is."""

from itertools import pairwise

import numpy as np

from harness.analysis.rating_strata import SMALLEST, STRATA, rating_strata
from tests.analysis.tables import table

RNG = np.random.default_rng(0)
ONE = RNG.integers(1, 6, (2, 60)).astype(float)


def test_parts_hold_every_task_once_with_those_answered_alike_apart() -> None:
    """Two judges: tasks on which they differ most are one part, with the largest spread; alike ones have none."""
    two = ONE.copy()
    two[1, :15] = np.where(ONE[1, :15] > 3, 1, 5)
    same = {str(n) for n in range(50, 60)}
    strata, basis = rating_strata([table(ONE), table(two, name="k")], baseline="m0", same=same, kind="optimal")
    assert strata is not None
    assert "disagreement" == basis
    assert sorted(str(n) for n in range(60)) == sorted(one for part in strata.parts for one in part)
    assert (same, 0.0) == (set(strata.parts[-1]), strata.spreads[-1])
    largest = strata.parts[int(np.argmax(strata.spreads))]
    assert {int(one) for one in largest} <= set(range(15))
    assert 1 < max(strata.spreads) / sorted(strata.spreads)[1] <= 2**0.5 * max(1.0, STRATA**0.5)


def test_a_judge_asked_twice_differs_from_itself() -> None:
    """Its repeats say where it is unsure, without a second judge."""
    cells = np.stack([ONE, ONE], axis=2)[:, :, None, :]
    cells[1, 40:, 0, 1] = 6 - cells[1, 40:, 0, 0]
    strata, basis = rating_strata([table(cells)], baseline="m0", same=(), kind="optimal")
    assert strata is not None
    assert ("disagreement", STRATA) == (basis, len(strata.parts))
    assert {int(one) for one in strata.parts[-1]} <= set(range(40, 60))


def test_one_judge_asked_once_shows_gaps_alone() -> None:
    """Parts of equal size in the order of its gaps, with equal spreads: proportional."""
    strata, basis = rating_strata([table(ONE)], baseline="m0", same=(), kind="optimal")
    assert strata is not None
    assert ("gaps", {15}, {1.0}) == (basis, {len(part) for part in strata.parts}, set(strata.spreads))
    gaps = ONE[1] - ONE[0]
    ends = [(min(gaps[int(one)] for one in part), max(gaps[int(one)] for one in part)) for part in strata.parts]
    assert all(before[1] <= after[0] for before, after in pairwise(ends))
    even, _ = rating_strata([table(ONE)], baseline="m0", same={"0", "1"}, kind="stratified")
    assert even is not None
    assert {1.0} == set(even.spreads)


def test_what_gives_no_parts() -> None:
    """A simple draw; no judge but people; one model alone. Few tasks are one part; verdicts may be missing."""
    two = [table(ONE)]
    assert (None, "nothing") == rating_strata(two, baseline="m0", same=(), kind="simple")
    assert (None, "nothing") == rating_strata([table(ONE, kind="human")], baseline="m0", same=(), kind="optimal")
    assert (None, "nothing") == rating_strata([table(ONE[:1])], baseline="m0", same=(), kind="optimal")
    few, _ = rating_strata([table(ONE[:, : SMALLEST + 1])], baseline="m0", same=(), kind="optimal")
    assert few is not None
    assert 1 == len(few.parts)
    gone = ONE.copy()
    gone[0, ::2] = np.nan
    strata, _ = rating_strata([table(gone), table(ONE, name="k")], baseline="m0", same=(), kind="optimal")
    assert strata is not None
    assert 60 == sum(len(part) for part in strata.parts)
    alike, _ = rating_strata(two, baseline="m0", same={str(n) for n in range(60)}, kind="optimal")
    assert alike is not None
    assert 60 == len(alike.parts[0])
