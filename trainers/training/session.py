"""One training from the loaded base to the adapter in its folder."""

import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from transformers import PrinterCallback, ProgressCallback
from transformers.utils import logging as transformers_logging
from trl import SFTConfig

from harness.contracts import CONTRACT, contract_text
from harness.errors import HarnessError
from harness.models.hf.adapters import CONFIG
from trainers.card import card_text
from trainers.curve import draw_curve
from trainers.folder import (
    CHECKPOINTS,
    check_same_run,
    claimed,
    last_checkpoint,
    move_in,
    refuse_occupied,
    rewind_log,
    save_record,
    step_of,
    write_whole,
)
from trainers.memory import GIB, MemoryPlan
from trainers.preparation import Prepared, world
from trainers.recipe import Recipe
from trainers.record import CURVE, LOG, Outcome, TrainingRecord, read_log
from trainers.training.model import load_student
from trainers.training.progress import Progress, memory_gib
from trainers.training.trainer import AdapterTrainer, EpochOrder

_SAVING = ".saving"
CARD = "README.md"


def train(
    prepared: Prepared, folder: Path, plan: MemoryPlan, *, resume: bool, say: Callable[[str], None]
) -> TrainingRecord:
    """Train an adapter into a folder and return its record.

    Raises:
        HarnessError: the folder cannot be used, memory is too small, the training diverged, or the disk is full at the
            end; checkpoints stay for ``resume``.
    """
    rank, size = world()
    if rank:
        return _train(prepared, folder, plan, first=False, size=size, say=say)
    refuse_occupied(folder, resume=resume)
    earlier = check_same_run(folder, prepared.record)
    if earlier is not None and earlier.outcome is not None:
        say(f"{folder} holds this very run, finished after {earlier.outcome.steps} steps.")
        return earlier
    with claimed(folder):
        return _train(prepared, folder, plan, first=True, size=size, say=say)


def _train(
    prepared: Prepared, folder: Path, plan: MemoryPlan, *, first: bool, size: int, say: Callable[[str], None]
) -> TrainingRecord:
    if first:
        save_record(folder, prepared.record)
    checkpoint = last_checkpoint(folder) if first else None
    with _quiet():
        trainer, progress = _trainer(prepared, plan, folder, say)
        checkpoint = _agreed(checkpoint, folder, size)
        if first:
            rewind_log(folder, step_of(checkpoint) if checkpoint else -1)
        before = _start(trainer, progress, prepared, checkpoint, say)
        began = time.monotonic()
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        _wait()
        seconds = time.monotonic() - began
        after = progress.measure_heldout(trainer.state.global_step)
    if not first:
        return prepared.record
    rows = read_log(folder)
    losses = [row["loss"] for row in rows if "loss" in row]
    outcome = Outcome(
        steps=trainer.state.global_step,
        tokens=max((row.get("tokens", 0) for row in rows), default=0),
        seconds=round(seconds, 1),
        first_loss=losses[0],
        last_loss=losses[-1],
        heldout_loss_before=before if before is not None else _first_heldout(rows),
        heldout_loss=after,
        peak_gib=round(memory_gib(), 2),
    )
    record = replace(prepared.record, outcome=outcome)
    _save(trainer, prepared, record, folder)
    return record


def _trainer(
    prepared: Prepared, plan: MemoryPlan, folder: Path, say: Callable[[str], None]
) -> tuple[AdapterTrainer, Progress]:
    recipe = prepared.recipe
    progress = Progress(folder / LOG, writes=world()[0] == 0, say=say, eval_steps=recipe.eval_steps)
    student = load_student(
        prepared.source, prepared.numerics, recipe, plan, base=prepared.request.base, trusted=prepared.trusted
    )
    if prepared.eos not in student.end:
        raise HarnessError(f"Generation of {prepared.request.base} does not end at its EOS ({prepared.eos}).")
    samples = prepared.train.samples
    trainer = AdapterTrainer(
        samples=samples,
        batch=recipe.batch_size,
        plan=plan,
        shape=prepared.shape,
        on_event=progress.event,
        model=student.model,
        args=_arguments(recipe, prepared, folder / CHECKPOINTS),
        train_dataset=Dataset.from_list([{"input_ids": s.ids, "labels": s.labels} for s in samples[:1]]),
        processing_class=prepared.encoder.tokenizer,
    )
    progress.tokens = lambda: trainer.tokens_seen
    if prepared.heldout:
        progress.heldout = lambda: trainer.heldout_loss(prepared.heldout)
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    trainer.add_callback(progress)
    trainer.add_callback(EpochOrder(trainer.step_batches))
    return trainer, progress


