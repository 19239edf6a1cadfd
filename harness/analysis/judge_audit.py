"""Judge cards: how far each judge of a run can be trusted, by itself, against the others and against people. Pure.

Judges are compared score by score only where they score answers on the same scale; any others by rank correlation. The
unit is the answer, but intervals are cluster-robust over tasks, because answers to one task are alike.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np

from harness.analysis.row_bias import RowBias, row_bias
from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.stats import Agreement, Design, ScoreInterval, agreement, score_interval
from harness.stats.correlation import Floats, length_slope, ordinal_alpha, spearman
from harness.types import UNIT, Estimate, RowKey, Scale
from harness.unscored import Unscored

_COMPARABLE = {"quality", "human"}  # kinds of judges whose scores mean the same thing on the same scale
_BINS = 10  # of the histogram of a scale without steps
_MOST_LEVELS = 25  # rows or columns of a confusion table


Lengths = Mapping[tuple[str, RowKey, str, int], int]
"""How many characters answers have, by task, row, sample id and repeat; those that have no text are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many verdicts lie from ``low`` to ``high``; on a scale with steps both are the step."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How far a judge agrees with itself when asked again.

    ``exact``, ``within``: the share of pairs of verdicts on one answer that are equal, or at most ``step`` apart ·
    ``sd``: the standard deviation of verdicts on one answer · ``alpha``: Krippendorff's ordinal alpha of the repeats.
    """

    repeats: int
    step: float
    exact: Estimate
    within: Estimate
    sd: float | None
    alpha: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeAudit:
    """One judge on one task set. ``n`` verdicts were asked for and ``n_scored`` are scores.

    ``length_slope``: points per doubling of the answer's length, between answers to the same task.
    """

    judge: PlannedJudge
    versions: tuple[str, ...]
    n: int
    n_scored: int
    reasons: Mapping[Unscored, int]
    histogram: tuple[Bin, ...]
    mean: float | None
    consistency: Consistency | None
    length_slope: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAudit:
    """Two judges of one task set.

    ``rank_answers``, ``rank_rows``: Spearman's correlation of their scores of answers, and of their means of rows. On
    one scale besides: ``agreement`` (``step`` is its "within one"), Krippendorff's ordinal ``alpha``, ``row_bias``
    (simultaneous intervals, Sidak) and ``length_slope``, how the difference first - second depends on length.
    """

    first: str
    second: str
    rank_answers: float | None
    rank_rows: float | None
    n: int
    step: float | None = None
    agreement: Agreement | None = None
    alpha: float | None = None
    row_bias: tuple[RowBias, ...] = ()
    length_slope: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeAudits:
    """The cards of all judges of one task set. ``pairs``: every two of them that scored the same rows."""

    task: str
    cards: tuple[JudgeAudit, ...]
    pairs: tuple[PairAudit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often people gave the score of a row where the judge gave that of a column: ``counts[row][column]``."""

    judge: str
    human: str
    human_levels: tuple[float, ...]
    judge_levels: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAlpha:
    """Krippendorff's ordinal alpha of all judges of one scale together, over ``n`` answers with two scores or more."""

    judges: tuple[str, ...]
    alpha: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterAudit:
    """How far people agree who rated the same answers; ``pairs`` by their names."""

    raters: tuple[str, ...]
    n_items: int
    alpha: float | None
    pairs: tuple[tuple[str, str, Agreement], ...]


def judge_audits(
    tables: Sequence[ScoreTable], lengths: Lengths, *, confidence: float = 0.95
) -> tuple[JudgeAudits, ...]:
    """Return the cards of every task set that the tables are about."""
    found = []
    for task in dict.fromkeys(table.task for table in tables):
        own = [table for table in tables if table.task == task]
        grids = [_length_grid(table, lengths) for table in own]
        found.append(
            JudgeAudits(
                task=task,
                cards=tuple(
                    judge_audit(one, grid, confidence=confidence) for one, grid in zip(own, grids, strict=True)
                ),
                pairs=tuple(
                    pair_audit(first, second, grid, confidence=confidence)
                    for (first, grid), (second, _) in combinations(zip(own, grids, strict=True), 2)
                    if first.rows == second.rows
                ),
            )
        )
    return tuple(found)


