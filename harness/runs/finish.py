"""The last step of an evaluation: figures, files, and what is printed."""

import shlex
import sys
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from harness import plugins
from harness.engine.job import Outcome
from harness.engine.plan import PlannedJudge, items_of, task_hash
from harness.errors import HarnessError
from harness.locale import tr
from harness.plugins import model_info
from harness.protocols import GivesNotices
from harness.runs.assemble import Evaluation
from harness.runs.folder import RunFolder
from harness.runs.provenance import machine, rendered_hashes, versions
from harness.runs.publish import (
    Finished,
    JoinedJudge,
    PromptTest,
    joined_judges,
    lost_verdicts,
    planned_judges,
    previous_manifest,
    prompt_test,
    publish,
    verdicts_now,
)
from harness.runs.replacing import is_same_plan, refuse_another_plan
from harness.store.store import Store
from harness.types import Generation, Request, Verdict


def check_plan(evaluation: Evaluation, folder: RunFolder, *, overwrite: bool) -> None:
    """Refuse to put an evaluation in the place of a run that asked something else, unless ``overwrite``.

    Raises:
        UsageError: the run of this name has another plan.
    """
    if not overwrite:
        refuse_another_plan(folder, evaluation.plan_digest, lambda: _provenance(evaluation))


def finish(
    evaluation: Evaluation,
    outcome: Outcome,
    folder: RunFolder,
    store: Store,
    *,
    overwrite: bool = False,
    test: PromptTest | None = None,
    show: Callable[[], str | None],
) -> int:
    """Write the run's files, print what ``show`` then returns, and return how many verdicts are not scored.

    A run in which nothing changed since its files were written is not computed or rendered again. What the same run
    has besides stays: judges that this evaluation does not bring along, and an A/B test.
    """
    with folder.lock():
        check_plan(evaluation, folder, overwrite=overwrite)  # another process may have used the name meanwhile
        finished = _finished(evaluation, outcome, folder, store, test)
        if not overwrite:
            refuse_losing(finished, previous_manifest(folder), {judge.name for judge in evaluation.job.judges})
        publish(finished, folder)
        shown = show()
    click.echo(shown, nl=False)
    own = {judge.name for judge in evaluation.job.judges}
    return report_outcome(outcome, [finished.verdict(item) for item in finished.items if item.judge in own], folder)


def refuse_losing(finished: Finished, previous: Mapping[str, Any], own: Collection[str]) -> None:
    """Refuse to replace a board by one on which other judges have fewer scores than they had.

    Raises:
        HarnessError: the store has lost them, or is another than the run was made with.
    """
    others = {judge.name for judge in finished.judges} - set(own)
    if lost := lost_verdicts(previous, others, finished.items, finished.verdict):
        name, count = next(iter(lost.items()))
        command = next((judge.command for judge in finished.joined if judge.judge == name), "")
        raise HarnessError(
            tr(
                "The store no longer holds {count} of the scores that {name!r} gave in run {name_2!r}, so the "
                "board was left as it is.",
                count=count,
                name=name,
                name_2=finished.name,
            ),
            hint=tr(
                "Use the store that the run was made with (--store), or put a copy of it back; --overwrite makes the "
                "board without them, and they are made anew by: {command}",
                command=command,
            ),
        )


def _finished(
    evaluation: Evaluation, outcome: Outcome, folder: RunFolder, store: Store, test: PromptTest | None
) -> Finished:
    job = evaluation.job
    previous = previous_manifest(folder)
    if previous and not is_same_plan(previous, evaluation.plan_digest, lambda: _provenance(evaluation)):
        _say_what_goes(previous, evaluation)
        previous = {}
    own = {judge.name: judge for judge in job.planned_judges}
    before = {judge.name: judge for judge in planned_judges(previous)}
    note_replaced(before, own)
    judges = tuple((before | own).values())
    generations = _answers_now(outcome, job.requests, store)
    items = tuple(items_of(job.tasks, job.requests, generations, judges))
    return Finished(
        name=evaluation.name,
        plan=evaluation.plan_digest,
        store=store.url,
        tasks=job.tasks,
        requests=job.requests,
        generations=generations,
        judges=judges,
        items=items,
        verdict=verdicts_now(items, outcome.verdicts, store),
        baseline=_baseline(evaluation, previous, test),
        confidence=evaluation.spec.confidence,
        own_notices=evaluation.notices,
        model_notices=_model_notices(evaluation, previous),
        joined=_others(evaluation, previous, [name for name in before if name not in own]),
        provenance=lambda: _provenance(evaluation),
        test=test or prompt_test(previous),
    )


def _answers_now(outcome: Outcome, requests: Sequence[Request], store: Store) -> Mapping[str, Generation]:
    """Return every answer: where this command got none, another may have."""
    missing = {key: None for request in requests if _text(outcome, key := request.key) is None}
    return {**outcome.generations, **store.generations(list(missing))} if missing else outcome.generations


def _text(outcome: Outcome, key: str) -> str | None:
    generation = outcome.generations.get(key)
    return None if generation is None else generation.text


