"""``harness train``: from instruction data to an adapter that goes straight into an evaluation."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # its __init__ names no exports

from harness.cli.options import FiniteRange, common_options
from harness.cli.say import say as tell
from harness.errors import MissingExtraError, UsageError
from harness.locale import clauses, tr, trn
from harness.runs.assemble import open_task
from harness.specs import DEFAULT_BASE, Config, load_config, parse_task
from harness.types import Sample
from reports.formatting import printable
from trainers.adapter.adapter_folder import refuse_occupied
from trainers.adapter.checkpoints import finished_checkpoints, step_of
from trainers.adapter.publishing import hub_token, place_notices, push_to_hub, refuse_public
from trainers.adapter.training_record import TrainingRecord
from trainers.data.examples import shown_name
from trainers.launch import first_speaks, is_first, is_installed, world
from trainers.memory_plan import GIB, MemoryPlan, plan_table
from trainers.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    from trainers import prepare as preparation

_INTERRUPTED = 130
_CALLED = {  # what other trainers call hyperparameters
    "lr": "learning_rate",
    "epochs": "num_train_epochs",
    "max_seq_length": "max_length",
    "rank": "lora_r",
    "warmup": "warmup_steps",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """The command's options, by the names that click gives them: ``changes`` is --set, ``repo`` is --push-to-hub."""

    recipe: str
    data: tuple[str, ...]
    output: str | None
    base: str | None
    changes: tuple[str, ...]
    columns: tuple[str, ...]
    against: tuple[str, ...]
    strict: bool
    preview: int | None
    dry_run: bool
    memory: float | None
    dtype: str | None
    resume: bool
    repo: str | None
    config: str | None
    store: str | None

    @property
    def trains(self) -> bool:
        """Whether anything is written."""
        return not (self.preview or self.dry_run)


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
    required=True,
    help="Instructions and answers: JSON, JSONL, CSV, TSV, Parquet, a folder, hub:ORG/NAME; may be repeated.",
)
@click.option("--output", metavar="DIR", help="The adapter's folder.  [required unless nothing is trained]")
@click.option(
    "--base",
    metavar="SPEC",
    help="The model to adapt.  [default: [models] base of harness.toml, else llm-jp/llm-jp-3-13b]",
)
@click.option("--set", "changes", metavar="KEY=VALUE", multiple=True, help="Change a hyperparameter; may be repeated.")
@click.option("--columns", metavar="ROLE=COLUMN", multiple=True, help="Where input or answer stands in your data.")
@click.option("--against", metavar="TASK|PATH", multiple=True, help="Refuse samples that equal tasks of this set.")
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
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in --output, if there is one.")
@click.option("--push-to-hub", "repo", metavar="ORG/NAME", help="Publish the adapter, privately, when it is done.")
@common_options
@first_speaks()
def train(**given: Any) -> int:  # noqa: ANN401 - click's values, each of the type that its option has
    """Train a LoRA adapter on a 4-bit base, checking data, prompt and memory before the first step.

    The same prompt template as in evaluation is used, and the adapter remembers it: `harness eval --model adapter:DIR`
    refuses a prompt that becomes other tokens. Several GPUs: torchrun --nproc-per-node 2 --no-python harness train ...
    """
    options = _Options(**given)
    _check(options)
    from trainers import prepare as preparation  # noqa: PLC0415 - torch and transformers are for this command's body

    rank, size = world()
    say = _say if rank == 0 else _keep_silent
    prepared = preparation.prepare(_request(options), say)
    for line in preparation.summary(prepared):
        say(line)
    if options.preview and rank == 0:
        tell("\n\n".join(printable(text) for text in preparation.previews(prepared, options.preview)))
    if options.preview and not options.dry_run:
        return 0
    plan = prepared.plan(world=size, memory=None if options.memory is None else int(options.memory * GIB))
    show = tell if options.dry_run and rank == 0 else say
    show(
        plan_table(
            prepared.shape, prepared.constraints, plan, length=prepared.longest, batch=prepared.recipe.batch_size
        )
    )
    show(tr("Plan: {plan}", plan=plan.describe(prepared.shape)))
    return 0 if options.dry_run else _train(prepared, options, plan, say)


