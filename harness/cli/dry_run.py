"""``harness eval --dry-run``: what the command would do."""

import json
from pathlib import Path

from tabulate import tabulate

from harness.cli.assemble import Evaluation
from harness.plan import judgement_items, sample_keys
from harness.store import Store, store_file
from harness.types import Generation


def dry_run_report(evaluation: Evaluation, url: str, *, as_json: bool) -> str:
    """Return the plan of an evaluation as a table, or as JSON: nothing is generated, judged or written."""
    answers, verdicts, known = _counts(evaluation, url)
    wanted = {request.key for request in evaluation.job.requests}
    plan = {
        "run": evaluation.name,
        "requests": len(wanted),
        "cached": len(answers),
        "to_generate": len(wanted) - len(answers),
        "judge_calls": {name: verdicts[name] - known[name] for name in verdicts},
        "judge_cached": known,
    }
    if as_json:
        return json.dumps(plan, ensure_ascii=False, indent=2)
    rows = [
        ("answers", plan["requests"], plan["cached"], plan["to_generate"]),
        *((f"verdicts by {name}", verdicts[name], known[name], verdicts[name] - known[name]) for name in verdicts),
    ]
    table = tabulate(rows, headers=["work", "planned", "cached", "to do"], tablefmt="github")
    return f"Run {evaluation.name} would do this:\n\n{table}\n\nNothing was done (--dry-run)."


def _counts(evaluation: Evaluation, url: str) -> tuple[dict[str, Generation], dict[str, int], dict[str, int]]:
    """Return the stored answers, and how many verdicts each judge owes and has given."""
    job = evaluation.job
    samples = sample_keys(job.tasks)
    judges = job.planned_judges
    keys = list({request.key: None for request in job.requests})
    # A store that does not exist yet must not be made by a dry run.
    store = Store(url) if Path(store_file(url)).exists() else None
    answers = store.generations(keys) if store else {}
    planned: dict[str, int] = {judge.name: 0 for judge in judges}
    asked: dict[str, str] = {}
    for request in job.requests:
        answer = answers.get(request.key)
        sample = samples[request.task, request.sample_id]
        for item in judgement_items(request, answer, sample, judges):
            planned[item.judge] += 1
            if answer is not None:
                asked[item.key] = item.judge
    known = dict.fromkeys(planned, 0)
    if store:
        for key in store.judgements(list(asked)):
            known[asked[key]] += 1
        store.close()
    return answers, planned, known
