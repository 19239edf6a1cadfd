"""Scores counted by level: whole steps of a scale, or five equal parts of one without steps."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from harness.types import Scale

_MOST = 11  # levels that a picture can tell apart
_PARTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """``names[k]``: a level, lowest first · ``shares[row, k]``: the share of the row's scores there, 0 without any."""

    names: tuple[str, ...]
    shares: npt.NDArray[np.float64]


def level_shares(scores: npt.NDArray[np.float64], scale: Scale) -> Levels:
    """Return the shares of ``scores``, shape (rows, samples), NaN where there is none.

    A score between two steps (a mean of repeats) counts half up, as the nearest level.

    >>> found = level_shares(np.array([[1, 1, 4, np.nan, 2.5]]), Scale(low=1, high=5, step=1))
    >>> found.names, found.shares.tolist()
    (('1', '2', '3', '4', '5'), [[0.5, 0.0, 0.25, 0.25, 0.0]])
    >>> level_shares(np.array([[0.0, 0.5, 1.0]]), Scale(low=0, high=1)).names
    ('0–0.2', '0.2–0.4', '0.4–0.6', '0.6–0.8', '0.8–1')
    """
    width = scale.high - scale.low
    steps = round(width / scale.step) if scale.step else 0
    if 0 < steps < _MOST:
        names = tuple(f"{scale.low + place * width / steps:g}" for place in range(steps + 1))
        places = np.floor((scores - scale.low) / width * steps + 0.5)
    else:
        ends = np.linspace(scale.low, scale.high, _PARTS + 1)
        names = tuple(f"{low:g}–{high:g}" for low, high in pairwise(ends))
        places = np.minimum(np.floor((scores - scale.low) / width * _PARTS), _PARTS - 1)
    counts = np.stack([(places == place).sum(axis=1) for place in range(len(names))], axis=1)
    total = counts.sum(axis=1, keepdims=True)
    return Levels(names=names, shares=np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0))