def _check(options: _Options) -> None:
    """Raise if nothing could come of the command, before anything heavy is loaded."""
    load_config(options.config)
    load_recipe(options.recipe, options.changes)
    _columns(options.columns)
    if options.output is None and options.trains:
        raise UsageError(tr("No --output was given."), hint=tr("Name the adapter's folder: --output adapters/mine"))
    if options.output is not None and is_first() and options.trains:  # the first process may be writing already
        refuse_occupied(Path(options.output), resume=options.resume)
    if options.repo is not None:
        _check_repository(options.repo)
    if not is_installed():
        raise MissingExtraError(tr("command train"), "train")


def _request(options: _Options) -> "preparation.Request":
    from trainers import prepare as preparation  # noqa: PLC0415 - torch and transformers are for the command's body

    settings = load_config(options.config)
    return preparation.Request(
        recipe=load_recipe(options.recipe, options.changes),
        data=options.data,
        base=options.base or str(settings.models.get("base", DEFAULT_BASE)),
        columns=_columns(options.columns),
        strict=options.strict,
        against=_benchmarks(options.against, settings),
        dtype=options.dtype,
        settings=settings.models.get("hf", {}),
        command=shlex.join(["harness", *without_folders(sys.argv[1:])]),
    )


def _train(prepared: "preparation.Prepared", options: _Options, plan: MemoryPlan, say: Callable[[str], None]) -> int:
    from trainers.training import session  # noqa: PLC0415 - trl and peft are for this command's body

    folder = Path(str(options.output))
    try:
        record = session.train(prepared, folder, plan, resume=options.resume, say=say)
    except KeyboardInterrupt:
        if not is_first():
            raise
        _interrupted(folder)
        return _INTERRUPTED
    if record.outcome is None:  # not the first process
        return 0
    outcome = record.outcome
    losses = tr("loss {first:.3f} to {last:.3f}", first=outcome.first_loss, last=outcome.last_loss)
    if outcome.heldout_loss is not None and outcome.heldout_loss_before is not None:
        losses = tr(
            "{losses}, held-out loss {first:.3f} to {last:.3f}",
            losses=losses,
            first=outcome.heldout_loss_before,
            last=outcome.heldout_loss,
        )
    tell(
        tr(
            "{folder}: {steps}, {tokens:,} tokens, {losses}",
            folder=folder,
            steps=trn("{n} step", "{n} steps", outcome.steps),
            tokens=outcome.tokens,
            losses=losses,
        )
    )
    if options.repo is not None:
        for notice in place_notices(folder):
            say(tr("Note: {notice}", notice=notice))
        tell(push_to_hub(folder, options.repo, token=hub_token()))
    if differing := _differing_numerics(record, prepared.request.settings):
        say(tr("Note: {notice}", notice=tr("{text}.", text=differing)))
    command = (
        f"harness eval --model base --model adapter:{shlex.quote(str(folder))} --base {shlex.quote(record.base)} "
        f"--task bundled:ja-mini --prompt {shlex.quote(record.prompt)} --judge rules"
    )
    say(tr("Evaluate it: {command}", command=command))
    return 0


def _differing_numerics(record: TrainingRecord, settings: Mapping[str, Any]) -> str | None:
    """Return what evaluation does otherwise on this machine unless it is told; None if it does as training did."""
    if record.quantization != "nf4":
        return None
    told = []
    if record.device == "cpu":
        told.append(tr("on a CPU `harness eval` takes unquantised ones, unless --quantization nf4 is given"))
    if (double := bool(record.recipe.get("double_quant"))) != bool(settings.get("double_quant")):
        told.append(
            tr(
                "{value} double_quant, as `harness eval` does only with double_quant = {lower} under "
                "[models.hf] in harness.toml",
                value=tr("with") if double else tr("without"),
                lower=str(double).lower(),
            )
        )
    return tr("trained on nf4 weights; {names}", names=clauses(told)) if told else None


