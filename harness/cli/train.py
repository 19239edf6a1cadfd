"""``harness train``: from instruction data to an adapter that goes straight into an evaluation."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import click
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # its __init__ names no exports

from harness.cli.benchmark_options import benchmark_options
from harness.cli.door import opened
from harness.cli.options import FiniteRange, common_options
from harness.cli.train_options import EVALUATION_KEYS, TrainOptions, columns_of
from harness.cli.waiting import LOADING, Waiting
from harness.errors import UsageError
from harness.installation import MissingExtraError
from harness.locale import tr
from harness.specs import load_config
from trainers.adapter.adapter_folder import refuse_occupied
from trainers.adapter.publishing import hub_token, refuse_public
from trainers.data.sources import parse_sources
from trainers.launch import first_speaks, is_first, is_installed
from trainers.recipe import Recipe, load_recipe

_CALLED = {  # what other trainers call hyperparameters
    "lr": "learning_rate",
    "epochs": "num_train_epochs",
    "max_seq_length": "max_length",
    "rank": "lora_r",
    "warmup": "warmup_steps",
}


class _TrainCommand(click.Command):
    """The command, which knows hyperparameters that are given as options of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            UsageError: an option that is a hyperparameter, with the way to set it.
        """
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            key = error.option_name.lstrip("-").replace("-", "_")
            key = _CALLED.get(key, key)
            if key not in {item.name for item in fields(Recipe)}:
                raise
            raise UsageError(
                tr("train has no option {option_name}.", option_name=error.option_name),
                hint=tr("Hyperparameters are set so: --set {key}=VALUE", key=key),
            ) from error


@click.command(
    "train",
    cls=_TrainCommand,
    short_help="Train an adapter (4-bit QLoRA) that goes straight into an evaluation.",
    epilog="Example: harness train --recipe course-unsloth --data ichikara.json --output adapters/mine",
)
@click.option("--recipe", metavar="NAME|PATH", required=True, help="Hyperparameters; see `harness ls recipes`.")
@click.option(
    "--data",
    metavar="PATH",
    multiple=True,
    help="Instructions and answers: JSON, JSONL, CSV, TSV, Parquet, a folder, hub:ORG/NAME; may be repeated, with "
    "shares (a.json:0.7) or caps (a.json:500).  [default: the recipe's data]",
)
@click.option("--output", metavar="DIR", help="The adapter's folder.  [required unless nothing is trained]")
@click.option(
    "--base",
    metavar="SPEC",
    help="The model to adapt.  [default: [models] base of harness.toml, else llm-jp/llm-jp-3-13b]",
)
@click.option(
    "--from", "start", metavar="ADAPTER", help="Go on from this adapter: its weights, base, prompt and shape."
)
@click.option("--set", "changes", metavar="KEY=VALUE", multiple=True, help="Change a hyperparameter; may be repeated.")
@click.option("--columns", metavar="ROLE=COLUMN", multiple=True, help="Where input or answer stands in your data.")
@benchmark_options
@click.option("--strict", is_flag=True, help="Stop at rows that cannot be used, instead of leaving them out.")
@click.option(
    "--preview", type=click.IntRange(min=1), metavar="N", help="Print N samples with their loss mask, and stop."
)
@click.option("--dry-run", is_flag=True, help="Check everything, print the memory plan, and stop.")
@click.option(
    "--memory",
    type=FiniteRange(min=0, min_open=True),
    metavar="GIB",
    help="Plan for a device of this machine's kind (GPU or CPU) with this much memory.",
)
@click.option("--dtype", type=click.Choice(["bfloat16", "float16", "float32"]), help="[default: the fastest here]")
@click.option("--eval-tasks", metavar="SET", help="Let the adapter answer these tasks on the way, and judge them.")
@click.option("--eval-judge", metavar="JUDGE", help="Who judges them.  [default: the recipe's, else rules]")
@click.option("--eval-every", type=click.IntRange(min=1), metavar="N", help="Every N steps.  [default: every save]")
@click.option("--eval-limit", type=click.IntRange(min=1), metavar="N", help="Only the first N of these tasks.")
@click.option("--yes", is_flag=True, help="Begin though --eval-judge asks a language model.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in --output, if there is one.")
@click.option("--push-to-hub", "repo", metavar="ORG/NAME", help="Publish the adapter, privately, when it is done.")
@common_options
@first_speaks()
def train(**given: Any) -> int:  # noqa: ANN401 - click's values, each of the type that its option has
    """Train a LoRA adapter on a 4-bit base, checking data, prompt and memory before the first step.

    The same prompt template as in evaluation is used, and the adapter remembers it: `harness eval --model adapter:DIR`
    refuses a prompt that becomes other tokens. Several GPUs: torchrun --nproc-per-node 2 --no-python harness train ...
    They share the weights of a base that one of them does not hold.
    """
    options = TrainOptions(**given)
    _check(options)
    with Waiting(LOADING, after=1.0):
        body = opened("harness.cli.training:train_adapter")
    code: int = body(options)
    return code


def _check(options: TrainOptions) -> None:
    """Raise if nothing could come of the command, before anything heavy is loaded."""
    load_config(options.config)
    recipe = load_recipe(options.recipe, options.recipe_changes)
    if not (options.data or recipe.values.data):
        raise UsageError(tr("No data to train on."), hint=tr("Pass --data PATH."))
    idle = [key for key in EVALUATION_KEYS if key in recipe.changed]
    if idle and not recipe.values.eval_tasks:
        raise UsageError(
            tr("{option} is for tasks that are answered on the way, and none is named.", option=options.typed(idle[0])),
            hint=tr("Name them: --eval-tasks NAME=PATH, or eval_tasks in the recipe."),
        )
    parse_sources(options.data or recipe.values.data)
    columns_of(options.columns)
    if options.output is None and options.trains:
        raise UsageError(tr("No --output was given."), hint=tr("Name the adapter's folder: --output adapters/mine"))
    if options.output is not None and is_first() and options.trains:  # the first process may be writing already
        refuse_occupied(Path(options.output), resume=options.resume)
    if options.repo is not None:
        _check_repository(options.repo)
    if not is_installed():
        raise MissingExtraError(tr("command train"), "train")


def _check_repository(repo: str) -> None:
    """Raise if nothing could be published under a name, before hours of training."""
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UsageError(
            tr("--push-to-hub {repo!r} is no name of a repository.", repo=repo),
            hint=tr("Write OWNER/NAME with letters, digits, '-', '_' and '.', at most 96 characters."),
        ) from error
    token = hub_token()
    if is_first():
        refuse_public(repo, token)
