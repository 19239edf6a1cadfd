"""One training from the loaded base to the adapter in its folder."""

import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import PrinterCallback, ProgressCallback
from transformers.utils import logging as transformers_logging

from harness.errors import OutOfMemoryError, UnwritableError
from harness.locale import tr, trn
from harness.locale.telling import during
from harness.models.hf.adapters import CONFIG
from harness.models.hf.memory import trim
from harness.templates.contract import CONTRACT, contract_text
from trainers.adapter.adapter_folder import (
    check_same_run,
    check_weights,
    claimed,
    move_in,
    refuse_occupied,
    rewind_log,
    save_record,
)
from trainers.adapter.card import card_text
from trainers.adapter.checkpoints import CHECKPOINTS, cut_of, last_checkpoint, read_manifest, step_of
from trainers.adapter.curve import draw_curve
from trainers.adapter.files import sha256_of, write_whole
from trainers.adapter.training_record import (
    CARD,
    CHAT_TEMPLATE,
    CURVE,
    EVENTS,
    LOG,
    WEIGHTS,
    TrainingRecord,
    read_log,
    with_session,
)
from trainers.launch import is_first, world
from trainers.memory_plan import GIB, MemoryPlan
from trainers.prepare import Prepared
from trainers.training.arguments import training_arguments
from trainers.training.batches import EpochOrder
from trainers.training.best import BestAdapter
from trainers.training.evaluating import while_training
from trainers.training.event_file import EventFile, check_reporting
from trainers.training.failures import out_of_memory
from trainers.training.fused import kernel_version
from trainers.training.longer import check_can_go_on, goes_on, said_of_length
from trainers.training.loraplus import use_loraplus
from trainers.training.model import load_trainable_model
from trainers.training.outcome import check_what_was_learnt, outcome_of, warn_of_falling_answers
from trainers.training.preference import REFERENCE, PreferenceTrainer
from trainers.training.processes import any_rank, broadcast_from_rank0, leave
from trainers.training.progress import Tally, TrainingProgress, forget_peak
from trainers.training.sample_answers import SampleAnswers, sample_prompts
from trainers.training.trainer import AdapterTrainer

_SAVING = ".saving"


def train(
    prepared: Prepared, folder: Path, plan: MemoryPlan, *, resume: bool, say: Callable[[str], None]
) -> TrainingRecord:
    """Train an adapter into a folder and return its record; only the first of several processes gets the outcome.

    Raises:
        HarnessError: the folder cannot be used, memory is too small, the training diverged, or the disk is full at the
            end; checkpoints stay for ``resume``.
    """
    rank, size = world()
    if size == 1 and (gpus := torch.cuda.device_count()) > 1:
        say(
            tr(
                "One of {gpus} GPUs is used; for all: torchrun --nproc-per-node {gpus} --no-python harness train ...",
                gpus=gpus,
            )
        )
    if rank == 0:
        refuse_occupied(folder, resume=resume)
    check_reporting(prepared.recipe)
    earlier = check_same_run(folder, prepared.record)
    if earlier is not None and earlier.outcome is not None and not goes_on(earlier, prepared):
        check_weights(folder)
        say(
            tr(
                "{folder} holds this very run, finished after {steps}.",
                folder=folder,
                steps=trn("{n} step", "{n} steps", earlier.outcome.steps),
            )
        )
        return earlier if rank == 0 else prepared.record
    with claimed(folder) if rank == 0 else nullcontext(), _memory_named():
        return _train(prepared, folder, plan, earlier, first=rank == 0, say=say)


