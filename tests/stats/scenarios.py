"""Simulated scores with known truth: ordinal 1-5 scores of two or more models on the same tasks, with ties.

Two models' scores are the thresholded halves of a latent Gaussian, z = sqrt(r) u + sqrt(1 - r) e with u shared, r tuned
so that the scores' Pearson correlation is as stated. Tasks are drawn from the exact 5 x 5 table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from tests.stats.conftest import Floats

LEVELS = np.arange(1.0, 6.0)
MID = (0.12, 0.18, 0.22, 0.26, 0.22)
CEILING = (0.03, 0.05, 0.10, 0.27, 0.55)
A3 = (0.02, 0.05, 0.18, 0.60, 0.15)
B3 = (0.12, 0.08, 0.10, 0.27, 0.43)
SHIFTED = (0.05, 0.08, 0.15, 0.30, 0.42)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A joint table (5, 5) of (candidate, baseline) scores and a number of tasks."""

    table: Floats
    n: int

    @property
    def difference(self) -> float:
        """The true mean difference."""
        return float(((LEVELS[:, None] - LEVELS) * self.table).sum())

    def draw(self, replicates: int, seed: int) -> tuple[Floats, Floats]:
        """Return candidate and baseline scores, shape (replicates, n) each."""
        rng = np.random.default_rng(seed)
        cells = rng.choice(25, (replicates, self.n), p=self.table.ravel() / self.table.sum())
        return LEVELS[cells // 5], LEVELS[cells % 5]


def scenario(candidate: Sequence[float], baseline: Sequence[float], correlation: float, n: int = 100) -> Scenario:
    """Return the scenario of two marginals with the given correlation of scores."""
    low, high = 0.0, 1.0
    for _ in range(60):
        latent = (low + high) / 2
        low, high = (latent, high) if _correlation(_table(candidate, baseline, latent)) < correlation else (low, latent)
    return Scenario(table=_table(candidate, baseline, low), n=n)


def asymmetric(n: int = 100) -> Scenario:
    """Return +1 on 45 % of tasks, -3 on 15 %, else 0: no mean difference, and a skewed one."""
    table = np.zeros((5, 5))
    table[4, 3], table[0, 3], table[3, 3] = 0.45, 0.15, 0.40
    return Scenario(table=table, n=n)


NULL: dict[str, Callable[[], Scenario]] = {
    "S1 mid": lambda: scenario(MID, MID, 0.6),
    "S2 ceiling": lambda: scenario(CEILING, CEILING, 0.6),
    "S3 unlike marginals, equal means": lambda: scenario(A3, B3, 0.5),
    "S3b asymmetric": asymmetric,
    "S4 strongly correlated": lambda: scenario(CEILING, CEILING, 0.9),
    "S5 thirty tasks": lambda: scenario(CEILING, CEILING, 0.6, n=30),
}


def shifted() -> Scenario:
    """Return S6: a true difference of 0.30 near the ceiling."""
    return scenario(CEILING, SHIFTED, 0.6)


def equal_models(marginal: Sequence[float], latent: float, shape: tuple[int, int, int], seed: int) -> Floats:
    """Return scores (replicates, models, tasks) of models that are all equally good."""
    replicates, models, tasks = shape
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(replicates, 1, tasks))
    z = np.sqrt(latent) * shared + np.sqrt(1 - latent) * rng.normal(size=(replicates, models, tasks))
    return 1.0 + np.searchsorted(ndtri(np.cumsum(marginal)[:-1]), z)


def _table(candidate: Sequence[float], baseline: Sequence[float], latent: float) -> Floats:
    """Return the joint table by integrating over the shared half (Gauss-Hermite, 120 nodes)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    own = np.sqrt(max(1 - latent, 1e-12))

    def given(marginal: Sequence[float]) -> Floats:
        cuts = np.r_[-np.inf, ndtri(np.cumsum(marginal)[:-1]), np.inf]
        return np.diff(ndtr((cuts - np.sqrt(latent) * nodes[:, None]) / own), axis=1)

    return np.einsum("q,qi,qj->ij", weights / weights.sum(), given(candidate), given(baseline))


def _correlation(table: Floats) -> float:
    first, second = table.sum(axis=1), table.sum(axis=0)
    means = first @ LEVELS, second @ LEVELS
    sds = np.sqrt(first @ LEVELS**2 - means[0] ** 2), np.sqrt(second @ LEVELS**2 - means[1] ** 2)
    return float((LEVELS @ table @ LEVELS - means[0] * means[1]) / (sds[0] * sds[1]))


def rated(seed: int, n_labels: int, n_tasks: int = 100) -> tuple[Floats, Floats]:
    """Return human scores of randomly drawn tasks (NaN elsewhere) and a judge's scores of all."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=n_tasks)
    human, judge = np.clip(np.rint(3.5 + ability + 0.7 * rng.normal(size=(2, n_tasks))), 1, 5)
    human[rng.permutation(n_tasks)[n_labels:]] = np.nan
    return human, judge
