"""From verdicts on pairs to figures: win rates, strengths and what the place of an answer did, by judge and task set.

They stand beside the boards of scores and never enter one: no mean, rank, verdict or correction mixes the two.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.engine.pairing import JudgedPairs, PairItem
from harness.pairs.planned import PairKind, PairOfRows
from harness.stats import (
    BradleyTerry,
    LengthControlled,
    WinRate,
    bradley_terry,
    holm,
    length_controlled_rate,
    position_bias,
    win_rate,
)
from harness.stats.arrays import Floats
from harness.stats.design import Design
from harness.types import Estimate, PlannedTask, RowKey
from harness.unscored import Unscored

_BOTH = 2  # orders of a pair


@dataclass(frozen=True, slots=True, kw_only=True)
class PairComparison:
    """A candidate against an opponent, by the tasks on which their pair has a verdict.

    ``rate``: how often the candidate wins · ``p_adjusted``: Holm over the comparisons of one judge and task set ·
    ``controlled``: the rate at equal lengths · ``expected``: the share of wins that the strengths give, without an
    effect of place · ``strength``: the difference of strengths · ``longer``: by how many characters the candidate's
    answers are longer, on average.
    """

    candidate: RowKey
    opponent: RowKey
    rate: WinRate
    p_adjusted: float | None
    controlled: LengthControlled
    strength: Estimate
    expected: float | None
    longer: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStrength:
    """A row's strength: the log-odds of winning against its board's ``reference``, without ties and effect of place."""

    row: RowKey
    estimate: Estimate
    is_anchor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PairBoard:
    """All that one judge of pairs says on one task set.

    ``n_verdicts`` were asked for, ``n_unscored`` of them have none, for ``reasons`` · ``position``: by how much the
    first answer wins more often than one half, over pairs that were shown in both orders · ``place``: the same as a
    term of the model, in log-odds · ``n_changed`` of ``n_both`` pairs got another verdict in the other order ·
    ``ties``: the share of verdicts that are one · ``strengths``: best first; ``problem`` says why there are none.
    """

    task: str
    judge: str
    kind: PairKind
    against: str
    n_raters: int
    n_verdicts: int
    n_unscored: int
    reasons: Mapping[str, int] | Mapping[Unscored, int]
    position: Estimate
    place: Estimate
    n_both: int
    n_changed: int
    ties: float | None
    reference: RowKey
    comparisons: tuple[PairComparison, ...]
    strengths: tuple[PairStrength, ...]
    problem: str | None


def pair_boards(
    judged: Sequence[JudgedPairs],
    tasks: Sequence[PlannedTask],
    *,
    baseline: str,
    rows: Sequence[RowKey],
    confidence: float = 0.95,
) -> tuple[PairBoard, ...]:
    """Return a board for each judge of pairs and task set; ``rows`` are the run's own, others count as anchors."""
    return tuple(
        _board(one, task, [item for item in one.items if item.task == task.name], baseline, rows, confidence=confidence)
        for task in tasks
        for one in judged
        if any(item.task == task.name for item in one.items)
    )


def _board(
    judged: JudgedPairs,
    task: PlannedTask,
    items: Sequence[PairItem],
    baseline: str,
    rows: Sequence[RowKey],
    *,
    confidence: float,
) -> PairBoard:
    verdicts = [judged.verdict(item) for item in items]
    shares = np.array([np.nan if verdict.score is None else verdict.score for verdict in verdicts])
    clusters = {sample.id: sample.cluster or ("task", sample.id) for sample in task.samples}
    units = [clusters.get(item.sample_id, item.sample_id) for item in items]
    players = list(dict.fromkeys(row for pair in judged.plan.pairs for row in (pair.opponent, pair.candidate)))
    place = {row: number for number, row in enumerate(players)}
    reference = next((row for row in players if row.model == baseline and row in rows), players[0])
    fit = bradley_terry(
        [place[item.first] for item in items],
        [place[item.second] for item in items],
        shares,
        n_players=len(players),
        reference=place[reference],
        tasks=units,
    )
    orders, changed, both = _orders(items, shares)
    found = _Found(judged=judged, task=task, items=items, shares=shares, fit=fit, place=place, confidence=confidence)
    known = shares[~np.isnan(shares)]
    return PairBoard(
        task=task.name,
        judge=judged.plan.judge,
        kind=judged.plan.kind,
        against=judged.plan.against,
        n_raters=len({item.rater for item in items if item.rater is not None}),
        n_verdicts=len(items),
        n_unscored=len(items) - known.size,
        reasons=Counter(verdict.reason or "" for verdict in verdicts if verdict.score is None),
        position=position_bias(shares, units, confidence, orders),
        place=fit.place(confidence=confidence),
        n_both=both,
        n_changed=changed,
        ties=float((known == 0.5).mean()) if known.size else None,  # noqa: PLR2004 - a tie
        reference=reference,
        comparisons=_comparisons(found),
        strengths=_strengths(found, reference, rows),
        problem=None if fit.problem is None else str(fit.problem),
    )


