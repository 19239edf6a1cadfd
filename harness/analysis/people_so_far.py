"""What people would say of all tasks, as far as their ratings go: the anchored figures while labels arrive. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.analysis.human_anchor import Anchoring, TaskDraw, anchored_rows
from harness.analysis.judge_audit import comparable
from harness.analysis.rater_spread import rater_scores
from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.human.draw import Draw, Export
from harness.human.ratings import Rating
from harness.human.remaining import Remaining, remaining
from harness.types import Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterState:
    """How far one rater is: ``done`` of ``total`` answers, of which ``skipped`` have a reason and no score.

    ``last``: when the rater last sent something, None where that is not known.
    """

    name: str
    done: int
    skipped: int
    total: int
    last: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetState:
    """How far one task set of ``n_tasks`` tasks is, and what people would say of it; None while nobody has rated."""

    n_tasks: int
    remaining: Remaining
    people: Anchoring | None

    @property
    def is_whole(self) -> bool:
        """Whether all that was drawn is rated."""
        return self.remaining.labels_all == 0

    @property
    def is_carried(self) -> bool:
        """Whether a judge's scores carry the ratings to all tasks."""
        return self.people is not None and any(row.estimate.slope is not None for row in self.people.means)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingState:
    """How far the rating of a run is."""

    run: str
    confidence: float
    raters: tuple[RaterState, ...]
    sets: tuple[SetState, ...]


def rating_state(
    run: str,
    tables: Sequence[ScoreTable],
    export: Export,
    ratings: Sequence[Rating],
    *,
    scale: Scale,
    baseline: str,
    confidence: float = 0.95,
    last: Mapping[str, str] | None = None,
    gaps: Mapping[str, Mapping[str, float]] | None = None,
) -> RatingState:
    """Return how far a rating is. ``tables``: of all judges and task sets, a set's primary judge first.

    ``last``: when each rater last sent something; ``gaps``: as in `harness.human.remaining.remaining`.
    """
    done = {rating.drawn.id: rating for rating in ratings if rating.score is not None or rating.skip is not None}
    raters = []
    for name in export.draw.people:
        own = export.of(name)
        rated = [done[item.id] for item in own if item.id in done]
        skipped = sum(rating.score is None for rating in rated)
        when = (last or {}).get(name)
        raters.append(RaterState(name=name, done=len(rated), skipped=skipped, total=len(own), last=when))
    return RatingState(
        run=run,
        confidence=confidence,
        raters=tuple(raters),
        sets=tuple(
            SetState(
                n_tasks=len(export.draw.population[one.task]),
                remaining=one,
                people=people_so_far(
                    [table for table in tables if table.task == one.task],
                    ratings,
                    export.draw,
                    scale=scale,
                    baseline=baseline,
                    confidence=confidence,
                ),
            )
            for one in remaining(export, ratings, gaps)
        ),
    )


def people_so_far(
    tables: Sequence[ScoreTable],
    ratings: Sequence[Rating],
    draw: Draw,
    *,
    scale: Scale,
    baseline: str,
    confidence: float = 0.95,
) -> Anchoring | None:
    """Return the anchored means and differences of one task set from the ratings there are; None without any.

    ``tables``: those of its judges, the primary one first. The first whose scores can be compared with people's carries
    their ratings to all tasks; without one, their ratings stand alone. Until all that was drawn is rated the estimate
    says that it is not drawn at random.
    """
    shown = [table for table in tables if table.judge.kind != "human"]
    if not shown:
        return None
    people = PlannedJudge(name="human", fingerprint="", scale=scale, kind="human")
    judge = next((table for table in shown if comparable(table.judge, people)), None) or _silent(shown[0], scale)
    samples = [sample.id for sample in judge.samples]
    by_rater = rater_scores(ratings, judge.task, judge.rows, samples)
    known = ~np.isnan(by_rater)
    count = known.sum(axis=0)
    total = np.where(known, by_rater, 0.0).sum(axis=0)
    means = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    strata = draw.strata.get(judge.task)
    return anchored_rows(
        judge,
        replace(judge, judge=people, cells=means[:, :, None, None], planned=None),
        baseline=baseline,
        draw=TaskDraw(
            population=draw.population.get(judge.task),
            chosen=draw.chosen.get(judge.task),
            strata=() if strata is None else strata.parts,
        ),
        by_rater=by_rater,
        confidence=confidence,
    )


def _silent(table: ScoreTable, scale: Scale) -> ScoreTable:
    """Return a table of a judge that says the same of everything: what people say is not carried by it."""
    return replace(
        table, judge=replace(table.judge, scale=scale), cells=np.full_like(table.cells[:, :, :1, :1], scale.low)
    )
