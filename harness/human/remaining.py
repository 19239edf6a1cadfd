"""What is still to be rated of a draw: how many labels an interval lacks, and which answers to rate next. Pure.

What people would say of all tasks needs tasks on which every compared answer is rated (`harness.stats.anchoring`). The
tasks of a draw are in random order, so any order of rating that does not look at the answers keeps them a random part;
the proposal looks at the judge's scores alone. It keeps the rated tasks spread over the judge's gaps between models as
all tasks are (proportional allocation to equal strata, Cochran 1977, section 5.5): the estimate stays unbiased without
weights, and varies least where people and judge agree on how large a gap is. A draw from strata is kept spread over
those, and gives an interval from two rated tasks of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.human.draw import Export
from harness.human.ratings import Item, Rating
from harness.stats.allocation import FEWEST
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
        costs = {one: len(answers) for one, answers in open_.items()}
        rated = len(chosen) - len(open_)
        enough = min(FEWEST_LABELS, len(export.draw.population[task]))
        needed = enough if enough <= len(chosen) else None
        done = [one for one in wanted if one not in open_]
        parts = _parts(export, task, (gaps or {}).get(task, {}))
        drawn_from = parts if task in export.draw.strata else []
        found.append(
            Remaining(
                task=task,
                chosen=len(chosen),
                rated=rated,
                needed=needed,
                labels=0 if needed is None else _fewest(costs, done, needed - rated, drawn_from),
                labels_all=sum(costs.values()),
                next=tuple(_begun_first(_balanced(parts, done, list(open_)), wanted, open_, skipped)),
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


def _parts(export: Export, task: str, gaps: Mapping[str, float]) -> list[set[str]]:
    """Return what rating is kept spread over: the strata that were drawn from, or equal parts by the judge's gap.

    Of strata only what was drawn counts, since they were drawn from with unlike chances.
    """
    if task in export.draw.strata:
        chosen = set(export.draw.chosen[task])
        return [found for part in export.draw.strata[task].parts if (found := chosen & set(part))]
    known = sorted((one for one in export.draw.population[task] if one in gaps), key=lambda one: gaps[one])
    cut = [-(-len(known) * part // STRATA) for part in range(STRATA + 1)]
    return [set(known[low:high]) for low, high in pairwise(cut) if high > low]


def _fewest(costs: Mapping[str, int], done: Sequence[str], wanted: int, strata: Sequence[set[str]]) -> int:
    """Return the fewest scores with which ``wanted`` more tasks are rated, and two of each stratum or all of it."""
    cheapest = sorted(costs, key=lambda one: costs[one])
    picked: list[str] = []
    for part in strata:
        lacks = min(FEWEST, len(part)) - len(part & set(done))
        picked += [one for one in cheapest if one in part][: max(0, lacks)]
    rest = [one for one in cheapest if one not in set(picked)]
    picked += rest[: max(0, wanted - len(picked))]
    return sum(costs[one] for one in picked)


def _balanced(parts: Sequence[set[str]], done: Sequence[str], open_: Sequence[str]) -> list[str]:
    """Return the open tasks, each time one of the part that is rated least for its size; those of none last."""
    rated = [len(part & set(done)) for part in parts]
    waiting = [[one for one in open_ if one in part] for part in parts]
    order: list[str] = []
    while any(waiting):
        place = min(
            (place for place, left in enumerate(waiting) if left),
            key=lambda place: (rated[place] / len(parts[place]), place),
        )
        order.append(waiting[place].pop(0))
        rated[place] += 1
    return order + [one for one in open_ if one not in set(order)]
