"""Going on with a training for longer than it was planned: what stays the same, and what does not.

A schedule that does not depend on the length goes on as if nothing had happened, bit for bit. One that decays is
planned anew: the learning rate had come down for the old length already, and rises to where the new one has it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import get_scheduler

from harness.errors import InputError
from harness.locale import tr, trn
from trainers.adapter.training_record import TrainingRecord, is_longer
from trainers.prepare import Prepared
from trainers.recipe import Recipe

_OF_ANY_LENGTH = {"constant", "constant_with_warmup"}


def goes_on(earlier: TrainingRecord | None, prepared: Prepared) -> bool:
    """Return whether a training asks for more of one that a folder holds."""
    return earlier is not None and is_longer(_length(earlier.recipe), _length(prepared.record.recipe))


def check_can_go_on(earlier: TrainingRecord | None, checkpoint: Path | None, folder: Path) -> None:
    """Check that a finished training can be made longer: by its last checkpoint, and unless it ended by itself.

    Raises:
        InputError: it cannot; what can be done instead.
    """
    if earlier is None or earlier.outcome is None:
        return
    hint = tr("Train another adapter from this one: --from {folder} --output NEW", folder=folder)
    if earlier.outcome.stopped_early:
        raise InputError(
            tr("early_stopping_patience ended this run at step {n}; there is nothing to go on to.",
               n=earlier.outcome.steps), path=folder, hint=hint
        )  # fmt: skip
    if checkpoint is None:
        raise InputError(tr("none of its checkpoints is left to go on from."), path=folder, hint=hint)


def said_of_length(earlier: TrainingRecord | None, prepared: Prepared, step: int, say: Callable[[str], None]) -> None:
    """Say what a training that goes on shares with one of its length from the beginning, and what not."""
    if earlier is None:
        return
    before = _length(earlier.recipe)
    planned = prepared.steps_of(int(before["max_steps"]), float(before["num_train_epochs"]))
    steps = trn("{n:,} step", "{n:,} steps", prepared.steps)
    recipe = prepared.recipe
    if recipe.lr_scheduler_type in _OF_ANY_LENGTH:
        say(
            tr(
                "It was planned for {planned:,} and goes on to {steps}. With lr_scheduler_type {schedule} its weights "
                "are those of a run of this length from the beginning.",
                planned=planned,
                steps=steps,
                schedule=recipe.lr_scheduler_type,
            )
        )
        return
    then, now = (learning_rate(recipe, step, length) for length in (planned, prepared.steps))
    say(
        tr(
            "Note: it was planned for {planned:,} and goes on to {steps}, and its {schedule} decay is planned anew: "
            "after step {step:,} the learning rate is {now:.2e}, where it had come to {then:.2e}. "
            "A run of {steps} from the beginning would have learnt otherwise.",
            planned=planned,
            steps=steps,
            schedule=recipe.lr_scheduler_type,
            step=step,
            now=now,
            then=then,
        )
    )


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Return the learning rate after ``step`` of ``steps`` optimizer steps, by transformers' own schedule.

    >>> learning_rate(Recipe(learning_rate=1e-4, lr_scheduler_type="linear"), 5, 10)
    5e-05
    """
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.learning_rate)
    schedule = get_scheduler(recipe.lr_scheduler_type, optimizer, recipe.warmup_steps, steps)
    return recipe.learning_rate * float(schedule.lr_lambdas[0](step))


def apply_schedule(optimizer: Any, scheduler: Any) -> None:  # noqa: ANN401 - accelerate wraps them
    """Give an optimizer the learning rates that its schedule has now: a checkpoint holds those of its own plan."""
    schedule = getattr(scheduler, "scheduler", scheduler)
    rates = [
        base * part(schedule.last_epoch) for base, part in zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
    ]
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    schedule._last_lr = rates  # noqa: SLF001 - what the log asks for; torch has no public way


def _length(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    standing = Recipe()
    return {key: recipe.get(key, getattr(standing, key)) for key in ("max_steps", "num_train_epochs")}
