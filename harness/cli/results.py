"""The last step of an evaluation: figures, files, and what is printed."""

import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from harness import plugins
from harness.cli.assemble import Evaluation
from harness.cli.publish import Finished, JoinedJudge, joined_judges, planned_judges, previous_manifest, publish
from harness.cli.runs import RunFolder
from harness.job import Outcome
from harness.plan import JudgementItem, items_of, task_hash
from harness.provenance import machine, rendered_hashes, versions
from harness.store import Store
from harness.types import Verdict


def finish(
    evaluation: Evaluation,
    outcome: Outcome,
    folder: RunFolder,
    store: Store,
    *,
    show: Callable[[Outcome], str | None],
) -> int:
    """Write the run's files, print what ``show`` then returns, and return how many verdicts are not scored.

    A run in which nothing changed since its files were written is not computed or rendered again. Judges that joined
    the same run later stay on its board.
    """
    job = evaluation.job
    previous = previous_manifest(folder)
    joined = _still_joined(evaluation, previous)
    names = {judge.judge for judge in joined}
    kept = tuple(judge for judge in planned_judges(previous) if judge.name in names) if joined else ()
    kept_items = tuple(items_of(job.tasks, job.requests, outcome.generations, kept))
    kept_verdicts = store.judgements(list({item.key: None for item in kept_items}), failures=True)

    def verdict(item: JudgementItem) -> Verdict:
        stored = kept_verdicts.get(item.key)
        return outcome.verdict(item) if stored is None else stored.verdict

    publish(
        Finished(
            name=evaluation.name,
            plan=evaluation.plan_digest,
            store=store.url,
            tasks=job.tasks,
            requests=job.requests,
            generations=outcome.generations,
            judges=(*job.planned_judges, *kept),
            items=(*outcome.items, *kept_items),
            verdict=verdict,
            baseline=evaluation.baseline,
            confidence=evaluation.spec.confidence,
            own_notices=evaluation.notices,
            model_notices=_model_notices(evaluation, previous),
            joined=joined,
            provenance=lambda: _provenance(evaluation),
        ),
        folder,
    )
    click.echo(show(outcome), nl=False)
    return report_outcome(outcome, [outcome.verdict(item) for item in outcome.items], folder)


def report_outcome(outcome: Outcome, verdicts: Sequence[Verdict], folder: RunFolder) -> int:
    """Say on stderr what was done, what is missing and how to go on; return how many verdicts are missing."""
    counts = Counter(verdict.status for verdict in verdicts)
    unscored = len(verdicts) - counts["scored"]
    cost = f" for ${outcome.spent:.4f}" if outcome.spent else ""
    click.echo(
        f"{outcome.generated} answers generated, {outcome.judged} judged anew{cost}; files are in {folder.path}/",
        err=True,
    )
    if unscored:
        click.echo(
            f"{unscored} of {len(verdicts)} verdicts are missing ({counts['unscored']} unscored, {counts['error']} "
            f"failed); the leaderboard says why. The same command tries them again; --max-unscored N accepts them.",
            err=True,
        )
    if outcome.out_of_budget:
        click.echo(
            f"Stopped at the cost limit: ${outcome.spent:.4f} was spent. Everything finished is stored; the same "
            f"command with a higher --max-cost, or without it, does the rest and nothing twice.",
            err=True,
        )
    return unscored


def _still_joined(evaluation: Evaluation, previous: Mapping[str, Any]) -> tuple[JoinedJudge, ...]:
    """Return the judges that joined this very run and that the evaluation does not bring along itself."""
    own = {judge.name for judge in evaluation.job.judges}
    joined = [judge for judge in joined_judges(previous) if judge.judge not in own]
    if not joined or previous["plan"] == evaluation.plan_digest:
        return tuple(joined)
    for judge in joined:
        click.echo(
            f"Note: judge {judge.judge!r} had joined this run, which now has other tasks, models or prompts. "
            f"Add it again: {judge.command}",
            err=True,
        )
    return ()


def _model_notices(evaluation: Evaluation, previous: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what each model says of itself, by fingerprint.

    A model that had nothing to generate this time has nothing to say: what it said when it made the stored answers
    still holds, so the notices of the run before are kept.
    """
    said: dict[str, list[str]] = {}
    for label, backend in evaluation.job.models.items():
        before = previous.get("model_notices", {}).get(backend.fingerprint, [])
        now = [f"{label}: {notice}" for notice in getattr(backend, "notices", list)()]
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
            label: dict(backend.details) for label, backend in job.models.items() if hasattr(backend, "details")
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
