"""What transformers' Trainer is told: the recipe's schedule; all else is done here."""

from pathlib import Path

import torch
from transformers import TrainingArguments

from trainers.launch import world
from trainers.prepare import Prepared


def training_arguments(prepared: Prepared, checkpoints: Path) -> TrainingArguments:
    """Return what transformers' Trainer is to do, with checkpoints in a folder."""
    recipe = prepared.recipe
    cpu = prepared.base.numerics.device == "cpu"
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        per_device_train_batch_size=1,  # a batch is an optimizer step: see trainers.training.trainer
        gradient_accumulation_steps=1,
        num_train_epochs=recipe.num_train_epochs,
        max_steps=recipe.max_steps,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.lr_scheduler_type,
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        optim=prepared.record.optimizer,
        seed=recipe.seed,
        bf16=prepared.base.numerics.dtype == torch.bfloat16,
        fp16=prepared.base.numerics.dtype == torch.float16,
        use_cpu=cpu,
        gradient_checkpointing=False,  # the plan turns it on layer by layer
        logging_steps=recipe.logging_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=recipe.save_steps,
        save_total_limit=None,  # the oldest goes once the newest is whole: see AdapterTrainer
        eval_strategy="no",
        report_to=[],
        disable_tqdm=True,
        ddp_find_unused_parameters=False,
    )
    if world()[1] == 1:
        arguments._n_gpu = 1  # noqa: SLF001 - transformers' own way of saying that one GPU of several is to be used
    return arguments
