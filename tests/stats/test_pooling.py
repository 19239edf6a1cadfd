"""Several judges as one."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import t as student
from statsmodels.stats.meta_analysis import combine_effects

from harness.errors import StatisticsError
from harness.stats.pooling import pool_judges, pool_pairs
from tests.stats.conftest import Floats


@pytest.mark.parametrize("seed", range(5))
def test_as_statsmodels_where_judges_are_independent_and_alike(seed: int) -> None:
    """Hartung-Knapp with equal weights: the error, and J - 1 degrees of freedom."""
    values = np.random.default_rng(seed).normal(0.3, 0.4, 5)
    theirs = combine_effects(values, np.full(5, 0.01), method_re="iterated", use_t=True)
    pooled = pool_judges(values[:, None], np.full((5, 1), 0.1), [0.1 / 5**0.5], [99])
    assert theirs.mean_effect_re == pytest.approx(pooled.values[0])
    assert theirs.tau2 == pytest.approx(pooled.between_sd[0] ** 2, abs=1e-5)
    assert theirs.sd_eff_w_re_hksj == pytest.approx(pooled.errors[0], rel=1e-5)
    assert 4 == pytest.approx(pooled.df[0])


def test_agreement_is_never_surer_than_the_judges_themselves() -> None:
    """Three judges that happen to say the very same keep their own error."""
    pooled = pool_judges([[0.3]] * 3, [[0.12]] * 3, [0.12 / 3**0.5], [99])
    assert 0.12 / 3**0.5 == pytest.approx(pooled.errors[0])


def test_common_error_does_not_shrink_and_keeps_its_degrees_of_freedom() -> None:
    """Judges who see the very same luck of the tasks have its whole error, with the tasks' degrees of freedom."""
    pooled = pool_judges([[0.3]] * 3, [[0.12]] * 3, [0.12], [99])
    assert (0.12, 99) == pytest.approx((pooled.errors[0], pooled.df[0]))


def test_the_next_judge_is_the_next_draw_of_a_normal_sample() -> None:
    """The textbook's prediction interval: mean +- t s sqrt(1 + 1/J)."""
    values = np.array([0.9, 0.1, 0.4])
    pooled = pool_judges(values[:, None], np.full((3, 1), 0.01), [0.01], [99])
    low, high = pooled.next_judge(0.9)
    half = student.ppf(0.95, 2) * values.std(ddof=1) * (4 / 3) ** 0.5
    assert (values.mean() - half, values.mean() + half) == pytest.approx((low[0], high[0]))


@pytest.mark.parametrize(
    ("values", "ses", "joint"),
    [([[0.1]], [[0.1]], [0.1]), ([[0.1], [0.2]], [[0.1]], [0.1]), ([[1], [2]], [[1], [2]], [1, 2])],
)
def test_no_panel(values: list[list[float]], ses: list[list[float]], joint: list[float]) -> None:
    """One judge, unlike lengths."""
    with pytest.raises(StatisticsError, match="panel"):
        pool_judges(values, ses, joint, [9] * len(joint))


@pytest.mark.slow
@pytest.mark.parametrize(("n_judges", "least"), [(2, 0.90), (3, 0.925), (4, 0.935)])
@pytest.mark.parametrize("between", [0.0, 0.1, 0.2])
def test_intervals_hold_for_new_tasks_and_new_judges(n_judges: int, least: float, between: float) -> None:
    """No true difference, judges that favour either model by chance: .90-.98 hold, where the tasks alone give .71."""
    rng, n = np.random.default_rng(int(100 * between) + n_judges), 3000
    favours = rng.normal(0, between, (n_judges, n, 1))
    differences = favours + rng.normal(0, 0.8, (1, n, 100)) + rng.normal(0, 0.7, (n_judges, n, 100))
    scores = np.concatenate([np.zeros((n_judges, 1, 100)), differences], axis=1)
    pooled = pool_pairs(scores, [(row + 1, 0) for row in range(n)])
    held = np.abs(pooled.values) <= student.ppf(0.975, pooled.df) * pooled.errors
    assert least - 0.01 <= held.mean() <= 0.985


@pytest.mark.slow
def test_a_judge_left_out_is_inside_the_prediction(shaberi: dict[str, Floats]) -> None:
    """Four real judges, each in turn left out of a panel of the other three, all pairs of 60 models: 93 % or more."""
    table = np.stack(list(shaberi.values()))
    table = np.where(np.isnan(table).any(axis=0), np.nan, table)
    table = np.stack([(one - np.nanmean(one)) / np.nanstd(one) for one in table])
    pairs = list(combinations(range(table.shape[1]), 2))
    inside, widths = [], []
    for out in range(4):
        pooled = pool_pairs(np.delete(table, out, axis=0), pairs)
        low, high = pooled.next_judge(0.95)
        alone = np.array([np.nanmean(table[out, a] - table[out, b]) for a, b in pairs])
        inside.append(np.mean((low <= alone) & (alone <= high)))
        widths.append(np.median(high - low))
    assert min(inside) >= 0.93
    assert np.median(widths) < 1.0  # standard deviations of scores: it says something
