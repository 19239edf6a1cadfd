"""A store that holds one run's rows alone: what a bundle carries, and what a merged run is read from."""

from dataclasses import replace
from pathlib import Path

from harness.protocols import version_fingerprint
from harness.runs.folder import RunFolder
from harness.runs.pairwise import pair_judgements, save_anchors
from harness.runs.run import Run
from harness.runs.unpacking import STORE
from harness.store.store import Store
from harness.types import Judgement


def with_own_store(run: Run, folder: RunFolder) -> Run:
    """Write a run's rows into a store in its own folder, and return the run that is read from there."""
    write_store(run, folder.path / STORE)
    return replace(run, manifest=replace(run.manifest, store=STORE))


def write_store(run: Run, path: Path) -> None:
    """Add all rows of a run to the store at a path, which is made if it is not there."""
    judges = {judge.name: judge.fingerprint for judge in run.judges}
    judgements = {
        item.key: Judgement(
            key=item.key,
            request_key=item.request.key,
            judge=item.judge,
            judge_fingerprint=judges[item.judge],
            repeat=item.judge_repeat,
            verdict=run.verdicts[item.key],
        )
        for item in run.items
        if item.key in run.verdicts
    }
    for swap in run.manifest.swaps:
        for first, again in swap.anchors:
            if first in judgements and again in run.verdicts:
                judgements[again] = replace(
                    judgements[first],
                    key=again,
                    judge_fingerprint=version_fingerprint(judges[swap.judge], swap.new),
                    repeat=0,
                    verdict=run.verdicts[again],
                )
    answers = [run.answers[key] for key in dict.fromkeys(request.key for request in run.requests) if key in run.answers]
    with Store(str(path)) as store:
        if not store.has_plan(run.manifest.plan):
            store.save_plan(run.manifest.plan, {task.name: task.samples for task in run.tasks}, run.requests)
        store.write(generations=answers, judgements=[*judgements.values(), *pair_judgements(run.pairwise)])
        for anchors in (judged.anchors for judged in run.pairwise):
            if anchors is not None:
                save_anchors(anchors, store)
