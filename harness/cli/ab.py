"""``harness ab``: which of several prompts is better, measured honestly."""

import json
from dataclasses import replace
from typing import Any

import click

from harness.analysis.prompt_plan import plan_experiment
from harness.analysis.prompt_test import pairs_of
from harness.cli.dry_run import dry_run_report
from harness.cli.eval import run_evaluation, say_notices
from harness.cli.execution import Allowance, invocation, limit_judges
from harness.cli.options import call_limits, common_options, evaluation_options, pace_options
from harness.cli.say import language, say
from harness.errors import UnknownNameError, UsageError
from harness.locale import tr
from harness.protocols import AnswerFile, prompts_share
from harness.runs.assemble import Evaluation
from harness.runs.finish import check_names, check_plan
from harness.runs.folder import AB_MARKDOWN, RunFolder, new_run
from harness.runs.manifest import PromptTest
from harness.runs.open_evaluation import open_evaluation
from harness.runs.spreading import Gpus
from harness.runs.version_anchors import as_held_before
from harness.specs import load_config
from reports.ab_text import plan_sentence


@click.command(
    "ab",
    short_help="Compare prompts on the same models and tasks.",
    epilog="Example: harness ab --model base --prompt course.v1 --prompt mine.j2 --task bundled:ja-mini --judge rules",
)
@evaluation_options
@pace_options
@click.option("--control", metavar="PROMPT", help="Compare each prompt with this one only.  [default: all pairs]")
@click.option("--select", is_flag=True, hidden=True)  # of earlier versions: they drew halves of the tasks
@click.option("--select-seed", type=int, hidden=True)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@common_options
def ab(
    *,
    config: str | None,
    store: str | None,
    run_name: str | None,
    max_unscored: int,
    max_cost: float | None,
    wait: bool,
    batch: bool,
    gpus: Gpus,
    processes: int | None,
    allow_prompt_mismatch: bool,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    control: str | None,
    select: bool,
    select_seed: int | None,
    **options: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Compare two or more prompts: every model answers every task under each, and every judge scores the answers.

    The report names a better prompt only where the interval of the difference allows it. Cells that were evaluated
    before, by this command or another, are not generated or judged again.
    """
    if select or select_seed is not None:
        say(tr("--select and --select-seed do nothing any more: the best prompt is always named, without a draw."),
            err=True)  # fmt: skip
    settings = load_config(config)
    prompts = options["prompts"]
    if len(prompts) < 2:  # noqa: PLR2004 - A and B
        raise UsageError(
            tr("An A/B test needs two prompts."), hint=tr("Name two: --prompt course.v1 --prompt polite.v1")
        )
    if control is not None and control not in prompts:
        raise UnknownNameError(tr("prompt in this test"), control, prompts)
    opened = open_evaluation(
        settings,
        {**options, "panels": (), "baseline": None, "gpus": 0 if dry_run or processes else gpus},
        date=invocation().date,
        store=store,
        run_name=run_name,
        allow_prompt_mismatch=allow_prompt_mismatch,
        prefix="ab-",
    )
    evaluation = opened.evaluation
    _check(evaluation)
    limit_judges(evaluation.job.judges, call_limits(options))
    folder = new_run(settings.runs, evaluation.name)
    evaluation = as_held_before(evaluation, folder)
    check_plan(evaluation, folder, overwrite=overwrite)
    check_names(opened.asked, evaluation, folder)
    for line in _plan(evaluation, control):
        say(line, err=True)
    if dry_run:
        say_notices(evaluation)
        say(dry_run_report(evaluation, opened.url, as_json=as_json))
        return 0
    return run_evaluation(
        replace(opened, evaluation=evaluation),
        folder,
        Allowance(max_cost=max_cost, wait=wait, batch=batch, gpus=gpus, processes=processes),
        max_unscored=max_unscored,
        overwrite=overwrite,
        test=PromptTest(control=control, confidence=evaluation.spec.confidence),
        show=lambda _run: _shown(folder, as_json=as_json),
    )


def _check(evaluation: Evaluation) -> None:
    """Refuse what cannot depend on a prompt, before any work is done."""
    for label, backend in evaluation.job.models.items():
        if isinstance(backend, AnswerFile):
            raise UsageError(
                tr("The answers of model {label!r} exist already, so no prompt can change them.", label=label),
                hint=tr("Leave it out."),
            )
    for judge in evaluation.job.judges:
        shared = [label for label in evaluation.job.models if prompts_share(judge, label)]
        if shared:
            raise UsageError(
                tr(
                    "The ratings of {name!r} name a model and not a prompt: every prompt of {shared!r} would get "
                    "the same ones.",
                    name=judge.name,
                    shared=shared[0],
                ),
                hint=tr("Add a prompt column to the file, as `harness rate import` writes it, or use another judge."),
            )


def _plan(evaluation: Evaluation, control: str | None) -> list[str]:
    """Return what the test will resolve, by each judge on each task set: under its own family and clusters."""
    n_comparisons = len(pairs_of(evaluation.spec.prompts, control))
    planned = []
    for task in evaluation.job.tasks:
        names = [sample.cluster for sample in task.samples]
        clusters = (
            None if all(name is None for name in names) else len({name or place for place, name in enumerate(names)})
        )
        for judge in evaluation.job.planned_judges:
            plan = plan_experiment(
                judge.scale,
                len(task.samples),
                confidence=evaluation.spec.confidence,
                n_comparisons=n_comparisons,
                n_clusters=clusters,
            )
            planned.append(
                plan_sentence(
                    plan,
                    judge=judge.name,
                    scale=judge.scale,
                    task=task.name,
                    language=language(),
                    n_clusters=clusters,
                )
            )
    return planned


def _shown(folder: RunFolder, *, as_json: bool) -> str | None:
    """Return what is printed: ab.md, or its figures as results.json has them."""
    if not as_json:
        return folder.read(AB_MARKDOWN)
    results = folder.results() or {}
    return json.dumps(results.get("ab"), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
