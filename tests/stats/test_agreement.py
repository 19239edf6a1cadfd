"""Agreement of two raters against statsmodels and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.inter_rater import cohens_kappa

from harness.errors import StatisticsError
from harness.stats import agreement, mean_interval, weighted_kappa, wilson_interval
from harness.stats.design import Design
from tests.stats.conftest import Floats
from tests.stats.oracles import alpha_by_pairs

# statsmodels subtracts nearly equal sums: 1e-13 of variance lost there are 3e-7 of the standard error.
ROUNDING = 2e-6

RATINGS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=60)


@given(RATINGS, st.sampled_from(["quadratic", "linear", "none"]))
def test_kappa_and_its_error_equal_statsmodels(ratings: list[tuple[int, int]], weights: str) -> None:
    """Value and standard error on the full 5 x 5 table, whatever levels occur."""
    a, b = np.array(ratings).T
    table = np.zeros((5, 5))
    np.add.at(table, (a - 1, b - 1), 1)
    names = {"quadratic": "quadratic", "linear": "linear", "none": None}
    result = weighted_kappa(a, b, weights=weights)
    if len(set(a) | set(b)) == 1:
        assert result.value is None
        return
    with np.errstate(all="ignore"):
        expected = cohens_kappa(table, wt=names[weights])
    assert result.value == pytest.approx(expected.kappa, abs=1e-9)
    half = 1.959963984540054 * np.sqrt(max(0.0, expected.var_kappa))
    if result.low is None:
        assert half == pytest.approx(0, abs=ROUNDING)
    else:
        assert result.low == pytest.approx(max(-1, result.value - half), abs=ROUNDING)
        assert result.high == pytest.approx(min(1, result.value + half), abs=ROUNDING)


def test_quadratic_kappa_is_lins_concordance() -> None:
    """2 cov / (var + var + gap^2), for scores between the levels too."""
    a, b = np.random.default_rng(1).normal(size=(2, 50)) + np.random.default_rng(2).normal(size=50)
    expected = 2 * np.cov(a, b, ddof=0)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    assert weighted_kappa(a, b).value == pytest.approx(expected, rel=1e-12)


def test_quadratic_kappa_against_krippendorffs_interval_alpha() -> None:
    """If both raters give the same scores in another order, alpha = 1 - (1 - kappa) (2n - 1) / 2n."""
    rng = np.random.default_rng(3)
    a = rng.integers(1, 6, 40)
    b = np.r_[a[:30], rng.permutation(a[30:])]
    alpha = alpha_by_pairs(np.vstack([a, b]).astype(float), "interval")
    kappa = weighted_kappa(a, b).value
    assert kappa is not None
    assert 1 - (1 - kappa) * 79 / 80 == pytest.approx(alpha, rel=1e-12)


def test_swapping_raters_turns_the_bias_only() -> None:
    """Agreement is mutual."""
    a, b = np.random.default_rng(4).integers(1, 6, (2, 30))
    one, other = agreement(a, b), agreement(b, a)
    assert (one.exact, one.within_one) == (other.exact, other.within_one)
    assert one.kappa.value == pytest.approx(other.kappa.value)
    assert one.bias.value == -other.bias.value
    assert one.bias.low == pytest.approx(-other.bias.high)


def test_intervals_of_shares_and_bias() -> None:
    """Wilson for shares, t for the bias, on the items that both scored."""
    a, b = [1, 2, 3, 4, 5, 5, None], [1, 3, 5, 4, 5, None, 2]
    result = agreement(a, b)
    assert (result.n, result.n_missing) == (5, 2)
    assert result.exact == wilson_interval(3, 5, n_unscored=2)
    assert result.within_one == wilson_interval(4, 5, n_unscored=2)
    assert result.bias == mean_interval([0, -1, -2, 0, 0, None, None])


def test_within_one_counts_steps() -> None:
    """On a 0-100 scale with steps of 10, 70 and 80 are within one; a tenth's rounding does not matter."""
    assert agreement([70, 70], [80, 90], step=10).within_one.value == 0.5
    assert agreement([0.8, 0.1], [0.7, 0.3], step=0.1).within_one.value == 0.5


def test_tasks_as_clusters_widen_the_intervals(shaberi: dict[str, Floats]) -> None:
    """Sixty models' answers to one task are not sixty independent items."""
    first, second = shaberi["gpt-4-turbo-preview"], shaberi["llmjudge-athenev2"]
    tasks = np.tile(np.arange(100), 60).tolist()
    plain, robust = (
        agreement(first.ravel(), second.ravel()),
        agreement(first.ravel(), second.ravel(), Design(clusters=tasks)),
    )
    for name in ("exact", "within_one", "kappa", "bias"):
        narrow, wide = getattr(plain, name), getattr(robust, name)
        assert narrow.value == pytest.approx(wide.value)
        assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low), name
    seen = ~np.isnan(first + second)
    expected = scipy_stats.pearsonr(first[seen], second[seen]).statistic
    assert plain.kappa.value < expected < plain.kappa.value + 0.2


def test_clustered_kappa_with_clusters_of_one_is_nearly_the_plain_one() -> None:
    """CR1 adds G / (G - 1) and nothing else."""
    a, b = np.random.default_rng(5).integers(1, 6, (2, 40))
    plain, robust = weighted_kappa(a, b), weighted_kappa(a, b, Design(clusters=list(range(40))))
    assert (robust.high - robust.low) / (plain.high - plain.low) == pytest.approx(np.sqrt(40 / 39))


def test_degenerate_agreement() -> None:
    """Nothing in common, one constant rater each, perfect agreement."""
    empty = agreement([None, 3], [2, None])
    assert (empty.n, empty.kappa.value, empty.exact.value, empty.bias.value) == (0, None, None, None)
    assert empty.kappa.method == "no answer has both scores"
    same = weighted_kappa([3, 3, 3], [3, 3, 3])
    assert (same.value, same.low, same.method) == (None, None, "none: neither rater ever varies")
    perfect = weighted_kappa([1, 2, 3], [1, 2, 3])
    assert (perfect.value, perfect.low, perfect.high) == (1, None, None)
    constant = weighted_kappa([3, 3, 3], [1, 3, 5])
    assert constant.value == pytest.approx(0)


def test_unlike_lengths_are_refused() -> None:
    """Raters score the same items."""
    with pytest.raises(StatisticsError, match="The first rater has 1 items and the second 2"):
        agreement([1], [1, 2])
