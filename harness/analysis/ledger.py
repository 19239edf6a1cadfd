"""Every try on a task set as one family: differences to the baseline, corrected together. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.analysis.tried import BoardLedger, Part, TriedRow
from harness.ledger import ROLE_RANK, Ledger, LedgerRow, Role, TaskSet
from harness.stats.spending import spend_over_tries
from harness.stats.tries import LUCK, TOGETHER, CorrectedTries, correct_over_tries, luck_of_the_best, shrink_gains
from harness.types import RowKey

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One candidate of a family: its first row in the ledger, its scores by task, and what it is compared with.

    ``means``: its mean and its baseline's over the tasks that both have scores for; None without any.
    """

    row: LedgerRow
    baseline: LedgerRow | None
    n: int
    means: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriesFamily:
    """All candidates that were tried on a task set, a part or a superset of it, in the order they came.

    ``differences``: candidate - baseline, shape (tries, tasks), NaN for none.
    """

    tries: tuple[Try, ...]
    differences: Floats
    clusters: tuple[str | None, ...] | None

    def corrected(self, confidence: float) -> CorrectedTries:
        """Return the family corrected as one, all of it at once."""
        return correct_over_tries(self.differences, replace(TOGETHER, clusters=self.clusters, confidence=confidence))

    def as_given(self, confidence: float) -> CorrectedTries:
        """Return each try as its own day saw it, by what the tries before it left of the error."""
        boards = [(one.row.run, one.row.date) for one in self.tries]
        design = replace(TOGETHER, clusters=self.clusters, confidence=confidence)
        return spend_over_tries(self.differences, design, boards=boards)

    def luck(self) -> float | None:
        """Return by how much the best of as many equal tries would seem to gain."""
        return luck_of_the_best(self.differences, replace(LUCK, clusters=self.clusters))

    def place(self, candidate: str, answers: str) -> int | None:
        """Return where a candidate stands, by itself or by its answers; None if it is not here."""
        rows = [one.row for one in self.tries]
        itself = (place for place, row in enumerate(rows) if row.candidate == candidate)
        alike = (place for place, row in enumerate(rows) if row.answers == answers)
        return next(itself, next(alike, None))


def tries_family(
    ledger: Ledger, sets: Sequence[TaskSet], judge: str, *, baselines: Mapping[str, str] | None = None
) -> TriesFamily:
    """Return the family of all tries on ``sets`` under a judge.

    ``baselines``: what candidates are compared with where that is not what the ledger has, by candidate; under ``""``
    for those that stood alone on their board.
    """
    known = _candidates(ledger.of(sets, judge), sets)
    tried = [one for one in known.values() if one.role != "baseline"]
    items = sorted({item for one in sets for item in one.items})
    column = {item: place for place, item in enumerate(items)}
    table = np.full((len(tried), len(items)), np.nan)
    given, tries = baselines or {}, []
    for place, one in enumerate(tried):
        name = one.first.candidate
        against = known.get(given.get(name) or one.baseline or given.get("") or "")
        both = [item for item in one.scores if item in against.scores] if against not in (None, one) else []
        own, other = [one.scores[item] for item in both], [against.scores[item] for item in both] if against else []
        table[place, [column[item] for item in both]] = np.subtract(own, other)
        tries.append(
            Try(
                row=one.first,
                baseline=None if against is None else against.first,
                n=len(both),
                means=(float(np.mean(own)), float(np.mean(other))) if both else None,
            )
        )
    return TriesFamily(tries=tuple(tries), differences=table, clusters=_clusters(sets, items))


@dataclass(slots=True, kw_only=True)
class _Candidate:
    """A candidate over several sets: its first row, what it was compared as, and its latest score of each task."""

    first: LedgerRow
    role: Role
    baseline: str | None
    scores: dict[str, float]


def _candidates(rows: Sequence[LedgerRow], sets: Sequence[TaskSet]) -> dict[str, _Candidate]:
    by_set = {one.digest: one.items for one in sets}
    known: dict[str, _Candidate] = {}
    for row in sorted(rows, key=lambda row: (row.number == 0, row.number)):
        one = known.setdefault(row.candidate, _Candidate(first=row, role=row.role, baseline=row.baseline, scores={}))
        if ROLE_RANK[row.role] > ROLE_RANK[one.role]:
            one.role, one.baseline = row.role, row.baseline
        given = zip(by_set[row.taskset], row.scores, strict=True)
        one.scores.update({item: score for item, score in given if score is not None})
    return known


