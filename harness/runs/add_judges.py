"""Judges that join a finished run: its stored answers are judged, and the run has them beside the judges it had."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.engine.execute import execute
from harness.engine.job import Job, Outcome, Progress
from harness.engine.plan import PlannedPanel, items_of
from harness.locale import Language
from harness.protocols import Judge
from harness.runs.declared import declared_on
from harness.runs.enter import enter
from harness.runs.folder import RunFolder
from harness.runs.load import load_again
from harness.runs.manifest import JoinedJudge, Manifest, all_notices, with_judges_named
from harness.runs.panels import panels_now
from harness.runs.provenance import Invocation
from harness.runs.rubrics import rubrics_of
from harness.runs.run import Run
from harness.runs.verdicts import refuse_losing, verdicts_now
from harness.store.store import Store
from harness.types import Declaration


def add_judges(
    run: Run,
    judges: Sequence[Judge],
    store: Store,
    progress: Progress,
    *,
    invocation: Invocation,
    notices: tuple[str, ...] = (),
    repeats: int | None = 1,
    max_cost: float | None = None,
) -> Run:
    """Let judges score every answer that a run has, and return the run with them; nothing is written but the store.

    A new judge replaces one of the same name. ``notices`` are what the judges say about the run.
    """
    job = judging_job(run, judges, repeats)
    outcome = execute(job, store, progress, max_cost=max_cost)
    found = with_judges(run, job, outcome, store, joined_by(job, invocation, notices))
    return enter(found, store, before=run.manifest, date=invocation.date)


def judging_job(run: Run, judges: Sequence[Judge], repeats: int | None = 1) -> Job:
    """Return every answer that the run has, for the new judges."""
    answered = [
        request for request in run.requests if request.key in run.answers and run.answers[request.key].text is not None
    ]
    return Job(
        tasks=run.tasks,
        requests=tuple(answered),
        models={},
        judges=tuple(judges),
        judge_repeats=repeats,
        purse=run.manifest.plan,
    )


def joined_by(
    job: Job, invocation: Invocation, notices: tuple[str, ...] = (), draw: Mapping[str, Any] | None = None
) -> tuple[JoinedJudge, ...]:
    """Return what a run keeps of each judge of a job: when it joined, by which command, and what it said."""
    return tuple(
        JoinedJudge(judge=judge.name, date=invocation.date, command=invocation.command, notices=notices, draw=draw)
        for judge in job.judges
    )


def with_judges(
    run: Run,
    job: Job,
    outcome: Outcome,
    store: Store,
    entries: Sequence[JoinedJudge],
    *,
    declared: Declaration | None = None,
    language: Language | None = None,
    panels: Sequence[PlannedPanel] = (),
) -> Run:
    """Return a run with the judges of a job that was carried out for it; ``entries`` as `joined_by` makes them.

    ``declared``: what is declared with them; a primary judge that joins is declared before its scores are there.
    ``language``: that of the pages from now on, None: as before.
    ``panels``: judges that count as one from now on.
    """
    new = {judge.name: judge for judge in job.planned_judges}
    before = {judge.name: judge for judge in run.judges}
    joined = {entry.judge: entry for entry in run.manifest.joined}
    for entry in entries:
        if before.get(entry.judge) != new[entry.judge] or entry.judge in joined:
            joined[entry.judge] = _entry(entry, joined.get(entry.judge))
    judges = tuple((before | new).values())
    asked_less = tuple(one for one in run.manifest.asked_less if one.judge not in new)
    items = tuple(items_of(run.tasks, run.requests, run.answers, judges, asked_less))
    asked = declared or Declaration()
    return replace(
        run,
        manifest=_manifest(
            run.manifest,
            judges=judges,
            joined=tuple(joined.values()),
            store=store.url,
            language=language or run.manifest.language,
            declared=declared_on(run.manifest.declared, asked, new_judges=_news(new.keys() - before.keys(), panels)),
            panels=panels_now(panels, run.manifest.panels),
            asked_less=asked_less,
            rubrics={**run.manifest.rubrics, **rubrics_of(job.judges)},
        ),
        judges=judges,
        items=items,
        verdicts=verdicts_now(items, outcome.verdicts, store, run.manifest.swaps),
    )


def add_in_folder(
    run: Run,
    job: Job,
    outcome: Outcome,
    store: Store,
    *,
    folder: RunFolder,
    entries: Sequence[JoinedJudge],
    declared: Declaration | None = None,
    language: Language | None = None,
    panels: Sequence[PlannedPanel] = (),
) -> Run:
    """Return a run as `with_judges`, with what others have added to it since it was loaded, its files written.

    Raises:
        HarnessError: the run was evaluated anew meanwhile, or the store has lost scores of its other judges.
    """
    with folder.lock():
        now = load_again(run, folder, store.url)
        found = with_judges(now, job, outcome, store, entries, declared=declared, panels=panels, language=language)
        refuse_losing(found, now.manifest, [judge.name for judge in job.planned_judges])
        date = next((entry.date for entry in entries), now.manifest.date)
        found = enter(found, store, before=now.manifest, date=date)
        found.save(folder)
    return found


def _news(judges: Collection[str], panels: Sequence[PlannedPanel]) -> set[str]:
    """Return the judges and panels whose scores nobody has seen: a panel's, if it holds such a judge."""
    return {*judges, *(panel.name for panel in panels if set(panel.members) & set(judges))}


def _manifest(before: Manifest, **changed: Any) -> Manifest:  # noqa: ANN401 - fields of a manifest
    manifest = replace(before, schema=2, **changed)
    return replace(
        manifest,
        notices=all_notices(manifest.own_notices, manifest.joined, manifest.model_notices),
        provenance=with_judges_named(manifest.provenance, manifest.judges, manifest.joined),
    )


def _entry(entry: JoinedJudge, before: JoinedJudge | None) -> JoinedJudge:
    """Return how a judge joined; a rerun that says nothing new keeps the first date and command."""
    if before is not None and replace(entry, date=before.date, command=before.command) == before:
        return before
    return entry
