"""Looks before the end: how strict each one must be, so that all of them together err as seldom as one.

O'Brien & Fleming (1979): early looks need overwhelming evidence, the last one hardly more than a single test. The
bounds are on z; the chance of crossing them is integrated exactly over the joint normal distribution of the looks
(Armitage, McPherson & Rowe 1969; Jennison & Turnbull 2000, chapter 19).
"""

from collections.abc import Sequence
from functools import cache
from math import sqrt

import numpy as np
from scipy.special import ndtr, ndtri

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, check_confidence

_NODES = 141  # Simpson's points across the continuation region: errors below 4e-6 of the chance at up to ten looks
_BEYOND = 8.0  # a z that nothing reaches


def obrien_fleming(n_looks: int, *, confidence: float = 0.95) -> Floats:
    """Return the two-sided critical z of ``n_looks`` equally spaced looks, shape (n_looks,).

    Raises:
        StatisticsError: no look, or a confidence outside 0-1.

    >>> obrien_fleming(4).round(3).tolist()
    [4.049, 2.863, 2.337, 2.024]
    """
    if n_looks < 1:
        raise StatisticsError(tr("{n_looks} looks test nothing.", n_looks=n_looks))
    check_confidence(confidence)
    shares = np.arange(1, n_looks + 1) / n_looks
    low, high = 1.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        crossed = crossing_probability(shares, middle / np.sqrt(shares))
        low, high = (middle, high) if crossed > 1 - confidence else (low, middle)
    return np.asarray(high / np.sqrt(shares))


def spending_bounds(shares: Sequence[float], *, confidence: float = 0.95) -> Floats:
    """Return the two-sided critical z of looks at any ``shares`` of the tasks, rising, the last at most 1.

    Lan & DeMets (1983) with their O'Brien-Fleming-type spending, on each side 2 - 2 Φ(z / sqrt(share)): a look may be
    added without having been planned, as when a board is looked at again with more tasks. A look at which nothing can
    be spent yet has the bound 8.

    Raises:
        StatisticsError: shares that do not rise within 0-1, or a confidence outside 0-1.

    >>> spending_bounds([0.5, 1.0]).round(3).tolist()
    [2.963, 1.969]
    """
    check_confidence(confidence)
    if not shares or not all(a < b for a, b in zip([0.0, *shares], [*shares, 1.0 + 1e-12], strict=True)):
        raise StatisticsError(
            tr("Looks at {shares} of the tasks: shares rise from above 0 to at most 1.", shares=list(shares))
        )
    z = -float(ndtri((1 - confidence) / 4))
    bounds: list[float] = []
    for number, share in enumerate(shares, start=1):
        allowed = 4 * float(ndtr(-z / sqrt(share)))
        low, high = 0.0, _BEYOND
        for _ in range(60):
            middle = (low + high) / 2
            crossed = crossing_probability(shares[:number], [*bounds, middle])
            low, high = (middle, high) if crossed > allowed else (low, middle)
        bounds.append(high)
    return np.asarray(bounds)


def crossing_probability(shares: Sequence[float] | Floats, bounds: Sequence[float] | Floats) -> float:
    """Return the chance that |z| reaches its bound at any look if there is no difference.

    ``shares`` (K,) of the information at each look, rising; ``bounds`` (K,) on |z|.

    >>> round(crossing_probability([1.0], [1.959964]), 4), round(crossing_probability([0.5, 1.0], [1.96, 1.96]), 4)
    (0.05, 0.0831)
    """
    shares, bounds = np.asarray(shares, dtype=np.float64), np.asarray(bounds, dtype=np.float64)
    # The Brownian motion B(share) = z * sqrt(share): its density among paths that have not crossed yet.
    edge = bounds[0] * sqrt(shares[0])
    points, weights = _simpson(edge)
    density = np.exp(-(points**2) / (2 * shares[0])) / sqrt(2 * np.pi * shares[0])
    crossed = 2 * float(ndtr(-bounds[0]))
    for look in range(1, len(shares)):
        step = sqrt(shares[look] - shares[look - 1])
        edge = bounds[look] * sqrt(shares[look])
        mass = weights * density
        crossed += float(mass @ (ndtr((points - edge) / step) + ndtr((-edge - points) / step)))
        new_points, new_weights = _simpson(edge)
        gaps = (new_points[:, None] - points[None, :]) / step
        density = np.exp(-(gaps**2) / 2) @ mass / (step * sqrt(2 * np.pi))
        points, weights = new_points, new_weights
    return crossed


def _simpson(edge: float) -> tuple[Floats, Floats]:
    """Return Simpson's points and weights from -edge to edge, cut where nothing is left."""
    edge = min(edge, _BEYOND)
    points = np.linspace(-edge, edge, _NODES)
    weights = np.full(_NODES, 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    return points, weights * (points[1] - points[0]) / 3


@cache
def boundary(shares: tuple[float, ...], confidence: float) -> float:
    """Return the constant c of O'Brien-Fleming bounds c / sqrt(share) at any rising ``shares`` of the tasks, last 1.

    >>> round(boundary((0.25, 0.5, 0.75, 1.0), 0.95), 3)
    2.024
    """
    check_confidence(confidence)
    low, high = 0.5, 12.0
    for _ in range(50):
        middle = (low + high) / 2
        crossed = crossing_probability(shares, middle / np.sqrt(shares))
        low, high = (middle, high) if crossed > 1 - confidence else (low, middle)
    return high


def sequential_p(p_values: Sequence[float], shares: Sequence[float]) -> float:
    """Return the p-value of a design with a look at each of ``shares`` of the tasks, after the first looks.

    ``p_values`` are those of each look so far, as if it had been the only one. The result is the smallest error
    probability at which some look so far would have crossed its O'Brien-Fleming bound: it holds however it was decided
    when to stop.

    Raises:
        StatisticsError: no look, or more p-values than shares.

    >>> looks = [0.25, 0.5, 0.75, 1.0]
    >>> round(sequential_p([0.5, 0.001], looks), 4), round(sequential_p([0.9, 0.6, 0.2, 0.043], looks), 3)
    (0.0226, 0.05)
    >>> sequential_p([0.03], [1.0])
    0.03
    """
    if not 0 < len(p_values) <= len(shares):
        raise StatisticsError(tr("{n_looks} looks test nothing.", n_looks=len(p_values)))
    # A p-value of 0 is one below what floating point can tell.
    reached = max(-float(ndtri(max(p, 1e-300) / 2)) * sqrt(share) for p, share in zip(p_values, shares, strict=False))
    if len(shares) == 1:
        return float(p_values[0])
    return min(1.0, crossing_probability(shares, reached / np.sqrt(shares))) if reached > 0 else 1.0


def look_tail(look: int, shares: Sequence[float], *, confidence: float) -> float:
    """Return the error probability of the repeated interval at one look, counted from 1 (Jennison & Turnbull 1984).

    The interval of that level at each look holds the truth at all looks at once with the given confidence, whatever
    decided when to stop.

    >>> [round(look_tail(look, [0.25, 0.5, 0.75, 1.0], confidence=0.95), 4) for look in (1, 2, 3, 4)]
    [0.0001, 0.0042, 0.0194, 0.0429]
    """
    return 2 * float(ndtr(-boundary(tuple(shares), confidence) / sqrt(shares[look - 1])))
