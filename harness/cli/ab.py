"""``harness ab``: which of several prompts is better, measured honestly."""

import json
from typing import Any

import click

from harness.cli.assemble import Evaluation, assemble
from harness.cli.dry_run import dry_run_report
from harness.cli.eval import build_spec, run_evaluation, say_notices
from harness.cli.options import common_options, evaluation_options
from harness.cli.runs import RESULTS, RunFolder
from harness.errors import UnknownNameError, UsageError
from harness.experiments import plan_experiment, run_experiment, units_to_split
from harness.job import Outcome
from harness.protocols import AnswerFile, Ratings
from harness.scores import score_tables
from harness.specs import default_run_name, load_config, store_url
from reports.ab import Answers, ab_document, ab_markdown, plan_sentence

MARKDOWN = "ab.md"


@click.command(
    "ab",
    short_help="Compare prompts on the same models and tasks.",
    epilog="Example: harness ab --model base --prompt course.v1 --prompt mine.j2 --task bundled:ja-mini --judge rules",
)
@evaluation_options
@click.option("--control", metavar="PROMPT", help="Compare each prompt with this one only.  [default: all pairs]")
@click.option("--select", is_flag=True, help="Pick the best prompt on a random half, and measure it on the other.")
@click.option("--select-seed", type=int, default=0, show_default=True, metavar="S", help="Decides the halves.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@common_options
def ab(
    *,
    config: str | None,
    store: str | None,
    run_name: str | None,
    max_unscored: int,
    max_cost: float | None,
    allow_prompt_mismatch: bool,
    dry_run: bool,
    as_json: bool,
    control: str | None,
    select: bool,
    select_seed: int,
    **options: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Compare two or more prompts: every model answers every task under each, and every judge scores the answers.

    The report names a better prompt only where the interval of the difference allows it. Cells that were evaluated
    before, by this command or another, are not generated or judged again.
    """
    settings = load_config(config)
    spec = build_spec(settings, **options, baseline=None)
    if len(spec.prompts) < 2:  # noqa: PLR2004 - A and B
        raise UsageError("An A/B test needs two prompts.", hint="Name two: --prompt course.v1 --prompt polite.v1")
    if control is not None and control not in spec.prompts:
        raise UnknownNameError("prompt in this test", control, spec.prompts)
    evaluation = assemble(spec, run_name or f"ab-{default_run_name(spec)}", allow_prompt_mismatch=allow_prompt_mismatch)
    _check(evaluation, select=select)
    for line in _plan(evaluation):
        click.echo(line, err=True)
    url = store_url(store, settings)
    if dry_run:
        say_notices(evaluation)
        click.echo(dry_run_report(evaluation, url, as_json=as_json))
        return 0
    folder = RunFolder(settings.runs, evaluation.name)
    seed = select_seed if select else None

    def show(outcome: Outcome) -> str:
        return _report(evaluation, outcome, folder, control=control, select_seed=seed, as_json=as_json)

    return run_evaluation(evaluation, folder, url, max_unscored=max_unscored, max_cost=max_cost, show=show)


def _check(evaluation: Evaluation, *, select: bool) -> None:
    """Refuse what cannot depend on a prompt, or be split, before any work is done."""
    for task in evaluation.job.tasks if select else ():
        units_to_split(task.samples)
    for label, backend in evaluation.job.models.items():
        if isinstance(backend, AnswerFile):
            raise UsageError(
                f"The answers of model {label!r} exist already, so no prompt can change them.", hint="Leave it out."
            )
    for judge in evaluation.job.judges:
        if isinstance(judge, Ratings):
            raise UsageError(
                f"The ratings of {judge.name!r} name a model and not a prompt: every prompt would get the same ones.",
                hint="Use another judge, or evaluate each prompt's answers under a label of its own.",
            )


def _plan(evaluation: Evaluation) -> list[str]:
    confidence = evaluation.spec.confidence
    return [
        plan_sentence(
            plan_experiment(judge.scale, len(task.samples), confidence=confidence),
            judge=judge.name,
            scale=judge.scale,
            task=task.name,
        )
        for task in evaluation.job.tasks
        for judge in evaluation.job.planned_judges
    ]


def _report(
    evaluation: Evaluation,
    outcome: Outcome,
    folder: RunFolder,
    *,
    control: str | None,
    select_seed: int | None,
    as_json: bool,
) -> str:
    """Write ab.md and the "ab" part of results.json, and return what is to be printed."""
    job = evaluation.job
    experiments = [
        run_experiment(table, control=control, select_seed=select_seed, confidence=evaluation.spec.confidence)
        for table in score_tables(job.tasks, job.planned_judges, outcome.items, outcome.verdict)
    ]
    results = folder.results() or {}
    results["ab"] = ab_document(experiments)
    folder.write_json(RESULTS, results)
    answers = _answers(evaluation, outcome)
    markdown = ab_markdown(evaluation.name, experiments, answers, results["provenance"], results.get("notices", ()))
    folder.write(MARKDOWN, markdown)
    if as_json:
        return json.dumps(results["ab"], ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    return markdown


def _answers(evaluation: Evaluation, outcome: Outcome) -> Answers:
    """Return the first answer of every cell."""
    found: dict[tuple[str, str, str, str], str | None] = {}
    for request in evaluation.job.requests:
        generation = outcome.generations.get(request.key)
        place = (request.task, request.sample_id, request.model, str(request.prompt))
        found.setdefault(place, None if generation is None else generation.text)
    return found
