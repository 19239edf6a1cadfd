"""How far each judge can be trusted, from the scores of a report alone: what it gave, and how it agrees with others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.scores import ScoreTable
from harness.stats import Agreement, agreement
from harness.types import Scale
from reports.levels import Levels, level_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePair:
    """How one judge agrees with another on the answers that both scored; bias is this judge minus the other."""

    other: str
    agreement: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCard:
    """One judge on one task. ``levels``: the share of its scores at each level, over all rows."""

    task: str
    judge: str
    kind: str
    scale: Scale
    mean: float | None
    n: int
    n_missing: int
    levels: Levels
    pairs: tuple[JudgePair, ...]


def judge_cards(tables: Sequence[ScoreTable], *, confidence: float = 0.95) -> list[JudgeCard]:
    """Return a card for each table. Judges are compared where task and scale are the same; tasks are the clusters."""
    return [_card(table, tables, confidence) for table in tables]


def _card(table: ScoreTable, tables: Sequence[ScoreTable], confidence: float) -> JudgeCard:
    scores = table.scores
    known = scores[~np.isnan(scores)]
    others = [
        other
        for other in tables
        if other.task == table.task and other is not table and other.judge.scale == table.judge.scale
    ]
    return JudgeCard(
        task=table.task,
        judge=table.judge.name,
        kind=table.judge.kind,
        scale=table.judge.scale,
        mean=float(known.mean()) if known.size else None,
        n=int(known.size),
        n_missing=int(scores.size - known.size),
        levels=level_shares(scores.reshape(1, -1), table.judge.scale),
        pairs=tuple(
            JudgePair(other=other.judge.name, agreement=_agreement(table, other, confidence))
            for other in others
            if set(other.rows) & set(table.rows)
        ),
    )


def _agreement(first: ScoreTable, second: ScoreTable, confidence: float) -> Agreement:
    rows = [row for row in first.rows if row in set(second.rows)]
    a = first.scores[[first.rows.index(row) for row in rows]]
    b = second.scores[[second.rows.index(row) for row in rows]]
    clusters = [sample.id for _ in rows for sample in first.samples] if len(rows) > 1 else None
    return agreement(a.ravel(), b.ravel(), step=first.judge.scale.step or 1.0, clusters=clusters, confidence=confidence)
