"""What judges of pairs said in several runs, as that of one run: pairs that were judged stay, and none is invented."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.engine.pairing import JudgedPairs, answered, pair_items
from harness.pairs.planned import PairOfRows, PairRating, PlannedPairs
from harness.runs.run import Run
from harness.types import Generation, PlannedTask, Request, RowKey, Verdict

_Place = tuple[str, str, str | None]


def merged_pairs(
    runs: Sequence[Run],
    renamed: Mapping[tuple[str, RowKey], str],
    tasks: Sequence[PlannedTask],
    requests: Sequence[Request],
    answers: Mapping[str, Generation],
) -> tuple[JudgedPairs, ...]:
    """Return the pairs of all runs; ``renamed`` are new labels of rows, by their run's name.

    A judge of one name that is another judge in another run stands beside it under that run's name.
    """
    plans: dict[_Place, PlannedPairs] = {}
    found: dict[_Place, JudgedPairs] = {}
    verdicts: dict[_Place, dict[str, Verdict]] = {}
    fingerprints: dict[str, str] = {}
    for run in runs:
        for one in run.pairwise:
            plan = _with_labels(one.plan, run.name, renamed)
            if fingerprints.setdefault(plan.judge, plan.fingerprint) != plan.fingerprint:
                plan = replace(plan, judge=f"{plan.judge} ({run.name})")
            place = (plan.judge, plan.against, plan.anchors)
            plans[place] = _joined(plans[place], plan) if place in plans else plan
            found.setdefault(place, one)
            verdicts[place] = {**one.verdicts, **verdicts.get(place, {})}
    return tuple(
        replace(
            found[place],
            plan=plan,
            items=tuple(pair_items(tasks, plan, answered(requests, answers, found[place].anchors))),
            verdicts=verdicts[place],
        )
        for place, plan in plans.items()
    )


def _joined(one: PlannedPairs, other: PlannedPairs) -> PlannedPairs:
    return replace(
        one,
        pairs=tuple(dict.fromkeys((*one.pairs, *other.pairs))),
        ratings=tuple(dict.fromkeys((*one.ratings, *other.ratings))),
    )


def _with_labels(plan: PlannedPairs, run: str, renamed: Mapping[tuple[str, RowKey], str]) -> PlannedPairs:
    def row(key: RowKey) -> RowKey:
        return replace(key, model=renamed.get((run, key), key.model))

    def rating(one: PairRating) -> PairRating:
        return replace(one, first=row(one.first), second=row(one.second))

    pairs = tuple(PairOfRows(candidate=row(one.candidate), opponent=row(one.opponent)) for one in plan.pairs)
    return replace(plan, pairs=pairs, ratings=tuple(map(rating, plan.ratings)))
