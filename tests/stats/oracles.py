"""Slow and plain second implementations, to check the fast ones against."""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from tests.stats.conftest import Floats


def brute_force_mid_p(differences: Floats) -> float:
    """Return P(|T| > |t|) + P(|T| = |t|) / 2 over all sign patterns, one by one."""
    signs = np.array(list(itertools.product((-1, 1), repeat=len(differences))))
    sums, seen = np.abs(signs @ differences), abs(differences.sum())
    return float(np.mean(sums > seen + 1e-9) + np.mean(np.abs(sums - seen) <= 1e-9) / 2)


def sign_flip_law(differences: NDArray[np.int64]) -> dict[int, float]:
    """Return the probability of each sum of whole differences with random signs, adding one task after the other."""
    law = {0: 1.0}
    for size in np.abs(differences[differences != 0]).tolist():
        longer: dict[int, float] = {}
        for total, mass in law.items():
            for sign in (-size, size):
                longer[total + sign] = longer.get(total + sign, 0.0) + mass / 2
        law = longer
    return law


def ordinal(seed: int, models: int, tasks: int) -> Floats:
    """Return correlated scores 1-5 of some models on some tasks."""
    rng = np.random.default_rng(seed)
    return np.clip(np.rint(3 + rng.normal(size=tasks) + rng.normal(size=(models, tasks))), 1, 5)


def alpha_by_pairs(scores: np.ndarray, level: str) -> float:
    """Return Krippendorff's alpha by the steps of the paper of 2011: coincidences, frequencies, squared distances.

    ``scores`` (raters, items) with NaN for none. The distances are the paper's own: for ordinal scores all frequencies
    from one value to the other, less half of the two at the ends.
    """
    paired = scores[:, (~np.isnan(scores)).sum(axis=0) > 1]
    levels = np.unique(paired[~np.isnan(paired)])
    counts = np.stack([(paired == level).sum(axis=0) for level in levels])
    coincidences = np.zeros((levels.size, levels.size))
    for item in counts.T:
        coincidences += (np.outer(item, item) - np.diag(item)) / (item.sum() - 1)
    frequencies = coincidences.sum(axis=1)
    squared = np.zeros_like(coincidences)
    for c, k in np.ndindex(squared.shape):
        first, last = min(c, k), max(c, k)
        between = frequencies[first : last + 1].sum() - (frequencies[c] + frequencies[k]) / 2
        squared[c, k] = {"nominal": c != k, "ordinal": between, "interval": levels[c] - levels[k]}[level] ** 2
    expected = (np.outer(frequencies, frequencies) * squared).sum() / (frequencies.sum() - 1)
    return float(1 - (coincidences * squared).sum() / expected)


def cr2_by_matrices(values: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
    """Return se and df as Bell & McCaffrey define them: A_g = (I - H_gg)^(-1/2), Satterthwaite under independence."""
    n = values.size
    hat = np.full((n, n), 1 / n)
    residuals = values - hat @ values
    meat, vectors = 0.0, []
    for code in np.unique(codes):
        inside = codes == code
        root = linalg.fractional_matrix_power(np.eye(inside.sum()) - hat[np.ix_(inside, inside)], -0.5).real
        weights = np.zeros(n)
        weights[inside] = root @ np.ones(inside.sum()) / n
        meat += (weights @ residuals) ** 2
        vectors.append((np.eye(n) - hat) @ weights)
    form = np.array(vectors) @ np.array(vectors).T
    return np.sqrt(meat), np.trace(form) ** 2 / (form**2).sum()
