"""What the rows of a score table lack, where that leaves them on a board, and their means by tag. Pure."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.analysis.scores import ScoreTable
from harness.stats import (
    Design,
    WorstCase,
    comparable_means,
    gaps_are_unlike,
    gaps_matter,
    missing_shares,
    score_interval,
    worst_case_mean,
)
from harness.types import Estimate, RowKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRow:
    """A row's mean over the samples that carry one tag; ``comparable`` as in `BoardRow`."""

    tag: str
    estimate: Estimate
    comparable: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGaps:
    """What the rows of a table lack and what is made of it, each by row; ``order`` has the best row first."""

    shares: npt.NDArray[np.float64]
    matter: bool
    unlike: bool
    comparable: tuple[float | None, ...]
    worst_cases: tuple[WorstCase, ...]
    n_partly: tuple[int, ...]
    order: tuple[int, ...]


def row_gaps(table: ScoreTable, baseline: str, design: Design, asked: npt.NDArray[np.bool_] | None = None) -> RowGaps:
    """Return what the rows of a table lack; places go by the tasks that rows have in common with the baseline's.

    ``asked`` (rows, samples): which tasks each row was asked (None: all). What it was not asked is no gap.
    """
    scale, scores, ends = table.judge.scale, table.scores, table.ends
    if asked is None:
        asked = np.ones(scores.shape, dtype=np.bool_)
    shares = np.where(asked, missing_shares(scores, ends, scale.high - scale.low), 0.0)
    alike = np.where(asked, shares, shares.max(axis=0, initial=0.0))  # a row that was not asked is unlike no other
    means = comparable_means(scores)
    main = max(0, int(means.groups[baseline_place(table, baseline)])) if table.rows else 0

    def best_first(place: int) -> tuple[bool, bool, int, float, RowKey]:
        key, group = table.rows[place], int(means.groups[place])
        value = 0.0 if group < 0 else -float(means.values[place])
        return group < 0, group != main, group, value, RowKey(model=key.model, prompt=key.prompt or "")

    return RowGaps(
        shares=shares,
        matter=gaps_matter(alike),
        unlike=gaps_are_unlike(alike),
        comparable=_linked(means.values, means.groups, main),
        worst_cases=tuple(
            worst_case_mean(values[of], scale, _part(design, of), ends=(least[of], most[of]))
            for values, least, most, of in zip(scores, *ends, asked, strict=True)
        ),
        n_partly=tuple(((shares > 0) & ~np.isnan(scores)).sum(axis=1).tolist()),
        order=tuple(sorted(range(len(table.rows)), key=best_first)),
    )


def _part(design: Design, of: npt.NDArray[np.bool_]) -> Design:
    """Return the design of a part of the tasks."""
    if design.clusters is None or of.all():
        return design
    return replace(design, clusters=[name for name, is_one in zip(design.clusters, of, strict=True) if is_one])


def _linked(values: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], main: int) -> tuple[float | None, ...]:
    return tuple(float(value) if group == main else None for value, group in zip(values, groups, strict=True))


def baseline_place(table: ScoreTable, baseline: str) -> int:
    """Return the row that others are compared with: the first of the baseline, else (it has none here) the first."""
    return next((index for index, key in enumerate(table.rows) if key.model == baseline), 0)


def tag_rows(
    table: ScoreTable, baseline: str, design: Design, asked: npt.NDArray[np.bool_] | None = None
) -> tuple[tuple[TagRow, ...], ...]:
    """Return the means by tag of every row; ``asked`` as in `row_gaps`."""
    tags = dict.fromkeys(tag for sample in table.samples for tag in sample.tags)
    scale, scores, place = table.judge.scale, table.scores, baseline_place(table, baseline)
    rows: list[list[TagRow]] = [[] for _ in table.rows]
    for tag in tags:
        carries = [tag in sample.tags for sample in table.samples]
        chosen, own = scores[:, carries], _part(design, np.array(carries, dtype=np.bool_))
        means = comparable_means(chosen)
        comparable = _linked(means.values, means.groups, max(0, int(means.groups[place])))
        left_out = np.zeros(len(rows), dtype=np.int64) if asked is None else (~asked[:, carries]).sum(axis=1)
        for row, values, value, n in zip(rows, chosen, comparable, left_out.tolist(), strict=True):
            scored = score_interval(values, scale, own).estimate
            scored = replace(scored, n_unscored=scored.n_unscored - n)
            row.append(TagRow(tag=tag, estimate=scored, comparable=value))
    return tuple(map(tuple, rows))