def judge_audit(table: ScoreTable, lengths: Floats, *, confidence: float = 0.95) -> JudgeAudit:
    """Return the card of one judge; ``lengths`` of answers: shape (rows, samples, repeats), NaN for none."""
    reasons: Counter[Unscored] = Counter()
    for counted in table.reasons.values():
        reasons.update(counted)
    scores = table.cells[~np.isnan(table.cells)]
    return JudgeAudit(
        judge=table.judge,
        versions=tuple(sorted(table.versions)),
        n=scores.size + reasons.total(),
        n_scored=scores.size,
        reasons=dict(reasons.most_common()),
        histogram=histogram(scores, table.judge.scale),
        mean=float(scores.mean()) if scores.size else None,
        consistency=_consistency(table, confidence),
        length_slope=length_slope(
            _mean_of_last(table.cells), lengths, Design(clusters=_cluster_names(table), confidence=confidence)
        ),
    )


def pair_audit(first: ScoreTable, second: ScoreTable, lengths: Floats, *, confidence: float = 0.95) -> PairAudit:
    """Return how two judges of the same task and rows compare."""
    a, b = _single(first), _single(second)
    both = ~np.isnan(a - b)
    means = [np.array([_mean(row[seen]) for row, seen in zip(one, both, strict=True)]) for one in (a, b)]
    card = PairAudit(
        first=first.judge.name,
        second=second.judge.name,
        rank_answers=spearman(a[both], b[both]),
        rank_rows=spearman(*(one[~np.isnan(one)] for one in means)),
        n=int(both.sum()),
    )
    if not comparable(first.judge, second.judge):
        return card
    step = _one(first.judge.scale)
    clusters = _clusters(first, a.shape[2])
    return PairAudit(
        first=card.first,
        second=card.second,
        rank_answers=card.rank_answers,
        rank_rows=card.rank_rows,
        n=card.n,
        step=step,
        agreement=agreement(a.ravel(), b.ravel(), Design(clusters=clusters, confidence=confidence), step=step),
        alpha=ordinal_alpha([a.ravel(), b.ravel()]),
        row_bias=row_bias(first, second, confidence=confidence),
        length_slope=length_slope(a - b, lengths, Design(clusters=_cluster_names(first), confidence=confidence)),
    )


def comparable(first: PlannedJudge, second: PlannedJudge) -> bool:
    """Return whether two judges' scores may be compared as numbers: both judge quality, on scales with equal ends."""
    ends = [(judge.scale.low, judge.scale.high) for judge in (first, second)]
    return ends[0] == ends[1] and {first.kind, second.kind} <= _COMPARABLE


def confusion(judge: ScoreTable, human: ScoreTable) -> Confusion | None:
    """Return people's scores against a judge's, or None if nothing has both or there are too many different scores."""
    a, b = _single(human).ravel(), _single(judge).ravel()
    both = ~np.isnan(a - b)
    rows, columns = (_levels(scores[both], table.judge.scale) for scores, table in ((a, human), (b, judge)))
    if not both.any() or max(len(rows), len(columns)) > _MOST_LEVELS:
        return None
    counts = Counter(zip(a[both].tolist(), b[both].tolist(), strict=True))
    return Confusion(
        judge=judge.judge.name,
        human=human.judge.name,
        human_levels=rows,
        judge_levels=columns,
        counts=tuple(tuple(counts[row, column] for column in columns) for row in rows),
    )


def group_alphas(tables: Sequence[ScoreTable]) -> tuple[GroupAlpha, ...]:
    """Return the alpha of each group of three or more comparable judges of one task set."""
    groups: list[list[ScoreTable]] = []
    for table in tables:
        home = next((group for group in groups if comparable(group[0].judge, table.judge)), None)
        if home is not None:
            home.append(table)
        elif table.judge.kind in _COMPARABLE:
            groups.append([table])
    found = []
    for group in groups:
        if len(group) > 2:  # noqa: PLR2004 - a pair has its own card
            matrix = np.array([_single(table).ravel() for table in group])
            n = int(((~np.isnan(matrix)).sum(axis=0) > 1).sum())
            names = tuple(table.judge.name for table in group)
            found.append(GroupAlpha(judges=names, alpha=ordinal_alpha(matrix), n=n))
    return tuple(found)


