"""What the ledger holds, as plain records: task sets by content, what was compared on them, seals and resets. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.codec import digest, sample_digest
from harness.types import Sample

Role = Literal["candidate", "baseline", "alone"]
ROLE_RANK: Mapping[Role, int] = {"alone": 0, "baseline": 1, "candidate": 2}
_Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSet:
    """A task set by content. ``items``: its tasks, sorted, a copy with its number; ``clusters`` in the same order."""

    digest: str
    name: str
    date: str
    items: tuple[str, ...]
    clusters: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One candidate on one task set under one judge; ``scores`` in the order of the set's ``items``.

    ``number``: the order in which rows came, from 1; 0 for one not written yet · ``judge``: what makes it this judge ·
    ``candidate``: what makes it this candidate · ``answers``: equal for rows that answered all tasks alike · ``task``,
    ``label``, ``prompt``, ``run``, ``date``: as it was called when it came · ``role``: what it was compared as (one
    that stood alone on its board is a try, too) · ``baseline``: the candidate it was compared with.
    """

    number: int = 0
    taskset: str
    judge: str
    judge_name: str
    candidate: str
    answers: str
    task: str
    label: str
    prompt: str | None
    run: str
    date: str
    role: Role
    baseline: str | None
    scores: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A split of a task set; ``sealed`` and ``opened`` are tasks by content (see `harness.codec.sample_digest`).

    ``tries_before``: candidates that had been tried on the whole set before it was sealed.
    """

    taskset: str
    name: str
    date: str
    share: float
    sealed: tuple[str, ...]
    opened: tuple[str, ...]
    tries_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """That somebody had the ledger forget what came until ``date`` on the ``tasksets`` of one name.

    How many ``tries`` it held of them, and how many ``openings`` of a seal.
    """

    name: str
    date: str
    tasksets: tuple[str, ...]
    tries: int
    openings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a store knows of its task sets; ``rows`` in the order in which they came."""

    sets: tuple[TaskSet, ...] = ()
    rows: tuple[LedgerRow, ...] = ()
    seals: tuple[Seal, ...] = ()
    resets: tuple[Reset, ...] = ()

    def related(self, items: Sequence[str]) -> tuple[TaskSet, ...]:
        """Return the sets whose tasks are all among ``items``, or hold all of them: parts of one set, or the whole."""
        wanted = {*items}
        return tuple(known for known in self.sets if wanted <= {*known.items} or wanted >= {*known.items})

    def overlapping(self, items: Sequence[str]) -> tuple[TaskSet, ...]:
        """Return the sets that share some tasks with ``items`` and are neither a part of them nor hold them all."""
        wanted = {*items}
        return tuple(
            known for known in self.sets if wanted & (own := {*known.items}) and not (wanted <= own or wanted >= own)
        )

    def tried(self, sets: Collection[TaskSet], judge: str | None = None) -> frozenset[str]:
        """Return the candidates that were tried on some sets, under one judge or any."""
        wanted = {known.digest for known in sets}
        return frozenset(
            row.candidate for row in self.rows if row.taskset in wanted and is_try(row) and judge in (None, row.judge)
        )

    def of(self, sets: Collection[TaskSet], judge: str) -> tuple[LedgerRow, ...]:
        """Return the rows of some sets under one judge."""
        wanted = {known.digest for known in sets}
        return tuple(row for row in self.rows if row.taskset in wanted and row.judge == judge)


def task_set(name: str, samples: Sequence[Sample], date: str) -> TaskSet:
    """Return a task set by its content.

    >>> one, other = (Sample(id=name, inputs={"input": name}) for name in "ab")
    >>> task_set("x", [one, other], "").digest == task_set("y", [other, one], "").digest
    True
    """
    named = sorted(zip(item_keys(samples), samples, strict=True), key=lambda pair: pair[0])
    clusters = tuple(sample.cluster for _, sample in named)
    return TaskSet(
        digest=digest([key for key, _ in named]),
        name=name,
        date=date,
        items=tuple(key for key, _ in named),
        clusters=None if all(cluster is None for cluster in clusters) else clusters,
    )


def item_keys(samples: Sequence[Sample]) -> list[str]:
    """Return what each sample is known by: its content, and for a copy which copy it is."""
    seen: dict[str, int] = {}
    keys = []
    for sample in samples:
        content = sample_digest(sample)
        seen[content] = seen.get(content, 0) + 1
        keys.append(content if seen[content] == 1 else f"{content}#{seen[content]}")
    return keys


def is_try(row: LedgerRow) -> bool:
    """Return whether a row is something that was tried, and not what others were compared with."""
    return row.role != "baseline"


def with_rows(known: Ledger, sets: Sequence[TaskSet], rows: Sequence[LedgerRow]) -> Ledger:
    """Return a ledger with what was compared, as `harness.store.ledger.add_rows` writes it; new rows have number 0."""
    new_sets, new_rows, changed = changes(known, sets, rows)
    now = {row.number: row for row in changed}
    kept = tuple(now.get(row.number, row) for row in known.rows)
    return replace(known, sets=(*known.sets, *new_sets), rows=(*kept, *new_rows))


def changes(
    known: Ledger, sets: Sequence[TaskSet], rows: Sequence[LedgerRow]
) -> tuple[list[TaskSet], list[LedgerRow], list[LedgerRow]]:
    """Return the sets and rows that are new to a ledger, and the rows of it that are not as they were."""
    digests = {one.digest for one in known.sets}
    new_sets = list({one.digest: one for one in sets if one.digest not in digests}.values())
    found: dict[_Place, LedgerRow] = {}
    same_answers: dict[_Place, _Place] = {}
    for row in known.rows:
        _remember(row, found, same_answers)
    changed: dict[_Place, None] = {}
    for row in rows:
        place = row.taskset, row.judge, row.candidate
        if place not in found and is_try(row):
            place = same_answers.get((row.taskset, row.judge, row.answers), place)
        now = _brought_up_to_date(found[place], row) if place in found else row
        if now != found.get(place):
            changed[place] = None
            _remember(now, found, same_answers)
    news = [found[place] for place in changed]
    return new_sets, [row for row in news if not row.number], [row for row in news if row.number]


def _remember(row: LedgerRow, found: dict[_Place, LedgerRow], same_answers: dict[_Place, _Place]) -> None:
    place = row.taskset, row.judge, row.candidate
    found[place] = row
    if is_try(row):
        same_answers.setdefault((row.taskset, row.judge, row.answers), place)


def _brought_up_to_date(before: LedgerRow, row: LedgerRow) -> LedgerRow:
    """Return a row with the scores and the role of the same candidate seen again."""
    if ROLE_RANK[row.role] > ROLE_RANK[before.role]:
        before = replace(before, role=row.role, baseline=row.baseline)
    kept = sum(score is not None for score in before.scores)
    if before.candidate == row.candidate and sum(score is not None for score in row.scores) >= kept:
        before = replace(before, scores=row.scores, answers=row.answers)
    return before
