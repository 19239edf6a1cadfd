"""The body of `harness train`: prepares, shows what there is to see, trains and says what came of it.

Its packages load transformers, and the training itself torch and trl: `harness train` opens it once its options are
checked.
"""

import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.cli.benchmarks import benchmark_samples, sealed_by_set
from harness.cli.door import opened
from harness.cli.say import language, said
from harness.cli.say import say as tell
from harness.cli.train_options import TrainOptions, columns_of, without_folders
from harness.cli.typed import without_password
from harness.locale import clauses, tr, trn
from harness.locale.telling import TELLER
from harness.locale.telling import tell as beside
from harness.runs.series import ask_series
from harness.specs import DEFAULT_BASE, Config, load_config, store_url
from reports.formatting import printable
from trainers import prepare as preparation
from trainers.adapter.checkpoints import finished_checkpoints, step_of
from trainers.adapter.publishing import hub_token, place_notices, push_to_hub
from trainers.adapter.training_record import TrainingRecord
from trainers.evaluations.asked import EvaluationsAsked, announced, refuse_unannounced
from trainers.launch import is_first, world
from trainers.memory_plan import GIB, MemoryPlan, plan_table
from trainers.recipe import Recipe, load_recipe
from trainers.start import open_start, with_shape_of
from trainers.summary import previews, summary

_INTERRUPTED = 130


def train_adapter(options: TrainOptions) -> int:
    """Do what the checked options of `harness train` ask for, and return the exit code."""
    rank, size = world()
    say = _say if rank == 0 else _keep_silent
    if rank != 0:
        TELLER.during = nullcontext
    prepared = preparation.prepare(_request(options), say)
    for line in summary(prepared):
        say(line)
    if options.preview and rank == 0:
        tell("\n\n".join(printable(said(text)) for text in previews(prepared, options.preview)))
    if options.preview and not options.dry_run:
        return 0
    if (evaluations := prepared.request.evaluations) is not None:
        for line in announced(evaluations, prepared.steps):
            say(line)
        if options.trains and not options.yes:
            refuse_unannounced(evaluations, prepared.steps)
    plan = prepared.plan(world=size, memory=None if options.memory is None else int(options.memory * GIB))
    show = tell if options.dry_run and rank == 0 else say
    show(
        plan_table(
            prepared.shape_with(plan.shards),
            prepared.constraints,
            plan,
            length=prepared.longest,
            batch=prepared.recipe.batch_size,
            say=said,
        )
    )
    show(tr("Plan: {plan}", plan=plan.describe(prepared.shape)))
    return 0 if options.dry_run else _train(prepared, options, plan, say)


def _request(options: TrainOptions) -> preparation.TrainingRequest:
    settings = load_config(options.config)
    recipe = load_recipe(options.recipe, options.recipe_changes)
    tasks = recipe.values.eval_tasks
    start = open_start(options.start, options.base) if options.start is not None else None
    return preparation.TrainingRequest(
        recipe=recipe if start is None else with_shape_of(recipe, start),
        start=start,
        data=options.data or recipe.values.data,
        base=options.base or (start.base if start else str(settings.models.get("base", DEFAULT_BASE))),
        columns=columns_of(options.columns),
        strict=options.strict,
        evaluations=_evaluations(recipe.values, settings, options.store),
        against={
            **benchmark_samples(dict.fromkeys((*options.against, *filter(None, [tasks]))), settings),
            **sealed_by_set(store_url(options.store, settings)),
        },
        near=options.near if options.near < 1 else None,
        dtype=options.dtype,
        settings=settings.models.get("hf", {}),
        command=shlex.join(["harness", *without_folders([without_password(one) for one in sys.argv[1:]])]),
        language=language(),
    )


def _evaluations(recipe: Recipe, settings: Config, store: str | None) -> EvaluationsAsked | None:
    """Return what the adapter is asked on the way, None if its recipe names no tasks."""
    if not recipe.eval_tasks:
        return None
    series = ask_series(
        settings,
        tasks=recipe.eval_tasks,
        judge=recipe.eval_judge,
        prompt=recipe.prompt,
        limit=recipe.eval_limit or None,
        store=store,
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    return EvaluationsAsked(series=series, every=recipe.eval_every or recipe.save_steps, patience=recipe.eval_patience)


def _train(prepared: preparation.Prepared, options: TrainOptions, plan: MemoryPlan, say: Callable[[str], None]) -> int:
    folder = Path(str(options.output))
    try:
        record: TrainingRecord = opened("trainers.training.session:train")(
            prepared, folder, plan, resume=options.resume, say=say
        )
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


def _interrupted(folder: Path) -> None:
    checkpoints = finished_checkpoints(folder)
    kept = tr("There is no checkpoint yet")
    if checkpoints:
        kept = tr("The last checkpoint is step {step}", step=step_of(checkpoints[-1]))
    again = [without_password(argument) for argument in sys.argv[1:] if argument != "--resume"]
    tell(
        tr(
            "\nInterrupted. {kept}; go on with:\n  {names}",
            kept=kept,
            names=shlex.join(["harness", *again, "--resume"]),
        ),
        err=True,
    )


def _say(text: str) -> None:
    beside(text)  # what is under way may have a line of its own


def _keep_silent(_: str) -> None:
    """Leave the talking to the first process."""
