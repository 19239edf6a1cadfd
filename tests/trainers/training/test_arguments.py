"""What transformers' Trainer is told of a recipe."""

from pathlib import Path

import torch

from tests.trainers.training.conftest import Workbench
from trainers.training.arguments import training_arguments


def test_the_recipe_decides_the_schedule_and_nothing_leaves_this_machine(bench: Workbench, tmp_path: Path) -> None:
    """A batch is one optimizer step, whatever the recipe's micro-batch; no reporter is on that was not asked for."""
    prepared = bench.prepare(lr_scheduler_type="cosine", warmup_steps=3, num_train_epochs=2.0, save_steps=5)
    told = training_arguments(prepared, tmp_path)
    assert ("cosine", 3, 2.0, 5, 1e-2, 7) == (
        *(told.lr_scheduler_type.value, told.warmup_steps, told.num_train_epochs),
        *(told.save_steps, told.learning_rate, told.seed),
    )
    assert (1, 1, []) == (told.per_device_train_batch_size, told.gradient_accumulation_steps, told.report_to)
    assert (False, False) == (told.bf16, told.fp16)
    half = training_arguments(bench.prepare(dtype="bfloat16"), tmp_path)
    assert half.bf16
    assert torch.device("cpu") == half.device
