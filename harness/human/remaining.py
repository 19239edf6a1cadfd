"""What is still to be rated of a draw: how many labels an interval lacks, and which answers to rate next. Pure.

What people would say of all tasks needs tasks on which every compared answer is rated (`harness.stats.anchoring`). The
tasks of a draw are in random order, so any order of rating that does not look at the answers keeps them a random part;
the proposal looks at the judge's scores alone. It keeps the rated tasks spread over the judge's gaps between models as
all tasks are (proportional allocation to equal strata, Cochran 1977, section 5.5): the estimate stays unbiased without
weights, and varies least where people and judge agree on how large a gap is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.human.draw import Export
from harness.human.ratings import Item, Rating
from harness.stats.anchoring import FEWEST_LABELS

STRATA = 4
"""Parts of equal size into which tasks are cut by the judge's gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What one task set lacks.

    ``rated`` of ``chosen`` tasks have a score for every compared answer · ``needed``: so many are needed for an
    interval, None if the draw is too small for one · ``labels``: the fewest scores that lead there · ``labels_all``:
    those that lead to the whole draw · ``next``: the tasks to rate next, best first.
    """

    task: str
    chosen: int
    rated: int
    needed: int | None
    labels: int
    labels_all: int
    next: tuple[str, ...]


def remaining(
    export: Export, ratings: Sequence[Rating], gaps: Mapping[str, Mapping[str, float]] | None = None
) -> list[Remaining]:
    """Return what is still to be rated, by task set.

    ``gaps`` are the judge's differences between models by task set and task id (see `harness.analysis.row_gaps`);
    without them the tasks come in the order of the draw. An answer counts as rated when any rater gave it a score; one
    that every rater skipped is proposed last.
    """
    scored = {_answer(rating.drawn) for rating in ratings if rating.score is not None}
    skipped = {_answer(rating.drawn) for rating in ratings if rating.score is None} - scored
    found = []
    for task, chosen in export.draw.chosen.items():
        wanted: dict[str, set[tuple[str, str, str]]] = {one: set() for one in _order(export, task)}
        for item in export.items:
            if item.task == task:
                wanted[item.sample_id].add(_answer(item))
        open_ = {one: answers - scored for one, answers in wanted.items() if answers - scored}
        costs = sorted(len(answers) for answers in open_.values())
        rated = len(chosen) - len(open_)
        enough = min(FEWEST_LABELS, len(export.draw.population[task]))
        needed = enough if enough <= len(chosen) else None
        own = (gaps or {}).get(task, {})
        done = [one for one in wanted if one not in open_]
        population = export.draw.population[task]
        found.append(
            Remaining(
                task=task,
                chosen=len(chosen),
                rated=rated,
                needed=needed,
                labels=0 if needed is None else sum(costs[: max(0, needed - rated)]),
                labels_all=sum(costs),
                next=tuple(_begun_first(_balanced(population, done, list(open_), own), wanted, open_, skipped)),
            )
        )
    return found


def items_of(
    export: Export, rater: str, task: str, ids: Sequence[str], ratings: Sequence[Rating], *, tag: str | None = None
) -> list[int]:
    """Return the places (from 1) on a rater's page of those answers to some tasks that the rater has not dealt with.

    ``ratings`` are those of all raters; ``tag``: the draw that the page is of, if there are several.
    """
    done = {rating.drawn.id for rating in ratings if rating.score is not None or rating.skip is not None}
    return [
        place
        for place, item in enumerate(export.of(rater, tag), start=1)
        if item.task == task and item.sample_id in set(ids) and item.id not in done
    ]


def _answer(item: Item) -> tuple[str, str, str]:
    return item.task, item.sample_id, item.answer


def _begun_first(
    order: Sequence[str],
    wanted: Mapping[str, set[tuple[str, str, str]]],
    open_: Mapping[str, set[tuple[str, str, str]]],
    skipped: set[tuple[str, str, str]],
) -> list[str]:
    """Return tasks in their order, begun ones before the others, those that wait on a skip last."""

    def place(one: str) -> tuple[bool, bool]:
        return bool(open_[one] & skipped), len(open_[one]) == len(wanted[one])

    return sorted(order, key=place)


def _order(export: Export, task: str) -> list[str]:
    """Return the tasks of a set in the random order of the first rater's page."""
    return list(dict.fromkeys(item.sample_id for item in export.items if item.task == task))


def _balanced(
    population: Sequence[str], done: Sequence[str], open_: Sequence[str], gaps: Mapping[str, float]
) -> list[str]:
    """Return the open tasks, each time one of the stratum that is rated least for its size."""
    known = sorted((one for one in population if one in gaps), key=lambda one: gaps[one])
    stratum = {one: place * STRATA // len(known) for place, one in enumerate(known)}
    size = [sum(value == part for value in stratum.values()) for part in range(STRATA)]
    rated = [sum(stratum.get(one) == part for one in done) for part in range(STRATA)]
    waiting = [[one for one in open_ if stratum.get(one) == part] for part in range(STRATA)]
    order = []
    while any(waiting):
        part = min((part for part in range(STRATA) if waiting[part]), key=lambda part: (rated[part] / size[part], part))
        order.append(waiting[part].pop(0))
        rated[part] += 1
    return order + [one for one in open_ if one not in stratum]
