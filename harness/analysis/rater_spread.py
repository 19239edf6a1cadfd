"""How far the people who rated differ from each other, and what that adds to what people would say. Pure.

A mean over three raters is one of many: three others would have been stricter, or would have liked another model
better. Raters who rated the same tasks show by how much, as judges of a panel do (see `harness.stats.pooling`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from harness.human.ratings import Rating
from harness.locale import tr
from harness.stats.anchoring import AnchoredEstimate
from harness.stats.arrays import Floats, t_critical, tail_probability
from harness.types import Estimate, RowKey, Scale

FEWEST_TASKS = 10
"""Raters who have fewer tasks in common do not show how far they differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterSpread:
    """How far raters' means lie apart. ``sd``: of their true means, beyond what ``n_tasks`` common tasks explain."""

    n_raters: int
    n_tasks: int
    sd: float
    observed: float
    by_tasks: float


def rater_scores(
    ratings: Sequence[Rating], task: str, rows: Sequence[RowKey], samples: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Return each rater's scores on one task set, shape (raters, rows, samples), NaN where a rater gave none."""
    raters = sorted({rating.drawn.rater for rating in ratings})
    places = {sample: place for place, sample in enumerate(samples)}
    found = np.full((len(raters), len(rows), len(samples)), np.nan)
    for rating in ratings:
        if rating.drawn.task != task or rating.score is None or rating.drawn.sample_id not in places:
            continue
        for row in rating.drawn.rows:
            if row in rows:
                found[raters.index(rating.drawn.rater), rows.index(row), places[rating.drawn.sample_id]] = rating.score
    return found


def rater_spread(scores: Floats) -> RaterSpread | None:
    """Return how far raters differ on ``scores`` (raters, tasks), which are their scores or differences of theirs.

    Two-way analysis of variance over the tasks that all of them rated; raters without any are left out. None with one
    rater, or with fewer than ten common tasks.

    >>> rng = np.random.default_rng(0)
    >>> spread = rater_spread(rng.normal(3, 1, 30) + np.array([[-0.5], [0.0], [0.5]]) + rng.normal(0, 0.5, (3, 30)))
    >>> spread.n_raters, round(spread.sd, 2)
    (3, 0.42)
    """
    here = scores[~np.isnan(scores).all(axis=1)]
    whole = here[:, ~np.isnan(here).any(axis=0)]
    n_raters, n_tasks = whole.shape
    if n_raters < 2 or n_tasks < FEWEST_TASKS:  # noqa: PLR2004 - one rater differs from nobody
        return None
    own = whole.mean(axis=1)
    residuals = whole - whole.mean(axis=0) - (own - own.mean())[:, None]
    by_tasks = float((residuals**2).sum()) / ((n_raters - 1) * (n_tasks - 1)) / n_tasks
    observed = float(own.var(ddof=1))
    return RaterSpread(
        n_raters=n_raters,
        n_tasks=n_tasks,
        sd=sqrt(max(0.0, observed - by_tasks)),
        observed=observed,
        by_tasks=by_tasks,
    )


def with_raters(found: AnchoredEstimate, spread: RaterSpread | None, scale: Scale) -> AnchoredEstimate:
    """Return an estimate whose intervals are about people like these raters, and not about these alone.

    ``scale`` ends the intervals. Degrees of freedom by Satterthwaite: the part of the raters has as many as there are
    raters, less one.
    """
    if spread is None:
        return found
    population, labels_only = (
        _wider(one, found.n_labels, spread, scale) for one in (found.population, found.labels_only)
    )
    these, labels_only_these = (
        _wider(one, found.n_labels, spread, scale) for one in (found.these_tasks, found.labels_only_these_tasks)
    )
    return replace(
        found,
        these_tasks=_within(these, population),
        population=population,
        labels_only_these_tasks=_within(labels_only_these, labels_only),
        labels_only=labels_only,
    )


def _within(these: Estimate, new: Estimate) -> Estimate:
    """Return an interval about these tasks that reaches no further than the one about new tasks like these.

    The error about these tasks is a part of the error about new ones, to which the draw of the tasks adds: what is wide
    enough for the whole is so for the part. Each has degrees of freedom of its own, and with two raters, who have one,
    those of the part can be so few that its t outweighs the smaller error.
    """
    value = these.value
    if value is None or these.low is None or these.high is None:
        return these
    if new.value is None or new.low is None or new.high is None:
        return these
    below, above = new.value - new.low, new.high - new.value
    return replace(these, low=max(these.low, value - below), high=min(these.high, value + above))


def _wider(before: Estimate, n_labels: int, spread: RaterSpread, scale: Scale) -> Estimate:
    value, low, high, df = before.value, before.low, before.high, n_labels - 2
    if value is None or low is None or high is None or df < 1:
        return before
    tail, raters = tail_probability(before.confidence), spread.n_raters
    critical = float(t_critical(df, tail))
    tasks = ((high - low) / 2 / critical) ** 2
    people = max(spread.observed, spread.by_tasks) / raters
    rest = max(tasks - spread.by_tasks / raters, 0.0)
    total = tasks + spread.sd**2 / raters
    if not total > 0:
        return before
    freedom = (people + rest) ** 2 / (people**2 / (raters - 1) + rest**2 / df)
    half = float(t_critical(freedom, tail)) * sqrt(total)
    # The interval leans away from the nearer end of the scale: it keeps its shape.
    stretch = half / ((high - low) / 2) if high > low else 1.0
    return replace(
        before,
        low=max(value - (value - low) * stretch if high > low else value - half, scale.low),
        high=min(value + (high - value) * stretch if high > low else value + half, scale.high),
        method=tr("{method}, raters' spread included", method=before.method),
    )
