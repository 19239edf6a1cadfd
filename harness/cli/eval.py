"""``harness eval``: from specs to a leaderboard."""

from dataclasses import asdict
from typing import Any

import click

from harness.cli.assemble import Evaluation, assemble
from harness.cli.carrying_out import UNSCORED_EXIT, carry_out
from harness.cli.dry_run import dry_run_report
from harness.cli.options import common_options
from harness.cli.results import finish
from harness.cli.runs import RunFolder
from harness.errors import UsageError
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
from harness.store import Store
from harness.types import EvalSpec, Sampling


@click.command(
    "eval",
    short_help="Evaluate models on tasks and write a leaderboard.",
    epilog="Example: harness eval --task bundled:ja-mini --model echo --judge rules",
)
@click.option("--model", "models", metavar="[LABEL=]SPEC", multiple=True, help="A model; may be repeated.")
@click.option("--task", "tasks", metavar="NAME[=PATH]", multiple=True, help="A task set; may be repeated.")
@click.option("--prompt", "prompts", metavar="NAME|PATH", multiple=True, help="A template.  [default: course.v1]")
@click.option("--judge", "judges", metavar="NAME[:OPTION]", multiple=True, help="A judge; may be repeated.")
@click.option("--rubric", metavar="NAME|PATH", help="The rubric of language-model judges.")
@click.option("--base", metavar="SPEC", help="The base model of `base` and of adapters.")
@click.option("--baseline", metavar="LABEL", help="The model others are compared with.  [default: base, or the first]")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Answers per prompt.")
@click.option("--judge-repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Verdicts per answer.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N tasks of each set.")
@click.option("--max-new-tokens", type=click.IntRange(min=1), metavar="N", help="Longest answer.  [default: 512]")
@click.option("--temperature", type=click.FloatRange(min=0), metavar="T", help="0 is greedy.  [default: 0]")
@click.option("--repetition-penalty", type=click.FloatRange(min=0, min_open=True), metavar="P", help="[default: 1.2]")
@click.option("--seed", type=int, metavar="S", help="For sampled answers.  [default: 0]")
@click.option("--quantization", type=click.Choice(["nf4", "none"]), help="[default: nf4 on a CUDA GPU, else none]")
@click.option("--dtype", type=click.Choice(["bfloat16", "float16", "float32"]), help="[default: the fastest here]")
@click.option("--confidence", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True, help="Of intervals.")
@click.option("--run", "run_name", metavar="NAME", help="The run's name.  [default: derived from what is evaluated]")
@click.option("--max-unscored", type=click.IntRange(min=0), default=0, show_default=True, help="More: exit code 3.")
@click.option("--max-cost", type=click.FloatRange(min=0, min_open=True), metavar="USD", help="Spend no more than this.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of the leaderboard.")
@common_options
def evaluate(
    *,
    config: str | None,
    store: str | None,
    run_name: str | None,
    max_unscored: int,
    max_cost: float | None,
    dry_run: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Evaluate every model under every prompt on every task by every judge, and write a leaderboard.

    Finished work is kept: the same command continues an interrupted run, and a changed one does only what is new.
    """
    settings = load_config(config)
    spec = build_spec(settings, **options)
    url = store_url(store, settings)
    evaluation = assemble(spec, run_name)
    if dry_run:
        click.echo(dry_run_report(evaluation, url, as_json=as_json))
        return 0
    folder = RunFolder(settings.runs, evaluation.name)
    return run_evaluation(evaluation, folder, url, max_unscored=max_unscored, max_cost=max_cost, as_json=as_json)


def run_evaluation(
    evaluation: Evaluation,
    folder: RunFolder,
    url: str,
    *,
    max_unscored: int = 0,
    max_cost: float | None = None,
    as_json: bool = False,
) -> int:
    """Carry an evaluation out, print the leaderboard, and return the exit code."""
    folder.create()
    for notice in evaluation.notices:
        click.echo(f"Note: {notice}", err=True)
    with Store(url) as opened:
        if not opened.has_plan(evaluation.plan_digest):
            opened.save_plan(
                evaluation.plan_digest,
                {task.name: task.samples for task in evaluation.job.tasks},
                evaluation.job.requests,
            )
        outcome = carry_out(evaluation.job, opened, max_cost=max_cost)
        unscored = finish(evaluation, outcome, folder, opened, as_json=as_json)
    return UNSCORED_EXIT if unscored > max_unscored else 0


def build_spec(config: Config, **options: Any) -> EvalSpec:  # noqa: ANN401 - click's values
    """Return the spec of one command line.

    Raises:
        UsageError: a model, a task or a judge is missing, or two are the same.
        UnknownNameError: a name that nothing answers to.
    """
    for key, example in (("models", "--model base"), ("tasks", "--task bundled:ja-mini"), ("judges", "--judge rules")):
        if not options[key]:
            raise UsageError(f"Nothing to evaluate: no --{key[:-1]} was given.", hint=f"For example: {example}")
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
                raise UsageError(f"{what} {name!r} was given twice.", hint="Leave one out.")
    return spec
