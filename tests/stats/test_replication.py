"""The chance of the same sign on new tasks."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest

from harness.errors import StatisticsError
from harness.stats.replication import same_sign
from tests.stats.scenarios import CEILING, SHIFTED, scenario


def test_it_grows_with_the_difference_and_is_a_coin_without_one() -> None:
    """0.5 at no difference, near 1 far from it, the same for both signs."""
    chances = [same_sign(d, 0.15, 99) for d in (0, 0.1, 0.3, 1.0)]
    assert 0.5 == chances[0]
    assert chances == sorted(chances)
    assert chances[3] > 0.999
    assert same_sign(-0.3, 0.15, 99) == chances[2]
    assert (1.0, 0.5) == (same_sign(0.1, 0, 9), same_sign(0, 0, 9))


def test_what_predicts_nothing_is_refused() -> None:
    """A negative error, no degrees of freedom."""
    for se, df in ((-0.1, 9), (0.1, 0), (float("nan"), 9)):
        with pytest.raises(StatisticsError):
            same_sign(0.1, se, df)


def calibration(pairs: list[tuple[float, float]], edges: tuple[float, ...]) -> list[tuple[int, float]]:
    """Return the size of each bin of said chances, and by how much the kept share departs from it."""
    said, kept = np.array(pairs).T
    bins = [(said >= low) & (said < high) for low, high in itertools.pairwise(edges)]
    return [(int(here.sum()), float(kept[here].mean() - said[here].mean())) for here in bins if here.any()]


def kept(first: np.ndarray, second: np.ndarray) -> tuple[float, float] | None:
    """Return the chance that the first half gives, and whether the second half agrees (half for a tie)."""
    mean, se = first.mean(), first.std(ddof=1) / first.size**0.5
    if mean == 0 or se == 0:
        return None
    agrees = 0.5 if second.mean() == 0 else float((second.mean() > 0) == (mean > 0))
    return same_sign(mean, se, first.size - 1), agrees


def test_calibrated_on_held_out_halves_of_real_boards(shared_data: Path) -> None:
    """60 real models by four judges: what half of the tasks says of the other half is right to .03 at every level."""
    scores: dict[tuple[str, str], dict[int, float]] = {}
    with (shared_data / "shaberi/scores.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["score"]:
                scores.setdefault((row["judge"], row["model"]), {})[int(row["task_id"])] = float(row["score"])
    whole = {key: np.array([found[task] for task in range(100)]) for key, found in scores.items() if len(found) == 100}
    rng = np.random.default_rng(0)
    pairs = []
    for judge in sorted({judge for judge, _ in whole}):
        models = [values for (by, _), values in sorted(whole.items()) if by == judge]
        for _ in range(4000):
            (i, k), order = rng.choice(len(models), 2, replace=False), rng.permutation(100)
            found = kept(*np.split((models[i] - models[k])[order], 2))
            if found:
                pairs.append(found)
    bins = calibration(pairs, (0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.01))
    assert 6 == len(bins)
    assert min(size for size, _ in bins) > 500
    assert max(abs(gap) for _, gap in bins) <= 0.03, bins


@pytest.mark.slow
def test_on_average_right_where_the_truth_is_known() -> None:
    """A true gain of 0.30 near the ceiling: on average over boards, the chance said is the share that kept its sign."""
    first, second = scenario(CEILING, SHIFTED, 0.6).draw(4000, seed=3), scenario(CEILING, SHIFTED, 0.6).draw(4000, 4)
    pairs = [kept(a - b, c - d) for a, b, c, d in zip(*first, *second, strict=True)]
    said, agreed = np.array([pair for pair in pairs if pair]).T
    # With a known truth the chance is a little modest: it allows for not knowing the difference.
    assert said.mean() <= agreed.mean() <= said.mean() + 0.06
