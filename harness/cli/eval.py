"""``harness eval``: from specs to a leaderboard."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import click

from harness.cli.dry_run import dry_run_report
from harness.cli.execution import UNSCORED_EXIT, execute_here, invocation, say_note, say_outcome
from harness.cli.options import common_options, evaluation_options
from harness.cli.say import say
from harness.errors import UsageError
from harness.locale import tr
from harness.runs.assemble import Evaluation, assemble
from harness.runs.finish import check_plan, finish_in_folder
from harness.runs.folder import MARKDOWN, RESULTS, RunFolder, new_run
from harness.runs.manifest import PromptTest
from harness.specs import (
    DEFAULT_PROMPT,
    Config,
    check_labels,
    load_config,
    parse_judge,
    parse_model,
    parse_task,
    store_url,
)
from harness.store.store import Store
from harness.types import EvalSpec, Sampling


@click.command(
    "eval",
    short_help="Evaluate models on tasks and write a leaderboard.",
    epilog="Example: harness eval --task bundled:ja-mini --model echo --judge rules",
)
@evaluation_options
@click.option("--baseline", metavar="LABEL", help="The model others are compared with.  [default: base, or the first]")
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of the leaderboard.")
@common_options
def evaluate(
    *,
    config: str | None,
    store: str | None,
    run_name: str | None,
    max_unscored: int,
    max_cost: float | None,
    allow_prompt_mismatch: bool,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Evaluate every model under every prompt on every task by every judge, and write a leaderboard.

    Finished work is kept: the same command continues an interrupted run, and a changed one does only what is new. A run
    keeps the judges it had; one of the same name with other models, tasks or prompts is not replaced unless told so.
    """
    settings = load_config(config)
    spec = build_spec(settings, **options)
    url = store_url(store, settings)
    evaluation = assemble(spec, run_name, allow_prompt_mismatch=allow_prompt_mismatch)
    folder = new_run(settings.runs, evaluation.name)
    check_plan(evaluation, folder, overwrite=overwrite)
    if dry_run:
        say_notices(evaluation)
        say(dry_run_report(evaluation, url, as_json=as_json))
        return 0
    return run_evaluation(
        evaluation,
        folder,
        url,
        max_unscored=max_unscored,
        max_cost=max_cost,
        overwrite=overwrite,
        show=lambda: folder.read(RESULTS if as_json else MARKDOWN),
    )


def run_evaluation(
    evaluation: Evaluation,
    folder: RunFolder,
    url: str,
    *,
    max_unscored: int = 0,
    max_cost: float | None = None,
    overwrite: bool = False,
    test: PromptTest | None = None,
    show: Callable[[], str | None],
) -> int:
    """Carry an evaluation out, write its files, print what ``show`` then returns, and return the exit code.

    ``test`` is an A/B test that the run gets; one that it has stays.
    """
    folder.create()
    say_notices(evaluation)
    with Store(url) as opened:
        if not opened.has_plan(evaluation.plan_digest):
            opened.save_plan(
                evaluation.plan_digest,
                {task.name: task.samples for task in evaluation.job.tasks},
                evaluation.job.requests,
            )
        outcome = execute_here(evaluation.job, opened, max_cost=max_cost)
        run = finish_in_folder(
            evaluation,
            outcome,
            opened,
            folder,
            invocation=invocation(),
            tell=partial(say, err=True),
            overwrite=overwrite,
            test=test,
        )
    say(show(), nl=False)
    unscored = say_outcome(run, evaluation.job.judges, outcome, folder)
    return UNSCORED_EXIT if unscored > max_unscored else 0


def say_notices(evaluation: Evaluation) -> None:
    """Print on stderr what the user should know before the work begins."""
    for notice in evaluation.notices:
        say_note(notice)


def build_spec(config: Config, **options: Any) -> EvalSpec:  # noqa: ANN401 - click's values
    """Return the spec of one command line.

    Raises:
        UsageError: a model, a task or a judge is missing, or two are the same.
        UnknownNameError: a name that nothing answers to.
    """
    for key, example in (("models", "--model base"), ("tasks", "--task bundled:ja-mini"), ("judges", "--judge rules")):
        if not options[key]:
            raise UsageError(
                tr("Nothing to evaluate: no --{key} was given.", key=key[:-1]),
                hint=tr("For example: {example}", example=example),
            )
    chosen = {key: options[key] for key in asdict(config.generation) if options[key] is not None}
    configured = {key: value for key, value in asdict(config.generation).items() if value is not None}
    sampling = Sampling(**(configured | chosen))
    models = tuple(
        parse_model(text, config, base=options["base"], quantization=options["quantization"], dtype=options["dtype"])
        for text in options["models"]
    )
    check_labels([model.label for model in models])
    spec = EvalSpec(
        models=models,
        prompts=tuple(options["prompts"]) or (config.prompt or DEFAULT_PROMPT,),
        tasks=tuple(parse_task(text, config) for text in options["tasks"]),
        judges=tuple(parse_judge(text, config, rubric=options["rubric"]) for text in options["judges"]),
        sampling=sampling,
        repeats=options["repeats"],
        judge_repeats=options["judge_repeats"],
        limit=options["limit"],
        baseline=options["baseline"],
        seed=sampling.seed,
        confidence=options["confidence"],
    )
    for what, names in (
        ("--prompt", spec.prompts),
        ("--task", [task.name for task in spec.tasks]),
        ("--judge", [judge.text for judge in spec.judges]),
    ):
        for name in names:
            if list(names).count(name) > 1:
                raise UsageError(
                    tr("{what} {name!r} was given twice.", what=what, name=name), hint=tr("Leave one out.")
                )
    return spec