def _baseline(evaluation: Evaluation, previous: Mapping[str, Any], test: PromptTest | None) -> str:
    """Return the label that others are compared with; a test of prompts has no say in it where the run has one."""
    return str(previous["baseline"]) if test is not None and previous else evaluation.baseline


def report_outcome(outcome: Outcome, verdicts: Sequence[Verdict], folder: RunFolder) -> int:
    """Say on stderr what was done, what is missing and how to go on; return how many verdicts are missing."""
    counts = Counter(verdict.status for verdict in verdicts)
    unscored = len(verdicts) - counts["scored"]
    cost = f" for ${outcome.spent:.4f}" if outcome.spent else ""
    click.echo(
        tr(
            "{generated} answers generated, {judged} judged anew{cost}; files are in {path}/",
            generated=outcome.generated,
            judged=outcome.judged,
            cost=cost,
            path=folder.path,
        ),
        err=True,
    )
    if unscored:
        click.echo(
            tr(
                "{unscored} of {n_verdicts} verdicts are missing ({counts} unscored, {counts_2} "
                "failed); the leaderboard says why. The same command tries them again; --max-unscored N accepts them.",
                unscored=unscored,
                n_verdicts=len(verdicts),
                counts=counts["unscored"],
                counts_2=counts["error"],
            ),
            err=True,
        )
    if outcome.out_of_budget:
        click.echo(
            tr(
                "Stopped at the cost limit: ${spent:.4f} was spent. Everything finished is stored; the same "
                "command with a higher --max-cost, or without it, does the rest and nothing twice.",
                spent=outcome.spent,
            ),
            err=True,
        )
    return unscored


def note_replaced(before: Mapping[str, PlannedJudge], own: Mapping[str, PlannedJudge]) -> None:
    """Say on stderr which judges of a run make way for others of the same name."""
    for name, judge in own.items():
        if name in before and before[name].fingerprint != judge.fingerprint:
            click.echo(
                tr(
                    "Note: this run had a judge {name!r} with other settings or another file. The new one takes its "
                    "place on the board; the old verdicts stay in the store.",
                    name=name,
                ),
                err=True,
            )


def _others(evaluation: Evaluation, previous: Mapping[str, Any], names: Sequence[str]) -> tuple[JoinedJudge, ...]:
    """Return how the judges came to the run that this evaluation does not bring along: later, or by an earlier one."""
    joined = {judge.judge: judge for judge in joined_judges(previous)}
    earlier = [name for name in names if name not in joined]
    if earlier:
        known = {*evaluation.notices, *(notice for judge in joined.values() for notice in judge.notices)}
        notices = tuple(notice for notice in previous["own_notices"] if notice not in known)
        date, command = (str(previous["provenance"][key]) for key in ("date", "command"))
        for name in earlier:
            joined[name] = JoinedJudge(judge=name, date=date, command=command, notices=notices)
    return tuple(joined[name] for name in names)


def _say_what_goes(previous: Mapping[str, Any], evaluation: Evaluation) -> None:
    own = {judge.name for judge in evaluation.job.judges}
    for judge in joined_judges(previous):
        if judge.judge not in own:
            click.echo(
                tr(
                    "Note: judge {judge!r} had joined this run, which now has other tasks, models or prompts. "
                    "Add it again: {command}",
                    judge=judge.judge,
                    command=judge.command,
                ),
                err=True,
            )
    if prompt_test(previous) is not None:
        click.echo(
            tr("Note: this run had an A/B test of prompts, which goes with its plan: run harness ab again."), err=True
        )


def _model_notices(evaluation: Evaluation, previous: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what each model says of itself, by fingerprint.

    A model that had nothing to generate this time has nothing to say: what it said when it made the stored answers
    still holds, so the notices of the run before are kept.
    """
    said: dict[str, list[str]] = {}
    for label, backend in evaluation.job.models.items():
        before = previous.get("model_notices", {}).get(backend.fingerprint, [])
        now = [f"{label}: {notice}" for notice in (backend.notices() if isinstance(backend, GivesNotices) else ())]
        said[backend.fingerprint] = list(dict.fromkeys([*said.get(backend.fingerprint, []), *before, *now]))
    return {fingerprint: notices for fingerprint, notices in said.items() if notices}


def _provenance(evaluation: Evaluation) -> Mapping[str, Any]:
    job, spec = evaluation.job, evaluation.spec
    rendered = rendered_hashes(job.requests)
    return {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": shlex.join(["harness", *sys.argv[1:]]),
        "tasks": {task.name: task_hash(task.samples) for task in job.tasks},
        "models": {label: plugins.identity(backend) for label, backend in job.models.items()},
        "model_details": {
            label: dict(details) for label, backend in job.models.items() if (details := model_info(backend).details)
        },
        "templates": {
            template.name: {"sha256": template.sha256, "rendered": rendered.get(template.name)}
            for template in evaluation.templates
            if template.name in rendered
        },
        "sampling": asdict(spec.sampling),
        "repeats": spec.repeats,
        "judge_repeats": spec.judge_repeats,
        "limit": spec.limit,
        "versions": versions(),
        "machine": machine(),
    }
