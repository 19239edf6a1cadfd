"""The sign-flip (Fisher-Pitman) randomisation test of paired differences: exact on a grid, Monte Carlo off it.

If neither of two models is better, each task's difference could as well have had the other sign. The p-value is the
two-sided mid-p of the sum of differences: P(|T| > |t|) + P(|T| = |t|) / 2 over all sign patterns (Fisher 1935,
Design of Experiments, section 21; Lancaster 1961 for mid-p). Tasks without a difference never matter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.arrays import Floats, Ints
from harness.stats.design import DRAWS

MAX_DENOMINATOR = 1000
"""Scores that are means of repeats lie on fractions of a step: denominators up to this are tried."""
MAX_LEVELS = 2001
"""A grid of more levels than this counts as no grid."""
MAX_WORK = 1 << 24
"""Exact only while (sum of differences in steps) * (number of different sizes) stays below this: under a second."""
FEW_SIZES = 32
"""With more different sizes than this, rows are worked on one by one: each has few of them."""
ROUNDING = 1e-9
"""Numbers that differ by less than this share of their size are equal: averages of repeats carry rounding errors."""
CHUNK = 1 << 20
"""Array elements worked on at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Scores as whole numbers: score = ``origin`` + ``step`` * code, with ``codes`` -1 where there is no score."""

    codes: NDArray[np.int16]
    origin: float
    step: float
    n_levels: int


def score_grid(scores: Floats, step: float = 1.0) -> Grid | None:
    """Return the grid that all ``scores`` (any shape, NaN for none) lie on, or None if there is none.

    Tried are ``step`` and its fractions down to a thousandth, which covers repeats averaged per task. Values may be off
    by rounding (1e-9 of a step). More than 2,001 levels between the extremes count as no grid.

    >>> grid = score_grid(np.array([1.0, 2.5, np.nan, 4.0]))
    >>> grid.step, grid.codes.tolist()
    (0.5, [0, 3, -1, 6])
    >>> score_grid(np.array([0.0, np.pi])) is None
    True
    """
    if np.isnan(scores).all():
        return Grid(codes=np.full(scores.shape, -1, dtype=np.int16), origin=0.0, step=step, n_levels=1)
    origin = float(np.fmin.reduce(scores, axis=None))
    span = float(np.fmax.reduce(scores, axis=None)) - origin
    sample = scores.ravel()[:: max(1, scores.size // 1000)]
    codes = np.empty(scores.shape, dtype=np.int16)
    for denominator in range(1, MAX_DENOMINATOR + 1):
        n_levels = span / step * denominator + 1
        if n_levels > MAX_LEVELS:
            return None
        # A sample rules most denominators out before the whole array is looked at.
        if _encode(sample, origin, step / denominator, np.empty(sample.shape, dtype=np.int16)) and all(
            _encode(scores[row], origin, step / denominator, codes[row]) for row in np.ndindex(scores.shape[:-1])
        ):
            return Grid(codes=codes, origin=origin, step=step / denominator, n_levels=round(n_levels))
    return None


def is_exact_feasible(counts: Ints) -> NDArray[np.bool_]:
    """Return for each row of ``counts`` (P, W), as in `exact_mid_p`, whether the exact test takes under about a second.

    >>> is_exact_feasible(np.array([[100, 50], [10**9, 0]]))
    array([ True, False])
    """
    return np.asarray(counts @ np.arange(1, counts.shape[1] + 1) * np.count_nonzero(counts, axis=1) <= MAX_WORK)


def exact_mid_p(counts: Ints, totals: Ints) -> Floats:
    """Return the exact two-sided sign-flip mid-p of each row, shape (P,).

    ``counts`` (P, W): how many tasks differ by 1 ... W steps, whatever the sign. ``totals`` (P,): the sum of the signed
    differences in steps. A row without any difference has p = 1.

    The distribution of the sum is inverted from its characteristic function by FFT, tilted exponentially so that its
    mean is the observed sum (Esscher 1932): every p-value then keeps its relative precision, 1e-30 as well as 0.5.

    >>> exact_mid_p(np.array([[21]]), np.array([9])).round(7)
    array([0.0524788])
    """
    p_values = np.ones(len(counts))
    if not counts.any():
        return p_values
    used = np.flatnonzero(counts.any(axis=0))
    sizes = used + 1
    shared = int(np.gcd.reduce(sizes))
    sizes, observed = sizes // shared, np.abs(totals) // shared
    longest = int((counts[:, used] @ sizes).max())
    rows_at_once = max(1, CHUNK // (longest + 1)) if sizes.size <= FEW_SIZES else 1
    for start in range(0, len(counts), rows_at_once):
        rows = slice(start, start + rows_at_once)
        here = counts[rows][:, used]
        there = here.any(axis=0)
        if there.any():
            p_values[rows] = _tilted_mid_p(here[:, there], sizes[there], observed[rows])
    return p_values


def _tilted_mid_p(counts: Ints, sizes: Ints, observed: Ints) -> Floats:
    lengths = counts @ sizes
    tilt = _solve_tilt(counts, sizes, observed)
    n_points = 1 << int(lengths.max()).bit_length()
    frequency = np.arange(n_points // 2 + 1)
    # Positive parts only: U = (T + sum of sizes) / 2 is a sum of independent size * Bernoulli(up).
    spectrum = np.ones((len(counts), frequency.size), dtype=np.complex128)
    log_mass = -tilt * observed
    turn = np.exp(-2j * np.pi / n_points * np.arange(n_points))
    for column, size in enumerate(sizes):
        up = 1 / (1 + np.exp(-2 * tilt * size))
        factor = (1 - up)[:, None] + up[:, None] * turn[frequency * size % n_points]
        spectrum *= factor ** counts[:, column, None]
        log_mass += counts[:, column] * (np.logaddexp(tilt * size, -tilt * size) - np.log(2))
    masses = np.fft.irfft(spectrum, n_points, axis=1)
    # P(T = t) = mass * exp(-tilt * (t - observed)) * tilted P(T = t), and t - observed = 2 (u - u of the observed).
    above = np.arange(n_points) - ((lengths + observed) // 2)[:, None]
    weights = np.where(above > 0, np.exp(-2 * tilt[:, None] * np.maximum(above, 0)), 0.5 * (above == 0))
    upper = np.exp(log_mass) * np.einsum("pu,pu->p", weights, masses)
    equal = np.exp(log_mass) * np.take_along_axis(masses, ((lengths + observed) // 2)[:, None], axis=1)[:, 0]
    p_values = np.where(observed > 0, 2 * upper, 1 - equal / 2)
    return np.where(lengths > 0, np.clip(p_values, 0.0, 1.0), 1.0)


def _solve_tilt(counts: Ints, sizes: Ints, observed: Ints) -> Floats:
    """Return s with sum of counts * size * tanh(s * size) = observed, by bisection; capped where all signs agree."""
    low, high = np.zeros(len(counts)), np.full(len(counts), 20.0 / sizes.min())
    for _ in range(50):
        middle = (low + high) / 2
        short = np.einsum("pw,pw->p", counts * sizes, np.tanh(middle[:, None] * sizes)) < observed
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return low


def monte_carlo_p(magnitudes: Floats, totals: Floats, *, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Return the Monte Carlo sign-flip p of each row: (1 + patterns as extreme or more) / (1 + draws), shape (P,).

    ``magnitudes`` (P, n): absolute differences, 0 where a task does not count. ``totals`` (P,): the signed sums. A row
    of zeros has p = 1. All rows share their sign patterns, and each is sorted first, so that neither the order of the
    tasks nor the company of other rows moves a p-value. The added 1 keeps the test valid (Davison & Hinkley 1997, 4.2).

    >>> monte_carlo_p(np.array([[1.3, 0.4, 2.2]]), np.array([3.9])).round(2)
    array([0.25])
    """
    n_rows, n = magnitudes.shape
    ordered = -np.sort(-magnitudes, axis=1)
    # Sums that differ by rounding alone are equal.
    reached = np.abs(totals) - ROUNDING * ordered.sum(axis=1)
    extreme = np.zeros(n_rows, dtype=np.int64)
    random = np.random.default_rng(seed)
    patterns_at_once = max(1, CHUNK // max(1, n, n_rows))
    for start in range(0, draws, patterns_at_once):
        size = min(patterns_at_once, draws - start)
        bits = np.unpackbits(random.integers(0, 256, (size, -(-n // 8)), dtype=np.uint8), axis=1, count=n)
        sums = (2.0 * bits - 1.0) @ ordered.T
        extreme += (np.abs(sums) >= reached).sum(axis=0)
    return (1 + extreme) / (1 + draws)


def _encode(scores: Floats, origin: float, step: float, codes: NDArray[np.int16]) -> bool:
    """Fill ``codes`` with the steps from ``origin`` (-1 for NaN) and return whether all are whole numbers."""
    steps = (scores - origin) / step
    missing = np.isnan(steps)
    steps[missing] = -1
    whole = np.rint(steps)
    codes[...] = whole
    return bool((np.abs(steps - whole) <= ROUNDING * np.maximum(1.0, whole)).all())
