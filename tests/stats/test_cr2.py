"""CR2 and its degrees of freedom against the matrices of the definition, and coverage with clusters of unlike sizes."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.stats.cr2 import cr2_error
from tests.stats.oracles import cr2_by_matrices

SIZES = {"one of 40, 12 of 5": [40] + [5] * 12, "30, 30, ten of 4": [30, 30] + [4] * 10, "ten of 10": [10] * 10}


@pytest.mark.parametrize("sizes", [*SIZES.values(), [1] * 20, [3, 1, 7, 2]])
def test_against_the_matrices(sizes: list[int]) -> None:
    """Standard error and degrees of freedom, whatever the sizes; a task without a score is left out."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    values = np.random.default_rng(1).normal(size=codes.size)
    se, df = cr2_by_matrices(values, codes)
    found = cr2_error([*values, None], [*codes.tolist(), 0])
    assert found is not None
    assert (found.se, found.df, found.n, found.n_clusters) == pytest.approx((se, df, codes.size, len(sizes)))


def test_clusters_of_one_are_the_plain_mean() -> None:
    """The usual s / sqrt(n) with n - 1 degrees of freedom; one cluster alone has no error."""
    values = np.random.default_rng(2).normal(size=15)
    found = cr2_error(values, [None] * 15)
    assert found is not None
    assert (found.se, found.df) == pytest.approx((scipy_stats.sem(values), 14))
    assert cr2_error([1, 2], ["a", "a"]) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("share", [0.1, 0.4])
def test_coverage_with_clusters_of_unlike_sizes(name: str, share: float) -> None:
    """At least .935, where CR1 with t(G - 1) is under .92 if sizes are unlike and tasks of a cluster go together."""
    codes = np.repeat(np.arange(len(SIZES[name])), SIZES[name])
    rng, held, held_by_cr1 = np.random.default_rng(3), 0, 0
    replicates = 2000
    for _ in range(replicates):
        values = np.sqrt(share) * rng.normal(size=len(SIZES[name]))[codes] + np.sqrt(1 - share) * rng.normal(
            size=codes.size
        )
        found = cr2_error(values, codes.tolist())
        assert found is not None
        held += abs(found.mean) <= scipy_stats.t.isf(0.025, found.df) * found.se
        sums, g = np.bincount(codes, weights=values - found.mean), found.n_clusters
        held_by_cr1 += abs(found.mean) <= scipy_stats.t.isf(0.025, g - 1) * np.sqrt(g / (g - 1) * sums @ sums) / found.n
    assert held / replicates >= 0.935, f"{held / replicates:.3f}"
    if name != "ten of 10":
        assert held_by_cr1 / replicates < 0.92
