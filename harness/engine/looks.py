"""Looks before the end: in which order tasks are done, how many each look sees, and who was stopped when. Pure.

The order is random and cannot be chosen: it goes by the hashes of the tasks' contents, so that it is the same on every
machine and no first part is easier than another but by chance. Tasks of several sets are dealt in their shares.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.codec import digest, sample_digest
from harness.errors import UsageError
from harness.locale import tr
from harness.types import PlannedTask, Request, RowKey, Sample

Kind = Literal["looks", "halving", "grown"]
FEWEST = 5
"""A look at fewer new tasks than this teaches nothing."""
_HALVING = (0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A row that was asked no more on one task set after look number ``look``, counted from 1."""

    task: str
    model: str
    prompt: str | None
    look: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """How often the boards of a run were looked at on the way, and what came of it.

    ``kind``: looks that stop where the verdict is settled, halving, or a ``--limit`` that was grown after its board had
    been seen · ``sizes``: how many tasks each look of a task set saw, the last one all · ``order``: their ids in the
    order in which they were done · ``reached``: the last look that there was.
    """

    kind: Kind
    sizes: Mapping[str, tuple[int, ...]]
    order: Mapping[str, tuple[str, ...]]
    reached: int
    stops: tuple[Stop, ...] = ()

    def last(self, task: str, row: RowKey) -> int:
        """Return the number of the last look at a row, from 1."""
        key = (task, row.model, row.prompt)
        ends = [stop.look for stop in self.stops if (stop.task, stop.model, stop.prompt) == key]
        return min([*ends, self.reached, len(self.sizes[task])])

    def seen(self, task: str, look: int) -> frozenset[str]:
        """Return the ids of the tasks that a look saw."""
        return frozenset(self.order[task][: self.sizes[task][look - 1]])


def frozen_order(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return the ids of samples in their frozen random order.

    >>> frozen_order([Sample(id=str(n), inputs={"input": f"task {n}"}) for n in range(5)])
    ('2', '4', '0', '3', '1')
    """
    drawn = sorted(samples, key=lambda sample: (digest(["look", sample_digest(sample)]), sample.id))
    total = Counter(sample.stratum for sample in drawn)
    seen: Counter[str | None] = Counter()
    placed: list[tuple[float, str]] = []
    for sample in drawn:
        seen[sample.stratum] += 1
        placed.append(((seen[sample.stratum] - 0.5) / total[sample.stratum], sample.id))
    return tuple(sample_id for _, sample_id in sorted(placed, key=lambda one: one[0]))


def planned_looks(tasks: Sequence[PlannedTask], *, looks: int | None, halving: bool) -> Looks:
    """Return the looks at task sets: ``looks`` equal steps, or a quarter, a half and all of them.

    Raises:
        UsageError: a look would see fewer than five new tasks.
    """
    shares = _HALVING if halving else tuple((look + 1) / (looks or 1) for look in range(looks or 1))
    sizes = {task.name: tuple(round(share * len(task.samples)) for share in shares) for task in tasks}
    for task, counts in sizes.items():
        if min(b - a for a, b in zip((0, *counts), counts, strict=False)) < FEWEST:
            raise UsageError(
                tr(
                    "Task {task!r} has {n} tasks: too few to look at them {looks} times.",
                    task=task,
                    n=counts[-1],
                    looks=len(shares),
                ),
                hint=tr("Each look should see {fewest} new tasks or more.", fewest=FEWEST),
            )
    return Looks(
        kind="halving" if halving else "looks",
        sizes=sizes,
        order={task.name: frozen_order(task.samples) for task in tasks},
        reached=len(shares),
    )


def asked_at(requests: Sequence[Request], looks: Looks, look: int) -> tuple[Request, ...]:
    """Return the requests that are new at one look: those of rows that were not stopped, on tasks not seen before."""
    new = {
        task: looks.seen(task, look) - (looks.seen(task, look - 1) if look > 1 else frozenset()) for task in looks.order
    }
    return tuple(
        request
        for request in requests
        if request.sample_id in new[request.task] and looks.last(request.task, _row(request)) >= look
    )


def asked_until(requests: Sequence[Request], looks: Looks, look: int) -> tuple[Request, ...]:
    """Return the requests of all looks up to one, in plan order."""
    seen = {task: [looks.seen(task, number + 1) for number in range(look)] for task in looks.order}
    return tuple(
        request
        for request in requests
        if request.sample_id in seen[request.task][min(look, looks.last(request.task, _row(request))) - 1]
    )


def stopped_rows(looks: Looks, task: str) -> set[RowKey]:
    """Return the rows that are asked no more on a task set."""
    return {RowKey(model=stop.model, prompt=stop.prompt) for stop in looks.stops if stop.task == task}


def stops(task: str, rows: Collection[RowKey], look: int) -> tuple[Stop, ...]:
    """Return the stops of several rows at one look."""
    return tuple(Stop(task=task, model=row.model, prompt=row.prompt, look=look) for row in sorted(rows, key=str))


def _row(request: Request) -> RowKey:
    return RowKey(model=request.model, prompt=request.prompt)


def merged_looks(runs: Sequence[tuple[Sequence[Request], Looks | None]]) -> Looks | None:
    """Return the looks of several runs of the same tasks as one; None where none had any, or they had unlike ones.

    A run without looks counts as one that had the others' and stopped nobody. Of a row that is in several runs the one
    that went furthest counts.
    """
    found = [looks for _, looks in runs if looks is not None]
    if not found or any(
        (one.kind, one.sizes, one.order) != (found[0].kind, found[0].sizes, found[0].order) for one in found
    ):
        return None
    first = found[0]
    end = max(map(len, first.sizes.values()))
    lasts: dict[tuple[str, RowKey], int] = {}
    for requests, looks in runs:
        for place in dict.fromkeys(
            (request.task, _row(request)) for request in requests if request.task in first.sizes
        ):
            last = end if looks is None else looks.last(*place)
            lasts[place] = max(last, lasts.get(place, 0))
    stopped = [stop for (task, row), last in lasts.items() if last < end for stop in stops(task, {row}, last)]
    return replace(first, stops=tuple(stopped), reached=end)