def _strengths(found: "_Found", reference: RowKey, rows: Sequence[RowKey]) -> tuple[PairStrength, ...]:
    """Return every player's strength, best first, those without one last."""
    strengths = [
        PairStrength(
            row=row,
            estimate=found.fit.difference(place, found.place[reference], confidence=found.confidence),
            is_anchor=row not in rows,
        )
        for row, place in found.place.items()
    ]
    return tuple(
        sorted(strengths, key=lambda one: -np.inf if one.estimate.value is None else one.estimate.value, reverse=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    judged: JudgedPairs
    task: PlannedTask
    items: Sequence[PairItem]
    shares: Floats
    fit: BradleyTerry
    place: Mapping[RowKey, int]
    confidence: float


def _orders(items: Sequence[PairItem], shares: Floats) -> tuple[list[int], int, int]:
    """Return a number for each pair on each task with the sign of its order, how many pairs changed, and of how many.

    A person's verdicts are theirs alone; over all raters together a pair may have been shown in both orders.
    """
    numbers: dict[object, int] = {}
    seen: dict[int, list[list[float]]] = {}
    orders = []
    for item, share in zip(items, shares, strict=True):
        ends = sorted((item.first, item.second), key=lambda row: (row.model, row.prompt or ""))
        number = numbers.setdefault((item.sample_id, item.repeat, *ends), len(numbers) + 1)
        is_first = item.first == ends[0]
        orders.append(number if is_first else -number)
        if not np.isnan(share):
            sides = seen.setdefault(number, [[], []])
            sides[0 if is_first else 1].append(float(share) if is_first else 1 - float(share))
    both = [sides for sides in seen.values() if all(sides)]
    changed = sum(_mean(one) != _mean(other) for one, other in both)
    return orders, changed, len(both)


def _comparisons(found: _Found) -> tuple[PairComparison, ...]:
    places: dict[frozenset[RowKey], list[int]] = {}
    for at, item in enumerate(found.items):
        places.setdefault(frozenset((item.first, item.second)), []).append(at)
    compared = [
        _comparison(found, pair, places.get(frozenset((pair.candidate, pair.opponent)), ()))
        for pair in found.judged.plan.pairs
    ]
    p_values = [one.rate.p_value for one in compared if one.rate.p_value is not None]
    adjusted = iter(holm(p_values).tolist())
    return tuple(
        one if one.rate.p_value is None else replace(one, p_adjusted=float(next(adjusted))) for one in compared
    )


def _comparison(found: _Found, pair: PairOfRows, places: Sequence[int]) -> PairComparison:
    """Return one comparison: the orders, repeats and raters of a task are averaged first."""
    by_task: dict[str, tuple[list[float], list[float]]] = {}
    longer: dict[str, list[float]] = {}
    for item, share in ((found.items[at], found.shares[at]) for at in places):
        is_first = item.first == pair.candidate
        sides = by_task.setdefault(item.sample_id, ([], []))
        if not np.isnan(share):
            sides[0 if is_first else 1].append(float(share) if is_first else 1 - float(share))
        if item.characters is not None:
            gap = item.characters[0] - item.characters[1]
            longer.setdefault(item.sample_id, []).append(gap if is_first else -gap)
    samples = [sample for sample in found.task.samples if sample.id in by_task]
    is_by_people = found.judged.plan.kind == "human"
    shares = [_averaged(by_task[sample.id], one_is_enough=is_by_people) for sample in samples]
    gaps = [_mean(longer[sample.id]) if sample.id in longer else np.nan for sample in samples]
    design = Design(clusters=[sample.cluster for sample in samples], confidence=found.confidence)
    known = [gap for gap in gaps if not np.isnan(gap)]
    one, other = found.place[pair.candidate], found.place[pair.opponent]
    return PairComparison(
        candidate=pair.candidate,
        opponent=pair.opponent,
        rate=win_rate(shares, design),
        p_adjusted=None,
        controlled=length_controlled_rate(shares, gaps, design),
        strength=found.fit.difference(one, other, confidence=found.confidence),
        expected=found.fit.share(one, other),
        longer=_mean(known) if known else None,
    )


def _averaged(sides: tuple[list[float], list[float]], *, one_is_enough: bool) -> float:
    """Return a task's share, each order as much as the other.

    A model's verdict in one order alone would carry the effect of place, so that both are needed. People see a pair in
    one order each, and the orders are balanced over them and over tasks.
    """
    means = [_mean(side) for side in sides if side]
    enough = 1 if one_is_enough else _BOTH
    return _mean(means) if len(means) >= enough else np.nan


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)  # of two or three numbers: an array would take a hundred times as long
