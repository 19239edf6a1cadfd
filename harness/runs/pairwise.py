"""Pairs of a run's answers as the store knows them: verdicts by content, and anchors that outlive their run."""

from collections.abc import Mapping, Sequence

from harness.engine.pairing import Anchors, JudgedPairs, answered, pair_items
from harness.pairs.planned import PlannedPairs
from harness.store.store import Store
from harness.types import Generation, Judgement, PlannedTask, Request, Verdict


def judged_pairs(
    plans: Sequence[PlannedPairs],
    tasks: Sequence[PlannedTask],
    requests: Sequence[Request],
    answers: Mapping[str, Generation],
    *,
    store: Store,
    own: Mapping[str, Verdict] | None = None,
) -> tuple[JudgedPairs, ...]:
    """Return what judges of pairs said: a command's ``own`` verdicts, or the store's where those are better.

    Raises:
        StoreError: the anchors of one are not in the store.
    """
    found = []
    for plan in plans:
        anchors = None if plan.anchors is None else load_anchors(plan.anchors, store)
        items = tuple(pair_items(tasks, plan, answered(requests, answers, anchors)))
        keys = list(dict.fromkeys(item.key for item in items if item.verdict is None))
        verdicts = dict(own or {})
        missing = [key for key in keys if key not in verdicts or verdicts[key].status != "scored"]
        for key, judgement in store.judgements(missing, failures=True).items():
            if key not in verdicts or judgement.verdict.status == "scored":
                verdicts[key] = judgement.verdict
        known = {key: verdicts[key] for key in keys if key in verdicts}
        found.append(JudgedPairs(plan=plan, items=items, verdicts=known, anchors=anchors))
    return tuple(found)


def load_anchors(plan: str, store: Store) -> Anchors:
    """Return the anchors that are stored under a digest.

    Raises:
        StoreError: there are none.
    """
    samples, requests = store.load_plan(plan)
    answers = store.generations(list(dict.fromkeys(request.key for request in requests)))
    return Anchors(plan=plan, samples=samples, requests=tuple(requests), answers=answers)


def save_anchors(anchors: Anchors, store: Store) -> None:
    """Keep anchors in a store, unless it has them."""
    if not store.has_plan(anchors.plan):
        store.write(generations=list(anchors.answers.values()))
        store.save_plan(anchors.plan, anchors.samples, anchors.requests)


def pair_judgements(pairwise: Sequence[JudgedPairs]) -> list[Judgement]:
    """Return the verdicts on pairs as the rows of a store."""
    return [
        Judgement(
            key=item.key,
            request_key=item.key,
            judge=one.plan.judge,
            judge_fingerprint=one.plan.fingerprint,
            repeat=0,
            verdict=one.verdicts[item.key],
        )
        for one in pairwise
        for item in {item.key: item for item in one.items if item.key in one.verdicts}.values()
    ]
