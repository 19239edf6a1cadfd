"""The last step of an evaluation: figures, files, and what is printed."""

import shlex
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from harness.cli.assemble import Evaluation
from harness.cli.runs import MANIFEST, MARKDOWN, RESULTS, RunFolder
from harness.codec import digest
from harness.leaderboard import build_leaderboard, length_stop_rates
from harness.plan import task_hash
from harness.provenance import machine, rendered_hashes, versions
from harness.run import Outcome
from harness.scores import score_tables
from reports.markdown import leaderboard_markdown
from reports.results import results_document


def finish(evaluation: Evaluation, outcome: Outcome, folder: RunFolder, store: str, *, as_json: bool) -> int:
    """Write the run's files, print the leaderboard, and return how many verdicts are not scored.

    A run in which nothing changed since its files were written is not computed or rendered again.
    """
    verdicts = [outcome.verdict(item) for item in outcome.items]
    content = _content_digest(evaluation, outcome, [(verdict.status, verdict.score) for verdict in verdicts])
    previous = folder.manifest() or {}
    if previous.get("content") != content or folder.read(MARKDOWN) is None or folder.read(RESULTS) is None:
        _write(evaluation, outcome, folder, store=store, content=content, previous=previous)
    click.echo(folder.read(RESULTS if as_json else MARKDOWN), nl=False)
    counts = Counter(verdict.status for verdict in verdicts)
    unscored = len(verdicts) - counts["scored"]
    click.echo(
        f"{outcome.generated} answers generated, {outcome.judged} judged anew; files are in {folder.path}/", err=True
    )
    if unscored:
        click.echo(
            f"{unscored} of {len(verdicts)} verdicts are missing ({counts['unscored']} unscored, {counts['error']} "
            f"failed); the leaderboard says why. The same command tries them again; --max-unscored N accepts them.",
            err=True,
        )
    return unscored


def _content_digest(evaluation: Evaluation, outcome: Outcome, verdicts: list[tuple[str, float | None]]) -> str:
    return digest(
        [
            evaluation.plan_digest,
            evaluation.baseline,
            evaluation.spec.confidence,
            versions(),
            [(judge.name, judge.fingerprint) for judge in evaluation.job.judges],
            [(item.key, *verdict) for item, verdict in zip(outcome.items, verdicts, strict=True)],
            evaluation.notices,
        ]
    )


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


def _write(
    evaluation: Evaluation,
    outcome: Outcome,
    folder: RunFolder,
    *,
    store: str,
    content: str,
    previous: Mapping[str, Any],
) -> None:
    job = evaluation.job
    judges = job.planned_judges
    tables = score_tables(job.tasks, judges, outcome.items, outcome.verdict)
    leaderboard = build_leaderboard(
        evaluation.name,
        tables,
        length_stop_rates(job.requests, outcome.generations),
        baseline=evaluation.baseline,
        confidence=evaluation.spec.confidence,
    )
    provenance = _provenance(evaluation)
    model_notices = _model_notices(evaluation, previous)
    said = [*evaluation.notices, *(notice for notices in model_notices.values() for notice in notices)]
    folder.write(MARKDOWN, leaderboard_markdown(leaderboard, provenance, said))
    folder.write_json(RESULTS, results_document(leaderboard, provenance, said))
    folder.write_json(
        MANIFEST,
        {
            "schema": 1,
            "run": evaluation.name,
            "content": content,  # equal: the files beside this one are still right
            "plan": evaluation.plan_digest,
            "store": store,
            "date": provenance["date"],
            "baseline": evaluation.baseline,
            "confidence": evaluation.spec.confidence,
            "judge_repeats": job.judge_repeats,
            "judges": [asdict(judge) for judge in judges],
            "notices": said,
            "model_notices": model_notices,
            "provenance": provenance,
        },
    )


def _provenance(evaluation: Evaluation) -> Mapping[str, Any]:
    job, spec = evaluation.job, evaluation.spec
    rendered = rendered_hashes(job.requests)
    return {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": shlex.join(["harness", *sys.argv[1:]]),
        "tasks": {task.name: task_hash(task.samples) for task in job.tasks},
        "models": {label: backend.fingerprint for label, backend in job.models.items()},
        "templates": {
            template.name: {"sha256": template.sha256, "rendered": rendered.get(template.name)}
            for template in evaluation.templates
            if template.name in rendered
        },
        "judges": {judge.name: judge.fingerprint for judge in job.judges},
        "sampling": asdict(spec.sampling),
        "repeats": spec.repeats,
        "judge_repeats": spec.judge_repeats,
        "limit": spec.limit,
        "versions": versions(),
        "machine": machine(),
    }
