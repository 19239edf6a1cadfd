"""The win rate at equal lengths: what is left of it once longer answers have no advantage by their length.

As length-controlled AlpacaEval does it (Dubois, Galambosi, Liang & Hashimoto 2024, arXiv:2404.04475): a logistic
regression of the verdicts with a term for the difference of lengths, and the win rate that it gives at a difference of
0. AlpacaEval's third term, how hard each instruction is, takes hundreds of models to estimate, and is left out.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, cluster_codes, score_array, t_critical, tail_probability
from harness.stats.design import PLAIN, Design
from harness.stats.intervals import TOO_FEW_CLUSTERS
from harness.types import UNIT, Estimate

FEWEST = 10
"""Tasks under which no length-controlled rate is given: two parameters take some."""
_MOST_STEPS = 100
_CLOSE = 1e-10
_FARTHEST = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthControlled:
    """A win rate at equal lengths, and the ``slope``: the log-odds that a longer answer gains, for tanh = 1."""

    estimate: Estimate
    slope: Estimate


def length_term(differences: ArrayLike) -> Floats:
    """Return tanh(difference / standard deviation) of differences in length (n,); zeros where all are equal.

    >>> length_term([-100, 0, 100]).round(3).tolist()
    [-0.762, 0.0, 0.762]
    """
    gaps = score_array(differences, name="differences in length")
    seen = gaps[~np.isnan(gaps)]
    spread = seen.std(ddof=1) if seen.size > 1 else 0.0
    return np.tanh(gaps / spread) if spread > 0 else gaps * 0.0


def length_controlled_rate(shares: ArrayLike, differences: ArrayLike, design: Design = PLAIN) -> LengthControlled:
    """Return the win rate at equal lengths: expit(a) of share ~ expit(a + b tanh(difference / sd)).

    ``shares`` (n,): one per task, 0 to 1, NaN for none · ``differences`` (n,): by how many characters its answer is the
    longer one. Shares between 0 and 1 are fitted by the quasi-likelihood of Papke & Wooldridge (1996), and standard
    errors are the sandwich's with the task, or its cluster, as unit; the interval is that of a, on the logit scale.

    Degenerate cases: under 10 tasks, without a difference in length, or where the verdicts are parted without an
    overlap (all won, say), there is no finite estimate: None throughout.

    Raises:
        StatisticsError: lengths differ, or a share lies outside 0 to 1.

    >>> longer_wins = [1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 0]
    >>> by = [90, 120, 60, 30, -20, 80, 10, -30, 40, -50, 70, 20]
    >>> found = length_controlled_rate(longer_wins, by)
    >>> round(found.estimate.value, 2), found.slope.value > 0
    (0.39, True)
    """
    won, gaps = score_array(shares, UNIT, name="shares"), score_array(differences, name="differences in length")
    if won.size != gaps.size:
        raise StatisticsError(tr("There are {n} shares and {n_2} differences in length.", n=won.size, n_2=gaps.size))
    known = ~np.isnan(won) & ~np.isnan(gaps)
    clusters = np.arange(won.size) if design.clusters is None else cluster_codes(design.clusters, won.size)
    columns = np.stack([np.ones(int(known.sum())), length_term(gaps[known])], axis=1)
    found = _fit(columns, won[known]) if known.sum() >= FEWEST and np.ptp(columns[:, 1]) > 0 else None
    n, n_missing = int(known.sum()), int(won.size - known.sum())
    if found is None:
        nothing = Estimate(
            value=None, low=None, high=None, confidence=design.confidence, n=n, n_unscored=n_missing,
            method="logistic, length term",
        )  # fmt: skip
        return LengthControlled(estimate=nothing, slope=nothing)
    errors, df = _errors(columns, won[known], found, clusters[known])
    half = None if df is None else float(t_critical(df, tail_probability(design.confidence)))
    ends = [
        (value, None if half is None else value - half * se, None if half is None else value + half * se)
        for value, se in zip(found, errors, strict=True)
    ]
    rate, slope = (
        Estimate(
            value=value, low=low, high=high, confidence=design.confidence, n=n, n_unscored=n_missing,
            method="logistic, length term",
        )
        for value, low, high in ([_share(end) for end in ends[0]], [_plain(end) for end in ends[1]])
    )  # fmt: skip
    return LengthControlled(estimate=rate, slope=slope)


def _share(value: float | None) -> float | None:
    return None if value is None else float(expit(value))


def _plain(value: float | None) -> float | None:
    return None if value is None else float(value)


def _fit(columns: Floats, shares: Floats) -> Floats | None:
    """Return the coefficients of a logistic regression, or None if they run away."""
    found = np.zeros(columns.shape[1])
    for _ in range(_MOST_STEPS):
        chance = expit(columns @ found)
        gradient = columns.T @ (shares - chance)
        if np.abs(gradient).max() <= _CLOSE * len(shares):
            return found
        information = (columns * (chance * (1 - chance))[:, None]).T @ columns
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            return None
        longest = float(np.abs(step).max())
        found = found + step * min(1.0, 5 / longest)
        if np.abs(found).max() > _FARTHEST:
            return None
    return None


def _errors(columns: Floats, shares: Floats, found: Floats, clusters: ArrayLike) -> tuple[list[float], float | None]:
    """Return the standard errors of the coefficients and the degrees of freedom, None with too few clusters."""
    chance = expit(columns @ found)
    bread = np.linalg.inv((columns * (chance * (1 - chance))[:, None]).T @ columns)
    _, codes = np.unique(np.asarray(clusters), return_inverse=True)
    n_clusters = int(codes.max()) + 1
    residuals = columns * (shares - chance)[:, None]
    scores = np.stack([np.bincount(codes, weights=column) for column in residuals.T], axis=1)
    meat = scores.T @ scores * (n_clusters / max(1, n_clusters - columns.shape[1]))
    covariance = bread @ meat @ bread
    df = None if n_clusters < TOO_FEW_CLUSTERS else float(n_clusters - columns.shape[1])
    return [sqrt(max(0.0, value)) for value in np.diag(covariance)], df
