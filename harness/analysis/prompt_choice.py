"""The best of several prompts, and how much of its lead is the luck of having been chosen. Pure, and without a seed."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.stats import PairedComparison

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The prompt that did best on all tasks, beside the prompt that it is measured against.

    ``gain``: how far its mean is above that of ``control``; picked for being high, it is too high on average, and None
    if it is the control · ``low``, ``high``: the interval of that difference that holds for every comparison of prompts
    at once, and so for the one that was picked · ``cross_fitted``: the gain of choosing, on all tasks (or clusters) but
    one and measured on that one, each left out in turn; without bias, and without a draw · ``agreement``: the share of
    these choices that fall on the same prompt · ``possible``: by how much another prompt may still be better than it,
    by the same intervals; None unless each is compared with it.
    """

    prompt: str
    control: str
    n: int
    gain: float | None
    low: float | None
    high: float | None
    cross_fitted: float | None
    agreement: float | None
    possible: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPrompts:
    """Two prompts, by their places, and their comparison."""

    candidate: int
    baseline: int
    result: PairedComparison


def choose(
    prompts: Sequence[str],
    scores: Floats,
    compared: Sequence[ComparedPrompts],
    *,
    control: str,
    winner: str | None = None,
    clusters: Sequence[Hashable | None] | None = None,
) -> Choice | None:
    """Return the best of ``prompts`` by ``scores`` (prompts, tasks; NaN for none), None where no task has all scores.

    Equal means go to the prompt that was named first; a ``winner`` that the comparisons name is the best, so that the
    two never contradict each other.
    """
    common = np.asarray(~np.isnan(scores).any(axis=0))
    if not common.any():
        return None
    against = list(prompts).index(control)
    means = scores[:, common].mean(axis=1)
    best = int(means.argmax()) if winner is None else list(prompts).index(winner)
    cross_fitted, agreement = _left_out(scores[:, common], _units(clusters, common), against, best)
    low, high = _interval(compared, best, against)
    ends = [_interval(compared, other, best)[1] for other in range(len(prompts)) if other != best]
    known = [end for end in ends if end is not None]
    return Choice(
        prompt=prompts[best],
        control=control,
        n=int(common.sum()),
        gain=None if best == against else float(means[best] - means[against]),
        low=low,
        high=high,
        cross_fitted=cross_fitted,
        agreement=agreement,
        possible=max(0.0, *known) if len(known) == len(ends) else None,
    )


def _units(clusters: Sequence[Hashable | None] | None, common: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return a number for each of the tasks that count, the same for tasks of one cluster."""
    names: Sequence[Hashable | None] = [None] * common.size if clusters is None else clusters
    seen: dict[Hashable, int] = {}
    codes = [
        seen.setdefault(("task", place) if name is None else ("cluster", name), len(seen))
        for place, name in enumerate(names)
        if common[place]
    ]
    return np.array(codes, dtype=np.int64)


def _left_out(
    scores: Floats, units: npt.NDArray[np.int64], against: int, best: int
) -> tuple[float | None, float | None]:
    """Return the gain of choosing without a unit and measuring on it, over all units, and how often ``best`` is chosen.

    The sums without a unit are the sums less its own, so that no split is drawn.
    """
    n_units = int(units.max()) + 1
    if n_units < 2:  # noqa: PLR2004 - there is nothing to choose on
        return None, None
    inside = np.zeros((units.size, n_units))
    inside[np.arange(units.size), units] = 1.0
    sums = scores @ inside
    rest = (sums.sum(axis=1, keepdims=True) - sums) / (units.size - inside.sum(axis=0))
    # sums that differ by rounding alone are equal, and equal means go to the first
    chosen = (rest >= rest.max(axis=0) - 1e-9).argmax(axis=0)
    gained = sums[chosen, np.arange(n_units)] - sums[against]
    return float(gained.sum() / units.size), float((chosen == best).mean())


def _interval(compared: Sequence[ComparedPrompts], first: int, second: int) -> tuple[float | None, float | None]:
    """Return the simultaneous interval of prompt ``first`` - prompt ``second``; None where they are not compared."""
    for one in compared:
        bounds = one.result.simultaneous
        if (one.candidate, one.baseline) == (first, second):
            return bounds.low, bounds.high
        if (one.candidate, one.baseline) == (second, first) and bounds.low is not None and bounds.high is not None:
            return -bounds.high, -bounds.low
    return None, None