def _train(
    prepared: Prepared,
    folder: Path,
    plan: MemoryPlan,
    earlier: TrainingRecord | None,
    *,
    first: bool,
    say: Callable[[str], None],
) -> TrainingRecord:
    if first and earlier is None:
        save_record(folder, prepared.record)
    held = _held_before(prepared.base.numerics.device)
    found = last_checkpoint(folder, prepared.record, say) if first else None
    with _quiet():
        trainer, progress = _trainer(prepared, plan, folder, say)
        checkpoint = _agreed(found, folder)
        longer = earlier if goes_on(earlier, prepared) else None
        check_can_go_on(longer, checkpoint, folder)
        if first:
            rewind_log(folder, step_of(checkpoint) if checkpoint else -1)
        _start(trainer, progress, checkpoint, say)
        step = step_of(checkpoint) if checkpoint else 0
        said_of_length(longer, prepared, step, say)
        judged = while_training(prepared, trainer, progress, folder)
        judged.begin(checkpoint)
        if longer is not None and prepared.recipe.chooses:
            progress.measure_heldout(step)  # the last measurement came after the last checkpoint
        record = with_session(_as_run(prepared, trainer.plan), earlier, step, cut_of(trainer.plan), prepared.steps)
        if first:
            save_record(folder, record)
        stopped = progress.best.state.stopped or judged.stop is not None
        _run(trainer, checkpoint, None if stopped else prepared.steps)
        tally = progress.tally(trainer.state.global_step)
        after = progress.measure_heldout(trainer.state.global_step)
        evaluations = judged.finish(trainer.state.global_step)
        best = progress.best.state
        kept = progress.best.put_back()
    leave()
    if not first:
        return prepared.record
    if kept is not None:
        after = best.loss
        say(_said_of_lowest(kept, after))
    check_what_was_learnt(trainer, tally, after, say)
    warn_of_falling_answers(read_log(folder), say)
    if evaluations is not None and (chosen := judged.put_back()) is not None:
        kept, after = chosen, None
        say(tr("The adapter of step {step} is written: its mean is the highest.", step=kept))
    stopped = (best.stopped or judged.stop is not None) and trainer.state.global_step < prepared.steps
    outcome = replace(
        outcome_of(tally, progress, trainer.state.global_step, after),
        kept_step=kept,
        heldout_measured=progress.measured if prepared.recipe.chooses else None,
        stopped_early=stopped,
        planned_gib=round((trainer.plan.estimate.total + held) / GIB, 2),
        evaluations=evaluations,
    )
    return _save(trainer, prepared, replace(record, outcome=outcome), folder)


def _as_run(prepared: Prepared, plan: MemoryPlan) -> TrainingRecord:
    """Return the record of a training with the version of fused kernels, if they are used."""
    record = prepared.record
    return replace(record, versions={**record.versions, **kernel_version()}) if plan.fused else record


def _held_before(device: str) -> int:
    """Return the bytes that a process held before its training, 0 of a GPU, and let its peak begin with them.

    What a conversion of the base or the reading of data has freed is no part of them.
    """
    if device == "cuda":
        return 0
    trim()
    forget_peak()
    return int(psutil.Process().memory_info().rss)


def _said_of_lowest(step: int, loss: float) -> str:
    return tr(
        "The adapter of step {step} is written: its held-out loss, {loss:.4f}, is the lowest.", step=step, loss=loss
    )


def _run(trainer: AdapterTrainer, checkpoint: Path | None, steps: int | None) -> None:
    """Train to the end; a checkpoint of the last step only needs to be loaded, as one that stopped (steps None)."""
    if checkpoint is not None and (steps is None or step_of(checkpoint) >= steps):
        trainer._load_from_checkpoint(str(checkpoint))  # noqa: SLF001 - what train() itself would call
        trainer.state.global_step = step_of(checkpoint)
    else:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if torch.cuda.is_available():
        torch.cuda.synchronize()  # seconds are to be seconds of work


def _trainer(
    prepared: Prepared, plan: MemoryPlan, folder: Path, say: Callable[[str], None]
) -> tuple[AdapterTrainer, TrainingProgress]:
    recipe = prepared.recipe
    arguments = training_arguments(prepared, folder / CHECKPOINTS)
    if any_rank(plan.shards > 1) and plan.shards == 1:  # another process's GPU has less room
        plan = prepared.plan(world=world()[1], shard=True)
    if prepared.record.optimizer != recipe.optim:
        say(
            tr("optim {optim} needs a GPU: {used} is used instead.", optim=recipe.optim, used=prepared.record.optimizer)
        )
    start = prepared.request.start
    prompts = sample_prompts(prepared)
    model = load_trainable_model(prepared.base, recipe, plan, start.adapter.folder if start else None)
    progress = TrainingProgress(
        folder / LOG,
        best=BestAdapter(
            model, keep=recipe.keep_best and recipe.best_by == "heldout", patience=recipe.early_stopping_patience
        ),
        writes=is_first(),
        say=say,
        eval_steps=recipe.eval_steps,
        device=arguments.device,
    )
    if recipe.report_to == "tensorboard":
        progress.reports = EventFile(folder / EVENTS, say)
    given: dict[str, Any] = {
        "samples": prepared.train.samples,
        "batch": recipe.batch_size,
        "plan": plan,
        "shape": prepared.shape,
        "record": prepared.record,
        "checkpoints": recipe.save_total_limit,
        "progress": progress,
    }
    if recipe.objective == "dpo":
        pairs = PreferenceTrainer(model, arguments, **given, recipe=recipe, folder=folder, heldout=prepared.heldout)
        progress.heldout_metrics = lambda: pairs.metrics
        trainer: AdapterTrainer = pairs
    else:
        trainer = AdapterTrainer(model, arguments, **given)
    use_loraplus(trainer, recipe)
    if prepared.heldout:
        progress.heldout = lambda: trainer.heldout_loss(prepared.heldout)
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    trainer.add_callback(progress)
    trainer.add_callback(EpochOrder(trainer.step_batches))
    if prompts:
        how = {"autocast": trainer.accelerator.autocast, "writes": is_first()}
        trainer.add_callback(SampleAnswers(prepared, prompts, folder=folder, progress=progress, **how))
    return trainer, progress


