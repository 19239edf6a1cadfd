"""Judges that join a finished run: its stored answers are judged, and its files written anew with the judges it had."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import click

from harness.engine.job import Job, Outcome
from harness.engine.plan import PlannedJudge, items_of
from harness.errors import HarnessError
from harness.locale import tr
from harness.protocols import Judge
from harness.runs.finish import note_replaced, refuse_losing
from harness.runs.publish import Finished, JoinedJudge, joined_judges, prompt_test, publish, verdicts_now
from harness.runs.stored import StoredRun, read_run
from harness.store.store import Store
from harness.types import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """The judges that are to join a run; ``notices`` are what they say about it, ``draw`` as in `JoinedJudge`."""

    run: StoredRun
    judges: tuple[Judge, ...]
    notices: tuple[str, ...] = ()
    repeats: int = 1
    draw: Mapping[str, Any] | None = None

    @property
    def job(self) -> Job:
        """Every answer that the run has, for the new judges."""
        answers = self.run.generations
        answered = [
            request for request in self.run.requests if request.key in answers and answers[request.key].text is not None
        ]
        return Job(
            tasks=self.run.tasks,
            requests=tuple(answered),
            models={},
            judges=self.judges,
            judge_repeats=self.repeats,
        )


def join(joining: Joining, store: Store, carry_out: Callable[[Job, Store], Outcome]) -> tuple[Outcome, list[Verdict]]:
    """Judge what is not judged yet, write the run's files, and return what was done, with the new judges' verdicts.

    ``carry_out`` does the judging in front of whoever waits for it.

    A new judge replaces one of the same name.
    """
    for notice in joining.notices:
        click.echo(tr("Note: {notice}", notice=notice), err=True)
    job = joining.job
    planned = job.planned_judges
    note_replaced({judge.name: judge for judge in joining.run.judges}, {judge.name: judge for judge in planned})
    outcome = carry_out(job, store)
    with joining.run.folder.lock():
        joining = replace(joining, run=_as_it_is_now(joining.run, store.url))
        finished = _finished(joining, store, planned, outcome)
        new = {judge.name for judge in planned}
        refuse_losing(finished, joining.run.manifest, new)
        publish(finished, joining.run.folder)
    return outcome, [finished.verdict(item) for item in finished.items if item.judge in new]


def _as_it_is_now(run: StoredRun, store: str) -> StoredRun:
    """Return the run with what other commands have added to it while this one was at work.

    Raises:
        HarnessError: it was evaluated anew, with other tasks, models or prompts.
    """
    now = run.folder.manifest()
    if now is None or now == run.manifest:
        return run
    if now["plan"] != run.manifest["plan"]:
        raise HarnessError(
            tr("The run {name!r} was evaluated anew meanwhile, with other tasks, models or prompts.", name=run.name),
            hint=tr("The verdicts are stored; the same command again adds them to the run as it is now."),
        )
    return read_run(str(run.folder.path.absolute()), "", store, whole=False)


def _finished(joining: Joining, store: Store, planned: Sequence[PlannedJudge], outcome: Outcome) -> Finished:
    run, manifest = joining.run, joining.run.manifest
    new = {judge.name: judge for judge in planned}
    joined = {entry.judge: entry for entry in joined_judges(manifest)}
    before = {judge.name: judge for judge in run.judges}
    for name, judge in new.items():
        if before.get(name) != judge or name in joined:
            joined[name] = _entry(joining, name, joined.get(name))
    judges = tuple((before | new).values())
    items = tuple(items_of(run.tasks, run.requests, run.generations, judges))
    return Finished(
        name=run.name,
        plan=str(manifest["plan"]),
        store=store.url,
        tasks=run.tasks,
        requests=run.requests,
        generations=run.generations,
        judges=judges,
        items=items,
        verdict=verdicts_now(items, outcome.verdicts, store),
        baseline=str(manifest["baseline"]),
        confidence=float(manifest["confidence"]),
        own_notices=tuple(manifest["own_notices"]),
        model_notices=manifest["model_notices"],
        joined=tuple(joined.values()),
        provenance=lambda: manifest["provenance"],
        test=prompt_test(manifest),
    )


def _entry(joining: Joining, name: str, before: JoinedJudge | None) -> JoinedJudge:
    """Return how a judge joined; a rerun that says nothing new keeps the first date and command."""
    entry = JoinedJudge(
        judge=name,
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        command=shlex.join(["harness", *sys.argv[1:]]),
        notices=joining.notices,
        draw=joining.draw,
    )
    if before is not None and replace(entry, date=before.date, command=before.command) == before:
        return before
    return entry
