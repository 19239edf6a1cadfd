"""What people would say of a run's models: their ratings of some tasks, carried to all by a judge. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.analysis.rater_spread import RaterSpread, rater_spread, with_raters
from harness.analysis.scores import ScoreTable
from harness.stats import AnchoredEstimate, Design, anchored_difference, anchored_mean
from harness.stats.arrays import Ints
from harness.stats.correlation import Floats
from harness.stats.stratified_anchoring import stratified_anchored_mean
from harness.types import RowKey, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoredRow:
    """People's mean score of one row, or of its difference to ``baseline``, with the help of one judge."""

    row: RowKey
    baseline: RowKey | None
    estimate: AnchoredEstimate
    raters: RaterSpread | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchoring:
    """The anchored figures of one judge on one task set; ``drawn_at_random`` None: not on record.

    ``raters`` of a row: how far people differ, which its intervals then contain; None with one, or where it is not
    known who rated.
    """

    judge: str
    human: str
    drawn_at_random: bool | None
    n_tasks: int
    means: tuple[AnchoredRow, ...]
    differences: tuple[AnchoredRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDraw:
    """What is on record of how the rated tasks of one set were chosen: ids of tasks; nothing of it may be known.

    ``population``: what was drawn from, None: the whole set · ``chosen``: what was drawn · ``strata``: the parts of the
    population that were drawn from, each with its own chance.
    """

    population: Sequence[str] | None = None
    chosen: Sequence[str] | None = None
    strata: Sequence[Sequence[str]] = ()


_UNKNOWN = TaskDraw()


def anchoring(
    judge: ScoreTable,
    human: ScoreTable,
    *,
    baseline: str,
    draw: TaskDraw = _UNKNOWN,
    by_rater: Floats | None = None,
    confidence: float = 0.95,
) -> Anchoring | None:
    """Return the figures of `anchored_rows`, or None if people rated no task or all of them."""
    if not np.isnan(human.scores[:, _places(judge, draw.population)]).any():
        return None
    return anchored_rows(judge, human, baseline=baseline, draw=draw, by_rater=by_rater, confidence=confidence)


def anchored_rows(
    judge: ScoreTable,
    human: ScoreTable,
    *,
    baseline: str,
    draw: TaskDraw = _UNKNOWN,
    by_rater: Floats | None = None,
    confidence: float = 0.95,
) -> Anchoring | None:
    """Return the anchored means and differences, or None if people rated no task.

    The estimate is about the draw's population alone, and counts as drawn at random if exactly the chosen tasks are
    rated, for each row by itself: what raters passed over is no random part. ``baseline`` is a model label.
    ``by_rater``: each rater's own scores, shape (raters, rows, samples).
    """
    ids = [sample.id for sample in judge.samples]
    here = _places(judge, draw.population)
    people, scores = human.scores[:, here], judge.scores[:, here]
    rated: npt.NDArray[np.bool_] = np.any(~np.isnan(people), axis=0)
    if not rated.any():
        return None
    codes = _codes([ids[place] for place in here], draw.strata)
    scale, design = judge.judge.scale, Design(confidence=confidence)
    base = next((place for place, row in enumerate(judge.rows) if row.model == baseline), 0)

    def drawn(*places: int) -> bool | None:
        if draw.chosen is None:
            return None
        whole: npt.NDArray[np.bool_] = np.all(~np.isnan(people[list(places)]), axis=0)
        return {ids[place] for place, is_rated in zip(here, whole, strict=True) if is_rated} == set(draw.chosen)

    def mean(place: int) -> AnchoredRow:
        if codes is None:
            estimate = anchored_mean(people[place], scores[place], scale, design, drawn_at_random=drawn(place))
        else:
            estimate = stratified_anchored_mean(
                people[place], scores[place], codes, scale, design, drawn_at_random=drawn(place)
            )
        spread = None if by_rater is None else rater_spread(by_rater[:, place, here])
        estimate = with_raters(estimate, spread, scale)
        return AnchoredRow(row=judge.rows[place], baseline=None, estimate=estimate, raters=spread)

    def difference(place: int) -> AnchoredRow:
        width = scale.high - scale.low
        wide, is_random = Scale(low=-width, high=width), drawn(place, base)
        if codes is None:
            arrays: list[Floats] = [people[place], people[base], scores[place], scores[base]]
            estimate = anchored_difference(*arrays, scale=scale, design=design, drawn_at_random=is_random)
        else:
            gaps = people[place] - people[base], scores[place] - scores[base]
            estimate = stratified_anchored_mean(*gaps, codes, wide, design, drawn_at_random=is_random)
        spread = None if by_rater is None else rater_spread((by_rater[:, place] - by_rater[:, base])[:, here])
        estimate = with_raters(estimate, spread, wide)
        return AnchoredRow(row=judge.rows[place], baseline=judge.rows[base], estimate=estimate, raters=spread)

    return Anchoring(
        judge=judge.judge.name,
        human=human.judge.name,
        drawn_at_random=drawn(*(place for place in range(len(people)) if not np.isnan(people[place]).all())),
        n_tasks=len(here),
        means=tuple(mean(place) for place in range(len(judge.rows))),
        differences=tuple(difference(place) for place in range(len(judge.rows)) if place != base),
    )


def _places(judge: ScoreTable, population: Sequence[str] | None) -> list[int]:
    """Return the places of the tasks that the figures are about."""
    wanted = None if population is None else set(population)
    return [place for place, sample in enumerate(judge.samples) if wanted is None or sample.id in wanted]


def _codes(ids: Sequence[str], strata: Sequence[Sequence[str]]) -> Ints | None:
    """Return the number of each task's stratum; None where there are none, or not every task is in one."""
    number = {one: code for code, part in enumerate(strata) for one in part}
    if not number or any(one not in number for one in ids):
        return None
    return np.array([number[one] for one in ids], dtype=np.int64)