def without_folders(arguments: Sequence[str]) -> list[str]:
    """Return a command's arguments with files and folders by their last names: a record of it is published.

    >>> without_folders(["train", "--data", "/home/me/a.json", "--data=hub:org/set", "--output", "~/adapters/mine"])
    ['train', '--data', 'a.json', '--data=hub:org/set', '--output', 'mine']
    >>> without_folders(["--base", "llm-jp/llm-jp-3-13b", "--against", "exam=/x/y.jsonl", "--set", "prompt=/x/z.j2"])
    ['--base', 'llm-jp/llm-jp-3-13b', '--against', 'exam=y.jsonl', '--set', 'prompt=z.j2']
    """
    shown = []
    option = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if option in _SHOWN:
            shown.append(_SHOWN[option](argument))
            option = ""
        elif equals and name in _SHOWN:
            shown.append(f"{name}={_SHOWN[name](value)}")
        else:
            shown.append(argument)
            option = argument
    return shown


def _shown_pair(text: str) -> str:
    """Return PATH or NAME=PATH without the folder; a task's name has none."""
    name, equals, path = text.rpartition("=")
    return f"{name}{equals}{Path(path).name}"


def _shown_setting(text: str) -> str:
    key, equals, value = text.partition("=")
    return f"{key}{equals}{Path(value).name}" if key.strip() == "prompt" else text


def _shown_base(text: str) -> str:
    """Return a base without the folder it lies in; a name on the Hub has none."""
    kind, colon, path = text.rpartition(":")
    is_place = kind == "gguf" or (not kind and (Path(path).is_absolute() or Path(path).expanduser().exists()))
    return f"{kind}{colon}{Path(path).name}" if is_place else text


_SHOWN: Mapping[str, Callable[[str], str]] = {  # options that may name a place on this machine
    "--against": _shown_pair,
    "--base": _shown_base,
    "--config": shown_name,
    "--data": shown_name,
    "--output": shown_name,
    "--recipe": shown_name,
    "--set": _shown_setting,
    "--store": shown_name,
}


def _interrupted(folder: Path) -> None:
    checkpoints = finished_checkpoints(folder)
    kept = tr("There is no checkpoint yet")
    if checkpoints:
        kept = tr("The last checkpoint is step {step}", step=step_of(checkpoints[-1]))
    again = [argument for argument in sys.argv[1:] if argument != "--resume"]
    tell(
        tr(
            "\nInterrupted. {kept}; go on with:\n  {names}",
            kept=kept,
            names=shlex.join(["harness", *again, "--resume"]),
        ),
        err=True,
    )


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


def _columns(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return roles and columns of ``ROLE=COLUMN`` pairs."""
    found: dict[str, str] = {}
    for pair in pairs:
        role, equals, column = pair.partition("=")
        if not equals or not role or not column:
            raise UsageError(
                tr("--columns {pair!r} is not ROLE=COLUMN.", pair=pair),
                hint=tr("For example: --columns input=question"),
            )
        if role in found:
            raise UsageError(
                tr(
                    "--columns {role} is given twice: {found!r} and {column!r}.",
                    role=role,
                    found=found[role],
                    column=column,
                ),
                hint=tr("Give it once."),
            )
        found[role] = column
    return found


def _benchmarks(names: tuple[str, ...], settings: Config) -> Mapping[str, Sequence[Sample]]:
    """Return the samples of task sets given by name, by NAME=PATH, or by their path alone."""
    found = {}
    for name in names:
        text = name
        path = Path(name).expanduser()
        if "=" not in name and (path.exists() or path.suffix or len(path.parts) > 1):
            text = f"{Path(name).stem}={name}"
        found[name] = open_task(parse_task(text, settings))
    return found


def _say(text: str) -> None:
    tell(text, err=True)


def _keep_silent(_: str) -> None:
    """Leave the talking to the first process."""