def _clusters(sets: Sequence[TaskSet], items: Sequence[str]) -> tuple[str | None, ...] | None:
    named = {
        item: cluster
        for one in sets
        if one.clusters is not None
        for item, cluster in zip(one.items, one.clusters, strict=True)
        if cluster is not None
    }
    return tuple(named.get(item) for item in items) if named else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnBoard:
    """A board that was just made, as the ledger sees it: its set, its judge, and its rows by what makes them them.

    ``candidates``: each row but the baseline's, with its content and its answers' · ``baseline``: None where a row
    stands alone.
    """

    task: str
    judge: str
    judge_key: str
    taskset: TaskSet
    candidates: Mapping[RowKey, tuple[str, str]]
    baseline: str | None
    content: str


def board_ledger(ledger: Ledger, own: OwnBoard, *, confidence: float, date: str) -> BoardLedger:
    """Return what a board owes to a ledger that holds its rows already."""
    baselines = (
        {} if own.baseline is None else dict.fromkeys(["", *(one for one, _ in own.candidates.values())], own.baseline)
    )
    family = tries_family(ledger, ledger.related(own.taskset.items), own.judge_key, baselines=baselines)
    places = {key: family.place(*ids) for key, ids in own.candidates.items()}
    here = {place for place in places.values() if place is not None}
    earlier = len(family.tries) - len(here)
    part, sealed, openings = seal_state(ledger, own.taskset.items, own.judge_key)
    figures = _figures(family, confidence) if earlier and here else None
    return BoardLedger(
        task=own.task,
        judge=own.judge,
        date=date,
        taskset=own.taskset.digest,
        baseline=own.baseline or "",
        tries=len(family.tries),
        earlier=earlier,
        part=part,
        sealed=sealed,
        openings=openings,
        luck=family.luck() if earlier else None,
        content=own.content,
        rows=tuple(
            TriedRow(model=key.model, prompt=key.prompt, place=place + 1, **({} if figures is None else figures[place]))
            for key, place in places.items()
            if place is not None
        ),
    )


def seal_state(ledger: Ledger, items: Sequence[str], judge: str | None = None) -> tuple[Part, int, int]:
    """Return which part of a sealed set these tasks are, how many are sealed, and for how many candidates opened."""
    contents = {item.partition("#")[0] for item in items}
    for seal in ledger.seals:
        sealed, opened = {*seal.sealed}, {*seal.opened}
        if not contents & (sealed | opened):
            continue
        inside = [one for one in ledger.sets if {item.partition("#")[0] for item in one.items} <= sealed]
        part: Part = "sealed" if contents <= sealed else "open" if not contents & sealed else "all"
        return part, len(sealed), len(ledger.tried(inside, judge))
    return "all", 0, 0


def _figures(family: TriesFamily, confidence: float) -> list[dict[str, float | None]]:
    """Return the corrected figures of every try, as the fields of a `TriedRow`: for a verdict that will stand."""
    found = family.as_given(confidence)
    shrunken = shrunken_gains(found)
    return [
        {
            "p_value": _number(found.p_values[place]),
            "low": _number(found.low[place]),
            "high": _number(found.high[place]),
            "shrunken": shrunken[place],
        }
        for place in range(len(family.tries))
    ]


def shrunken_gains(found: CorrectedTries) -> list[float | None]:
    """Return the gain of every try drawn in by how much of their spread is luck; None where that is not known."""
    reach = (found.high - found.low) / 2
    known = np.isfinite(found.differences) & np.isfinite(reach) & (reach > 0) & (found.critical > 0)
    errors = np.divide(reach, found.critical, out=np.full(len(reach), np.nan), where=known)
    usable = np.flatnonzero(known)
    gains: list[float | None] = [None] * len(found.differences)
    shrunk = shrink_gains(found.differences[usable], errors[usable]) if len(usable) else None
    if shrunk is not None:
        for place, gain in zip(usable, shrunk.gains, strict=True):
            gains[int(place)] = float(gain)
    return gains


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
