"""Means over a known set: both ends of the formula, the formula by hand, and its coverage."""

import numpy as np
import pytest

from harness.errors import StatisticsError
from harness.stats import paired_comparison
from harness.stats.arrays import t_critical
from harness.stats.finite import Within, finite_mean, within_tasks

CELLS = np.array([[[4.0, 5], [3, 4]], [[2, 2], [3, 3]], [[5, 5], [5, 5]], [[1, 2], [4, 3]]])


def test_no_share_of_an_endless_set_is_the_paired_t_test() -> None:
    """New tasks: the plain standard error, whatever repeats say."""
    rng = np.random.default_rng(1)
    first, second = rng.integers(1, 6, (2, 30)).astype(float)
    plain = paired_comparison(first, second).spread
    found = finite_mean(first - second, [], share=0.0)
    assert (found.se, found.df) == (pytest.approx(plain.se), pytest.approx(plain.df))


def test_repeats_of_all_tasks_by_hand() -> None:
    """Four tasks with two answers each: variances of the answers' means over two, summed, over 16."""
    within = within_tasks(CELLS)
    assert within.variances.tolist() == pytest.approx([0.25, 0.25, 0.0, 1.0])
    assert within.df.tolist() == [1, 1, 1, 1]
    found = finite_mean(CELLS.mean(axis=(1, 2)), [within], share=1.0)
    assert found.se == pytest.approx((1.5 / 16) ** 0.5)
    assert found.df == pytest.approx(1.5**2 / (0.0625 + 0.0625 + 1.0))
    assert found.has_repeats


def test_a_part_of_a_set_has_both_parts_of_the_error() -> None:
    """Cochran: (1 - f) s^2 / n of the tasks, f times that of the repeats."""
    values = CELLS.mean(axis=(1, 2))
    found = finite_mean(values, [within_tasks(CELLS)], share=0.4)
    assert found.se == pytest.approx((0.6 * values.var(ddof=1) / 4 + 0.4 * 1.5 / 16) ** 0.5)
    alone = finite_mean(values, [], share=0.4)
    assert alone.se == pytest.approx((0.6 * values.var(ddof=1) / 4) ** 0.5)
    assert not alone.has_repeats


def test_what_was_not_measured_is_not_zero() -> None:
    """No repeats, repeats of one side alone, and repeats that never differ give no error on the whole set."""
    values = CELLS.mean(axis=(1, 2))
    once = within_tasks(CELLS[:, :1, :1])
    same = within_tasks(np.repeat(CELLS[:, :1, :1], 3, axis=1))
    assert np.isnan(once.variances).all()
    for within in ([], [once], [within_tasks(CELLS), once], [same]):
        assert finite_mean(values, within, share=1.0).se is None
    verdicts = within_tasks(CELLS[:, :1])  # one answer, two verdicts
    assert verdicts.variances.tolist() == pytest.approx([0.25, 0.0, 0.0, 0.25])
    assert finite_mean(values, [verdicts], share=1.0).se is not None


def test_tasks_without_scores_or_repeats() -> None:
    """A missing score counts for nothing; a task without repeats stands for the average of the others."""
    holes = CELLS.copy()
    holes[0] = np.nan
    holes[1, 1] = np.nan
    values = np.array([np.nan, 2.0, 5.0, 2.5])
    found = finite_mean(values, [within_tasks(holes)], share=1.0)
    assert (found.n, found.mean) == (3, pytest.approx(9.5 / 3))
    assert found.se == pytest.approx((1.0 * 3 / 2 / 9) ** 0.5)
    assert finite_mean([np.nan], [], share=0.5).mean is None
    with pytest.raises(StatisticsError, match="between 0 and 1"):
        finite_mean(values, [Within(variances=values, df=values)], share=1.5)


@pytest.mark.slow
@pytest.mark.parametrize(("drawn", "least"), [(60, 0.935), (20, 0.935)])
def test_coverage_of_a_difference_on_a_known_set(drawn: int, least: float) -> None:
    """60 fixed tasks, three answers a model: the interval holds the difference of the true means on these tasks."""
    rng, held = np.random.default_rng(drawn), 0
    means = rng.normal(3, 1, (2, 60))
    truth = float((means[0] - means[1]).mean())
    for _ in range(3000):
        chosen = rng.choice(60, drawn, replace=False)
        cells = means[:, chosen, None, None] + rng.normal(size=(2, drawn, 3, 1))
        first, second = cells.mean(axis=(2, 3))
        found = finite_mean(first - second, [within_tasks(one) for one in cells], share=drawn / 60)
        assert found.se is not None
        held += abs(found.mean - truth) <= float(t_critical(found.df, 0.05)) * found.se
    assert least <= held / 3000 <= 0.965
