"""The kernel under paired comparisons: joint tables of two rows' scores, and their moments."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.stats import pairs as kernel
from harness.stats.signflip import score_grid
from tests.stats.oracles import ordinal


def test_joint_tables_agree_with_differences_task_by_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix product over one-hot scores gives the same histograms, gaps included."""
    scores = ordinal(9, 6, 3000)
    scores[np.random.default_rng(9).random(scores.shape) < 0.2] = np.nan
    grid, pairs = score_grid(scores), kernel.all_pairs(6)
    assert grid is not None
    slow = kernel.difference_histograms(grid, pairs)
    monkeypatch.setattr(kernel, "TABLE_GAIN", 0)
    monkeypatch.setattr(kernel, "CHUNK", 1 << 14)
    assert (kernel.difference_histograms(grid, pairs) == slow).all()


def test_moments_on_the_grid_agree_with_moments_off_it() -> None:
    """Integer sums and floating sums give the same n, mean, sd, skewness, wins and losses."""
    scores = ordinal(10, 5, 60)
    scores[0, :7] = np.nan
    pairs = kernel.all_pairs(5)
    on, off = kernel.pair_moments(scores, pairs, score_grid(scores)), kernel.pair_moments(scores, pairs, None)
    for name in ("n", "mean", "sd", "se", "skew", "wins", "losses"):
        assert getattr(on, name) == pytest.approx(getattr(off, name), rel=1e-12), name
    expected = scipy_stats.skew(scores[2] - scores[1])
    assert on.skew[2] == pytest.approx(expected, rel=1e-12)
