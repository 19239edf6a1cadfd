"""Bias towards rows against scipy, on real judges' scores and on made-up ones."""

import numpy as np
import pytest
from scipy import stats

from harness.analysis.row_bias import row_bias
from harness.analysis.scores import ScoreTable
from tests.analysis.tables import table


def test_bias_of_the_bias_between_models_is_the_mean_contrast(real: dict[str, ScoreTable]) -> None:
    """Each row's figure is the mean over tasks of its difference less all rows' mean; they add up to zero."""
    one, two = list(real.values())[:2]
    gaps = (one.cells - two.cells)[..., 0, 0]
    whole = ~np.isnan(gaps).any(axis=0)
    contrasts = gaps[:, whole] - gaps[:, whole].mean(axis=0)
    found = row_bias(one, two)
    assert contrasts.mean(axis=1) == pytest.approx([row.bias.value for row in found])
    assert 0 == pytest.approx(sum(row.bias.value or 0 for row in found), abs=1e-9)
    half = [stats.t.ppf(1 - (1 - 0.95 ** (1 / 60)) / 2, whole.sum() - 1) * stats.sem(row) for row in contrasts]
    assert half == pytest.approx([(row.bias.high or 0) - (row.bias.value or 0) for row in found], rel=1e-6)


def test_a_judge_that_favours_one_model_is_found() -> None:
    """One point too many on average for one of five models: clear for that model, and the sign is right."""
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 5, (5, 80)).astype(float)
    favoured = truth + (np.arange(5) == 2)[:, None] * rng.integers(0, 3, 80)
    found = row_bias(table(favoured), table(truth))
    noise = row_bias(table(truth), table(np.clip(truth + rng.integers(-1, 2, truth.shape), 1, 5)))
    assert [False, False, True, False, False] == [row.is_clear and (row.bias.value or 0) > 0 for row in found]
    assert not any(row.is_clear for row in noise)


def test_detectable_bias_is_what_the_noise_allows() -> None:
    """By the noncentral t for one of two rows: about 2.8 standard errors of the contrast."""
    rng = np.random.default_rng(5)
    first, second = table(rng.integers(1, 6, (2, 60))), table(rng.integers(1, 6, (2, 60)))
    found = row_bias(first, second)
    gaps = first.scores - second.scores
    contrasts = gaps - gaps.mean(axis=0)
    se = contrasts.std(axis=1, ddof=1) / 60**0.5
    assert [one.detectable for one in found] == pytest.approx([(2.85 + 0.27) * one for one in se], rel=0.03)