def _start(
    trainer: AdapterTrainer,
    progress: Progress,
    prepared: Prepared,
    checkpoint: Path | None,
    say: Callable[[str], None],
) -> float | None:
    """Check the real batches, try the costliest step, and return the held-out loss before training."""
    _check_labels(trainer, prepared)
    say("Trying the longest batch ...")
    peak = trainer.preflight()
    if peak:
        say(f"  it took {peak:.1f} GiB; planned {trainer.plan.needs.total / GIB:.1f}")
    if checkpoint is not None:
        say(f"Going on from step {step_of(checkpoint)}.")
        progress.go_on()
        return None
    return progress.measure_heldout(0)


def _first_heldout(rows: list[dict[str, Any]]) -> float | None:
    return next((row["heldout_loss"] for row in rows if row["step"] == 0 and "heldout_loss" in row), None)


def _check_labels(trainer: AdapterTrainer, prepared: Prepared) -> None:
    """Look at the first batch as it reaches the model: every whole sample must end in a learnt EOS.

    Raises:
        HarnessError: one does not, as when padding and EOS are one token and padding is masked.
    """
    batch = next(iter(trainer.step_batches), [])
    row = next(iter(trainer.get_train_dataloader()), None)
    end = 0
    for index, length in zip(batch, row["lengths"] if row else (), strict=True):
        end += length
        sample = prepared.train.samples[index]
        if not sample.truncated and int(row["labels"][0, end - 1]) != prepared.eos:  # type: ignore[index]
            raise HarnessError(
                f"{sample.where}: EOS is not learnt in the batch as the model gets it. This is a defect: please report "
                "it."
            )


def _arguments(recipe: Recipe, prepared: Prepared, checkpoints: Path) -> SFTConfig:
    cpu = prepared.numerics.device == "cpu"
    optim = "adamw_torch" if cpu and recipe.optim.startswith("paged") else recipe.optim
    arguments = SFTConfig(
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
        optim=optim,
        seed=recipe.seed,
        bf16=prepared.numerics.dtype == torch.bfloat16,
        fp16=prepared.numerics.dtype == torch.float16,
        use_cpu=cpu,
        gradient_checkpointing=False,  # the plan turns it on layer by layer
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        logging_steps=recipe.logging_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=recipe.save_steps,
        save_total_limit=recipe.save_total_limit,
        eval_strategy="no",
        report_to=[],
        disable_tqdm=True,
        ddp_find_unused_parameters=False,
    )
    if world()[1] == 1:
        arguments._n_gpu = 1  # noqa: SLF001 - transformers' own way of saying that one GPU of several is to be used
    return arguments


def _wait() -> None:
    """Wait for the GPU to finish what it was given, so that seconds are seconds of work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _agreed(checkpoint: Path | None, folder: Path, size: int) -> Path | None:
    """Return the checkpoint that the first process found, on all of them."""
    if size == 1:
        return checkpoint
    step = torch.tensor(
        step_of(checkpoint) if checkpoint else -1, device="cuda" if torch.cuda.is_available() else "cpu"
    )
    torch.distributed.broadcast(step, 0)
    return folder / CHECKPOINTS / f"checkpoint-{int(step)}" if int(step) >= 0 else None


def _save(trainer: AdapterTrainer, prepared: Prepared, record: TrainingRecord, folder: Path) -> None:
    """Write the adapter's files; adapter_config.json last, so that half an adapter is never taken for one."""
    write_whole(folder / CONTRACT, contract_text(prepared.contract))
    picture = draw_curve(read_log(folder), f"{folder.name}: {record.recipe_name} on {record.base}")
    if picture:
        write_whole(folder / CURVE, picture)
    write_whole(
        folder / CARD, card_text(record, name=folder.name, contract=prepared.contract, curve=picture is not None)
    )
    work = folder / _SAVING
    try:
        shutil.rmtree(work, ignore_errors=True)
        trainer.model.save_pretrained(str(work), save_embedding_layers=False)
        (work / CARD).unlink(missing_ok=True)
        move_in(work, folder, last=CONFIG)
    except Exception as error:
        shutil.rmtree(work, ignore_errors=True)
        raise HarnessError(
            f"The adapter cannot be written to {folder}: {error}.",
            hint="Make room, then run the same command with --resume: it goes on from the last checkpoint.",
        ) from error
    save_record(folder, record)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' remarks off stderr; what matters is said by us."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    if not sys.stderr.isatty():
        disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
