"""Which answers meet: the pairs of rows that a judge of pairs compares, as a run keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError
from harness.locale import tr
from harness.types import RowKey

PairKind = Literal["model", "human"]

BASELINE, ALL, ANCHORS = "baseline", "all", "anchors"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOfRows:
    """A candidate and whom it meets."""

    candidate: RowKey
    opponent: RowKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRating:
    """What a person said of two answers, in the order in which they were shown.

    ``share``: 1, the first is better · 0.5, a tie · 0, the second is; None: it was skipped, for ``skip``.
    """

    task: str
    task_id: str
    first: RowKey
    second: RowKey
    share: float | None
    rater: str | None = None
    skip: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPairs:
    """A judge of pairs with what it compares.

    ``fingerprint``: all that decides a verdict · ``kind``: a language model's verdicts, or people's · ``against``: as
    it was asked for · ``anchors``: the digest under which the store has the anchors' answers · ``ratings``: what people
    said, where ``kind`` is human.
    """

    judge: str
    fingerprint: str
    kind: PairKind = "model"
    against: str = BASELINE
    pairs: tuple[PairOfRows, ...] = ()
    anchors: str | None = None
    ratings: tuple[PairRating, ...] = ()
    date: str = ""
    command: str = ""


def rows_that_meet(
    rows: Sequence[RowKey], against: str, *, baseline: str, anchors: Sequence[RowKey] = ()
) -> tuple[PairOfRows, ...]:
    """Return the pairs of a choice: against the baseline's first row, all, or every row against every anchor.

    >>> rows = [RowKey(model=name, prompt=None) for name in ("base", "a", "b")]
    >>> [(pair.candidate.model, pair.opponent.model) for pair in rows_that_meet(rows, "all", baseline="base")]
    [('a', 'base'), ('b', 'base'), ('b', 'a')]

    Raises:
        UsageError: there is only one row, so that nothing meets.
    """
    base = next((row for row in rows if row.model == baseline), rows[0])
    ordered = [base, *(row for row in rows if row != base)]
    if against == BASELINE:
        found = [(row, base) for row in ordered[1:]]
    elif against == ALL:
        found = [(row, other) for at, row in enumerate(ordered) for other in ordered[:at]]
    else:
        found = [(row, anchor) for row in ordered for anchor in anchors]
    if not found:
        raise UsageError(
            tr("There is nothing to compare: the run has one row, {row!r}.", row=base.model),
            hint=tr("Evaluate two models or more, or compare with another run's answers: --pairs anchors:RUN."),
        )
    return tuple(PairOfRows(candidate=one, opponent=other) for one, other in found)