def _start(
    trainer: AdapterTrainer,
    progress: TrainingProgress,
    checkpoint: Path | None,
    say: Callable[[str], None],
) -> None:
    """Try the costliest step, and measure the held-out loss before training."""
    if checkpoint is not None:
        trainer.state.global_step = step_of(checkpoint)
        if progress.reports is not None:
            progress.reports.go_on(step_of(checkpoint))
    with during(tr("trying the longest batch (one step, which is not kept)")):
        peak = trainer.preflight()
    if peak:
        say(
            tr(
                "  it took {peak:.1f} GiB; planned {planned:.1f}",
                peak=peak,
                planned=trainer.plan.estimate.total / GIB,
            )
        )
    trainer.start_from_here()
    if checkpoint is not None:
        say(tr("Going on from step {step}.", step=step_of(checkpoint)))
        then, now = read_manifest(checkpoint).cut, cut_of(trainer.plan)
        if then != now:
            say(
                tr(
                    "  Note: it was trained with {then}; now it is {now}. The adapter may differ in its last digits.",
                    then=then,
                    now=now,
                )
            )
        progress.best.load(checkpoint)
        progress.go_on(Tally.load(checkpoint), read_log(checkpoint.parent.parent))
    else:
        progress.measure_heldout(0)


def _agreed(checkpoint: Path | None, folder: Path) -> Path | None:
    """Return the checkpoint that the first process found, in all of them."""
    step = broadcast_from_rank0(step_of(checkpoint) if checkpoint else -1)
    return folder / CHECKPOINTS / f"checkpoint-{step}" if step >= 0 else None


def _save(trainer: AdapterTrainer, prepared: Prepared, record: TrainingRecord, folder: Path) -> TrainingRecord:
    """Write the adapter's files and return their record, with the weights' digest.

    adapter_config.json comes last, so that half an adapter is never taken for one.
    """
    write_whole(folder / CONTRACT, contract_text(prepared.contract))
    if prepared.contract.chat_template is not None:
        write_whole(folder / CHAT_TEMPLATE, prepared.contract.chat_template)
    name = folder.resolve().name
    picture = draw_curve(read_log(folder), f"{name}: {record.recipe_name} on {record.base}")
    if picture:
        write_whole(folder / CURVE, picture)
    has_curve = picture is not None
    text = card_text(
        record,
        name=name,
        place=str(folder),
        contract=prepared.contract,
        curve=has_curve,
        language=prepared.request.language,
    )
    write_whole(folder / CARD, text)
    work = folder / _SAVING
    try:
        shutil.rmtree(work, ignore_errors=True)
        trainer.model.save_pretrained(str(work), save_embedding_layers=False)
        (work / CARD).unlink(missing_ok=True)
        move_in(work, folder, last=CONFIG)
    except Exception as error:
        shutil.rmtree(work, ignore_errors=True)
        raise UnwritableError(
            tr("The adapter cannot be written to {folder}: {error}.", folder=folder, error=error),
            hint=tr("Make room, then run the same command with --resume: it goes on from the last checkpoint."),
        ) from error
    assert record.outcome is not None
    outcome = replace(record.outcome, weights_sha256=sha256_of(folder / WEIGHTS))
    record = replace(record, outcome=outcome)
    save_record(folder, record)
    (folder / REFERENCE).unlink(missing_ok=True)
    return record


@contextmanager
def _memory_named() -> Iterator[None]:
    """Say in words that memory ran out where nothing can be given up: loading, and the optimizer's own state."""
    try:
        yield
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        raise OutOfMemoryError(
            tr("Memory ran out outside of the micro-batches: {splitlines}", splitlines=str(error).splitlines()[0]),
            hint=tr(
                "Try --set dequantize=false, which --resume allows; or, with a new --output, a smaller lora_r, "
                "--set optim=paged_adamw_8bit, or a smaller base."
            ),
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' remarks off stderr; what matters is said by us."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
