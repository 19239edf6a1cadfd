"""Looks before the end: how strict each one must be, so that all of them together err as seldom as one.

O'Brien & Fleming (1979): early looks need overwhelming evidence, the last one hardly more than a single test. The
bounds are on z; the chance of crossing them is integrated exactly over the joint normal distribution of the looks
(Armitage, McPherson & Rowe 1969; Jennison & Turnbull 2000, chapter 19).
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy.special import ndtr, ndtri

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, check_confidence

_NODES = 401  # Simpson's points across the continuation region: errors below 1e-9
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
