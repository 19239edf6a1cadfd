"""Answers by which two versions of a judge are compared: drawn from what one has scored, judged again by the other."""

import copy
from collections.abc import Sequence
from dataclasses import replace

from harness.engine.job import Job, planned_judge
from harness.engine.plan import JudgementItem, PlannedJudge, judgement_items, sample_keys
from harness.engine.versions import version_of
from harness.plugins import identity
from harness.protocols import Judge, KeepsVersion
from harness.runs.assemble import Evaluation
from harness.runs.enter import enter
from harness.runs.folder import RunFolder
from harness.runs.load import load_again
from harness.runs.manifest import JudgeSwap
from harness.runs.run import Run
from harness.runs.verdicts import verdicts_now
from harness.store.anchors import keep_anchors, stored_anchors
from harness.store.store import Store

ANCHORS = 100
"""How many answers are judged again unless it is said: the error of equating is then about that of 100 tasks' mean."""


def draw_anchors(run: Run, judge: str, version: str, n: int, known: Sequence[str] = ()) -> list[JudgementItem]:
    """Return ``n`` answers that a version of a judge has scored, those of ``known`` (keys of verdicts) first.

    Every so-manieth in the order of task set, score, model, prompt and content: each has its share among the anchors,
    and no more, since scores that were chosen for being extreme would be less so the next time.
    """
    by_key: dict[str, JudgementItem] = {}
    for item in run.items:
        if item.judge == judge and item.judge_repeat == 0 and version_of(run.verdict(item)) == version:
            by_key.setdefault(item.key, item)
    first = [by_key.pop(key) for key in known if key in by_key]
    rest = sorted(by_key.values(), key=lambda item: _place(run, item))
    wanted = min(max(0, n - len(first)), len(rest))
    return [*first, *(rest[int((place + 0.5) * len(rest) / wanted)] for place in range(wanted))]


def _place(run: Run, item: JudgementItem) -> tuple[str, float, str, str, str]:
    request, score = item.request, run.verdict(item).score
    assert score is not None
    return request.task, score, request.model, request.prompt or "", item.key


def frozen_anchors(run: Run, store: Store, judge: PlannedJudge, version: str, n: int) -> list[JudgementItem]:
    """Return the anchors of one version as the store keeps them, drawn now if there are none, or too few."""
    known = stored_anchors(store, judge.fingerprint, version, run.manifest.plan)
    drawn = draw_anchors(run, judge.name, version, n, known)
    return drawn if len(drawn) > len(known) else drawn[: max(n, len(known))]


def freeze_anchors(
    run: Run, store: Store, judge: PlannedJudge, version: str, anchors: Sequence[JudgementItem], *, date: str
) -> None:
    """Keep these anchors in the store, so that every later version is compared by the same."""
    keys = [item.key for item in anchors]
    keep_anchors(store, judge.fingerprint, version, run.manifest.plan, keys, date=date)


def kept_like(judge: Judge, planned: PlannedJudge) -> Judge | None:
    """Return a judge as a run has it: itself, or held to the run's version; None where it is another judge."""
    if identity(judge) == planned.fingerprint:
        return judge
    if planned.version is None or not isinstance(judge, KeepsVersion):
        return None
    held = held_to(judge, planned.version)
    return held if identity(held) == planned.fingerprint else None


def held_to(judge: KeepsVersion, version: str | None) -> KeepsVersion:
    """Return a judge that counts verdicts of one version alone, or of any; the one given stays as it is."""
    held = copy.copy(judge)
    held.keep_version(version)
    return held


def keep_versions(job: Job, known: Sequence[PlannedJudge]) -> Job:
    """Return a job whose judges are held to the versions that those of a run of before are held to."""
    before = {judge.name: judge for judge in known if judge.version is not None}
    return replace(
        job,
        judges=tuple(
            (kept_like(judge, before[judge.name]) or judge) if judge.name in before else judge for judge in job.judges
        ),
    )


def as_held_before(evaluation: Evaluation, folder: RunFolder) -> Evaluation:
    """Return an evaluation whose judges are held to the versions that those of the run in a folder are held to."""
    previous = folder.previous()
    return evaluation if previous is None else replace(evaluation, job=keep_versions(evaluation.job, previous.judges))


def again_keys(run: Run, judge: Judge, anchors: Sequence[JudgementItem]) -> list[tuple[str, str]]:
    """Return the keys of the first verdict on each anchor, and of the one that a judge gives again."""
    planned, samples = planned_judge(judge), sample_keys(run.tasks)
    found = []
    for item in anchors:
        request = item.request
        sample = samples[request.task, request.sample_id]
        [again] = judgement_items(request, run.answers[request.key], sample, [planned])
        found.append((item.key, again.key))
    return found


def anchoring_job(run: Run, judge: Judge, anchors: Sequence[JudgementItem]) -> Job:
    """Return the judging of anchors by another version, once each."""
    requests = tuple({item.request.key: item.request for item in anchors}.values())
    return Job(tasks=run.tasks, requests=requests, models={}, judges=(judge,))


def add_swaps(run: Run, swaps: Sequence[JudgeSwap], store: Store, folder: RunFolder) -> Run:
    """Return a run that knows how versions of its judge are linked, its files written.

    Raises:
        HarnessError: the run was evaluated anew meanwhile.
    """
    with folder.lock():
        now = load_again(run, folder, store.url)
        new = {(swap.judge, swap.old, swap.new): swap for swap in swaps}
        kept = {(swap.judge, swap.old, swap.new): swap for swap in now.manifest.swaps}
        manifest = replace(now.manifest, schema=2, swaps=tuple((kept | new).values()))
        found = replace(now, manifest=manifest, verdicts=verdicts_now(now.items, now.verdicts, store, manifest.swaps))
        found = enter(found, store, before=now.manifest, date=swaps[0].date)
        found.save(folder)
    return found