def rater_audit(
    matrix: Floats, raters: Sequence[str], tasks: Sequence[str], scale: Scale, *, confidence: float = 0.95
) -> RaterAudit:
    """Return how far raters agree; ``matrix`` has shape (raters, answers), ``tasks`` names the task of each answer."""
    clusters = list(tasks) if len(set(tasks)) < len(tasks) else None
    pairs = tuple(
        (raters[i], raters[j],
         agreement(matrix[i], matrix[j], Design(clusters=clusters, confidence=confidence), step=_one(scale)))
        for i, j in combinations(range(len(raters)), 2)
    )  # fmt: skip
    return RaterAudit(raters=tuple(raters), n_items=matrix.shape[1], alpha=ordinal_alpha(matrix), pairs=pairs)


def histogram(scores: Floats, scale: Scale) -> tuple[Bin, ...]:
    """Return how often each step of the scale was given; without steps, counts in ten equal parts.

    Scores that lie between steps (a mean of several raters) have bins of their own.
    """
    if scale.step is not None and (scale.high - scale.low) / scale.step < _MOST_LEVELS:
        counts = Counter(scores.tolist())
        return tuple(Bin(low=level, high=level, count=counts[level]) for level in _levels(scores, scale))
    counts_, edges = np.histogram(scores, bins=_BINS, range=(scale.low, scale.high))
    return tuple(
        Bin(low=float(low), high=float(high), count=int(count))
        for low, high, count in zip(edges[:-1], edges[1:], counts_, strict=True)
    )


def _length_grid(table: ScoreTable, lengths: Lengths) -> Floats:
    rows, samples, repeats, _ = table.cells.shape
    known = [
        lengths.get((table.task, row, sample.id, repeat), np.nan)
        for row in table.rows
        for sample in table.samples
        for repeat in range(repeats)
    ]
    return np.array(known, dtype=np.float64).reshape(rows, samples, repeats)


def _consistency(table: ScoreTable, confidence: float) -> Consistency | None:
    repeats = table.cells.shape[3]
    if repeats == 1:
        return None
    step = _one(table.judge.scale)
    gaps = np.stack([
        np.abs(table.cells[..., i] - table.cells[..., j]) for i, j in combinations(range(repeats), 2)
    ], axis=-1)  # fmt: skip
    clusters = _clusters(table, table.cells.shape[2])

    def share(limit: float) -> Estimate:
        agrees = np.where(np.isnan(gaps), np.nan, gaps <= limit + 1e-9)
        found: ScoreInterval = score_interval(
            _mean_of_last(agrees).ravel(), UNIT, Design(clusters=clusters, confidence=confidence)
        )
        return found.estimate

    squares = gaps[~np.isnan(gaps)] ** 2
    return Consistency(
        repeats=repeats,
        step=step,
        exact=share(0),
        within=share(step),
        sd=sqrt(float(squares.mean()) / 2) if squares.size else None,
        alpha=ordinal_alpha(table.cells.reshape(-1, repeats).T),
    )


def _clusters(table: ScoreTable, repeats: int) -> list[Hashable] | None:
    """Return the cluster of every answer in the order of ``cells``, or None where each answer is its own."""
    if len(table.rows) * repeats == 1 and table.clusters is None:
        return None
    return [name for _ in table.rows for name in _cluster_names(table) for _ in range(repeats)]


def _cluster_names(table: ScoreTable) -> list[Hashable]:
    """Return what each task belongs to: its cluster, or itself."""
    return [("", sample.id) if sample.cluster is None else (sample.cluster,) for sample in table.samples]


def _one(scale: Scale) -> float:
    """Return what "within one" means on a scale: a point where points are whole, else a quarter of the scale."""
    width = scale.high - scale.low
    return max(1.0, scale.step) if scale.step is not None and width > 1 else width / 4


def _levels(scores: Floats, scale: Scale) -> tuple[float, ...]:
    steps: list[float] = []
    if scale.step is not None and (scale.high - scale.low) / scale.step < _MOST_LEVELS:
        steps = (scale.low + scale.step * np.arange(round((scale.high - scale.low) / scale.step) + 1)).tolist()
    return tuple(sorted({*steps, *scores.tolist()}))


def _single(table: ScoreTable) -> Floats:
    """Return one verdict per answer, the first: a mean of repeats would agree with nobody exactly."""
    return np.asarray(table.cells[..., 0])


def _mean_of_last(values: Floats) -> Floats:
    present = ~np.isnan(values)
    count = present.sum(axis=-1)
    total = np.where(present, values, 0.0).sum(axis=-1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else np.nan
