"""transformers' Trainer, with micro-batches that fit the memory there is and steps that survive running out of it.

The trainer sees one batch per optimizer step: this device's share of the effective batch. How it is cut up is decided
here, by the plan. The loss is the sum over all learnt tokens of the step divided by their number, on all devices
together, so that no cut changes it.
"""

import gc
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments

from harness.errors import HarnessError, OutOfMemoryError
from harness.locale import tr
from trainers.adapter.checkpoints import checkpoints_in, cut_of, seal
from trainers.adapter.training_record import TrainingRecord
from trainers.balancing import split_evenly
from trainers.encoding import IGNORED, Encoded
from trainers.memory_plan import GIB, MemoryPlan, ModelShape, smaller
from trainers.training.apart import samples_stay_apart
from trainers.training.attention import VARLEN
from trainers.training.batches import StepBatches, longest_together, pack, unpack
from trainers.training.compiling import is_compiled, leave_uncompiled
from trainers.training.failures import disk_is_full, first_line, loading, out_of_memory
from trainers.training.fused import leave_unfused, obstacle
from trainers.training.longer import apply_schedule
from trainers.training.model import layers_of, recompute
from trainers.training.processes import all_reduce_max, all_reduce_sum, any_rank, average_gradients
from trainers.training.progress import TrainingProgress, forget_peak
from trainers.training.quantized import check_gradients_pass
from trainers.training.rng import RngState, preserve_rng_state
from trainers.training.sharded import shards_of

_ELSEWHERE = "see the other process"


class AdapterTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped
    """Trains one adapter; see the module.

    ``plan`` is how batches are cut, and changes when memory runs out. Samples come in items of ``each`` one after the
    other, which are never parted: a batch is one of items, and so are a step's order and its cuts.
    """

    each = 1

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - peft is untyped
        arguments: TrainingArguments,
        *,
        samples: Sequence[Encoded],
        batch: int,
        record: TrainingRecord,
        checkpoints: int,
        plan: MemoryPlan,
        shape: ModelShape,
        progress: TrainingProgress,
    ) -> None:
        super().__init__(model=model, args=arguments, train_dataset=samples)
        self.model_accepts_loss_kwargs = True  # learnt tokens are counted whatever the model's own forward takes
        self._samples: list[dict[str, Any]] = [{"input_ids": sample.ids, "labels": sample.labels} for sample in samples]
        lengths = self._item_lengths([len(sample) for sample in samples])
        self.step_batches = StepBatches(
            lengths, batch=batch, seed=self.args.seed, rank=self.args.process_index, world=self.args.world_size
        )
        self._longest = max(lengths)
        self._shape = shape
        self._shards = shards_of(model)
        self._progress = progress
        self._record = record
        self._most_checkpoints = checkpoints
        self._disk_was_full = False
        self._bounds = self.model.get_base_model().config._attn_implementation == VARLEN  # noqa: SLF001 - no public name
        self._mixing = False  # whether samples in one row would see one another
        self.plan = plan

    def row_of(self, indices: Sequence[int]) -> dict[str, Any]:
        """Return some items as the model gets them."""
        return pack([sample for index in indices for sample in self._item(index)])

    def start_from_here(self) -> None:
        """Take note of the model as it is before it learns anything, if the objective asks for that."""

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the steps of an epoch; every device builds its own share, so nothing is sharded or doubled."""
        return DataLoader(
            range(len(self._samples) // self.each),  # type: ignore[arg-type]  # a range is a dataset, too
            batch_sampler=self.step_batches,
            collate_fn=self.row_of,
            pin_memory=torch.cuda.is_available(),
        )

    def training_step(
        self,
        model: Any,  # noqa: ANN401 - transformers is untyped
        inputs: dict[str, Any],
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Accumulate the gradients of one optimizer step and return its loss.

        ``model`` may be wrapped for data parallel training. That would exchange gradients after every micro-batch, and
        the devices differ in how many they have: here they are exchanged once, whole.
        """
        del model
        self.model.train()
        inputs = self._prepare_inputs(inputs)
        loss = self._until_it_fits(inputs, self._count(inputs, num_items_in_batch))
        average_gradients(parameter for parameter in self.model.parameters() if parameter.requires_grad)
        self._progress.count(loss, sum(inputs["lengths"]))
        return loss

    def compute_loss(
        self,
        model: Any,  # noqa: ANN401 - transformers is untyped
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Return the summed loss of some samples over ``num_items_in_batch``, of shape ()."""
        del return_outputs
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        loss: torch.Tensor = -outputs.log_probs.sum() / num_items_in_batch
        return loss

    def preflight(self) -> float:
        """Run the costliest step that can come, without learning from it; return the peak memory in GiB (CUDA).

        Raises:
            HarnessError: not even one sample fits, or no gradient passes the base's layers.
        """
        by_length = sorted((sample["input_ids"] for sample in self._samples), key=len)
        items = self._item_lengths([len(sample["input_ids"]) for sample in self._samples])
        costliest = longest_together(items, most=self.step_batches.batch, room=self.plan.tokens)
        inputs = self._prepare_inputs(self.row_of(costliest))
        learnt = self._count(inputs, (inputs["labels"] != IGNORED).sum().clamp(min=1))
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        else:
            forget_peak()
        with preserve_rng_state():
            if self.plan.fused:
                self._check_kernels(by_length[0])
            two_small_rows = torch.compiler.set_stance("force_eager")  # no reason to compile for them
            with two_small_rows, self._shards.passes(4, learning=False):
                self._mixing = not samples_stay_apart(by_length[0], by_length[-1], self._log_probs)
            if self._mixing:
                self._event(
                    tr("layers of this model would mix samples of one row: one sample at a time goes through it")
                )
            self.model.train()
            check_gradients_pass(self.model)
            self._until_it_fits(inputs, learnt)
        self.model.zero_grad(set_to_none=True)
        return torch.cuda.max_memory_allocated() / GIB if torch.cuda.is_available() else 0.0

    def heldout_loss(self, samples: Sequence[Encoded]) -> float:
        """Return the mean loss per learnt token of samples, each device computing its part."""
        total = torch.zeros(2, dtype=torch.float64, device=self.args.device)
        for _, outputs in self._measured(samples[self.args.process_index :: self.args.world_size]):
            log_probs = outputs.log_probs[outputs.label_mask]
            total += torch.stack([-log_probs.sum().double(), total.new_tensor(log_probs.numel())])
        loss, tokens = all_reduce_sum(total).tolist()
        return float(loss / tokens)

    @torch.no_grad()
    def _measured(self, samples: Sequence[Encoded]) -> Iterator[tuple[list[int], Any]]:
        """Yield what comes out of the model for all of some samples, group by group, each with its indices.

        The model is as in evaluation meanwhile: nothing is dropped out, nothing learnt.
        """
        training = self.model.training
        self.model.eval()
        groups = self._groups([len(sample) for sample in samples])
        while self._shards.more(groups):
            group = groups.pop() if groups else []
            try:
                with self._shards.passes(len(group[:1]), learning=False):
                    outputs = self._outputs([samples[index] for index in group]) if group else None
            except RuntimeError as error:
                if len(group) == self.each or not out_of_memory(error):
                    raise
                items = [group[start : start + self.each] for start in range(0, len(group), self.each)]
                groups += [[index for item in part for index in item] for part in (items[::2], items[1::2])]
            else:
                if outputs is not None:
                    yield group, outputs
        self.model.train(training)

    def create_model_card(self, *_: object, **__: object) -> None:
        """Write no card beside a checkpoint: the adapter's own is written once it is there."""

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Return 0: nobody asks."""
        del inputs
        return 0

    def _save(self, output_dir: str | None = None, state_dict: Mapping[str, Any] | None = None) -> None:
        """Write the adapter alone, asking no Hub whether the base's vocabulary has grown."""
        del state_dict
        self.model.save_pretrained(output_dir, save_embedding_layers=False)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:  # noqa: ANN401 - transformers is untyped
        """Write a checkpoint whole, or none: a full disk ends checkpoints, not the training."""
        tally = self._progress.tally(self.state.global_step)
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        full = False
        try:
            super()._save_checkpoint(model, trial)
            if self.is_world_process_zero():
                tally.save(folder)
                self._progress.best.save(folder)
                for part in self._progress.parts:
                    part.save(folder)
        except Exception as error:
            if not disk_is_full(error):
                raise
            full = True
        full = any_rank(full)
        if self.is_world_process_zero():
            full = self._keep(folder) if not full else _drop(folder)
        if full and not self._disk_was_full:
            self._event(tr("the disk is full: this checkpoint was not kept; training goes on"))
        self._disk_was_full = full

    def _keep(self, folder: Path) -> bool:
        """Seal a checkpoint and remove the oldest beyond those that are kept; return whether it is not kept itself."""
        try:
            seal(folder, self._record, cut_of(self.plan))
        except (OSError, HarnessError) as error:
            if not disk_is_full(error.__cause__ or error):
                raise
            return _drop(folder)
        for old in checkpoints_in(folder.parent.parent)[: -self._most_checkpoints]:
            shutil.rmtree(old, ignore_errors=True)
        return False

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:  # noqa: ANN401
        """Load the adapter of a checkpoint, or say what is wrong with it."""
        with loading(resume_from_checkpoint):
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Load the state of the optimizer and of the schedule, or say what is wrong with it."""
        with loading(checkpoint):
            super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            apply_schedule(self.optimizer, self.lr_scheduler)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Load the state of the random numbers, or say what is wrong with it."""
        with loading(checkpoint):
            super()._load_rng_state(checkpoint)

    def _item(self, index: int) -> list[dict[str, Any]]:
        return self._samples[index * self.each : (index + 1) * self.each]

    def _item_lengths(self, lengths: Sequence[int]) -> list[int]:
        return [sum(lengths[start : start + self.each]) for start in range(0, len(lengths), self.each)]

    def _count(self, inputs: dict[str, Any], learnt: torch.Tensor | int | None) -> torch.Tensor:
        """Return what a step's loss is divided by, of all devices together: its learnt tokens."""
        del inputs
        return torch.as_tensor(learnt, device=self.args.device)

    def _groups(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return the indices of samples that go through the model together: those of whole items."""
        items = self._item_lengths(lengths)
        if not items:
            return []
        groups = [[index] for index in range(len(items))] if self._mixing else split_evenly(items, self.plan.tokens)
        return [[item * self.each + part for item in group for part in range(self.each)] for group in groups]

    def _outputs(self, samples: Sequence[Encoded]) -> Any:  # noqa: ANN401 - trl is untyped
        """Return what comes out of the model for samples laid end to end, with the log-probability of every token."""
        row = pack([{"input_ids": sample.ids, "labels": sample.labels} for sample in samples])
        inputs = unpack(self._prepare_inputs(row), range(len(samples)), bounds=self._bounds)
        with self.accelerator.autocast():
            return self.model(**inputs, use_cache=False, fused_lm_head=True)

    @torch.no_grad()
    def _log_probs(self, rows: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """Return those of every token but the first of each sample, laid end to end, as in evaluation."""
        self.model.eval()
        outputs = self._outputs([Encoded(where="", ids=ids, prompt=0, loss_start=0) for ids in rows])
        found: torch.Tensor = outputs.log_probs[outputs.label_mask]
        return found

    def _check_kernels(self, shortest: tuple[int, ...]) -> None:
        """Take fused kernels off again if they cannot be had here, or come to something else."""
        with self._shards.passes(2, learning=False):
            why = obstacle(self.model, lambda: self._log_probs([shortest]))
        if any_rank(why is not None):
            self._unfuse(why or _ELSEWHERE)

    def _unfuse(self, why: str) -> None:
        leave_unfused(self.model)
        self.plan = replace(self.plan, fused=False)
        self._event(tr("fused kernels are left out ({why}): going on without, more slowly", why=why))

    def _until_it_fits(self, inputs: dict[str, Any], items: torch.Tensor) -> torch.Tensor:
        """Return the loss of a step with its gradients in place, cutting it smaller each time memory runs out.

        Compiled layers and fused kernels that fail go on as they are written: an error that is not theirs comes again.
        """
        while True:
            loss, failed, why = None, _Failed.NOT, _ELSEWHERE
            before = RngState()
            try:
                loss = self._accumulate(inputs, items)
            except Exception as error:
                failed = self._failure(error)
                if failed is _Failed.NOT:
                    raise
                why = f"{type(error).__name__}: {first_line(error)}"
            if (worst := all_reduce_max(failed)) == _Failed.NOT:
                assert loss is not None
                return loss
            before.restore()
            del loss
            self.model.zero_grad(set_to_none=True)
            gc.collect()
            torch.cuda.empty_cache()  # nothing, without a GPU
            if worst == _Failed.COMPILER:
                leave_uncompiled(layers_of(self.model))
                self._event(tr("layers cannot be compiled here ({why}): going on without, more slowly", why=why))
            elif worst == _Failed.KERNELS:
                self._unfuse(why)
            else:
                self._shrink(inputs)

    def _failure(self, error: Exception) -> "_Failed":
        """Return what can be given up after an error of a step, ``NOT`` where nothing can."""
        if isinstance(error, RuntimeError) and out_of_memory(error):
            return _Failed.MEMORY
        if self.plan.fused:
            return _Failed.KERNELS
        return _Failed.COMPILER if is_compiled(layers_of(self.model)) else _Failed.NOT

    def _accumulate(self, inputs: dict[str, Any], items: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), device=self.args.device)
        groups = self._groups(inputs["lengths"])
        with self._shards.passes(len(groups), learning=True):
            for group in groups:
                with self.accelerator.autocast():
                    loss = self._group_loss(inputs, group, items) * self.args.world_size
                self.accelerator.backward(loss)
                total += loss.detach()
        return total

    def _group_loss(self, inputs: dict[str, Any], group: Sequence[int], items: torch.Tensor) -> torch.Tensor:
        """Return the loss of some samples of a row."""
        chosen = unpack(inputs, group, bounds=self._bounds)
        return self.compute_loss(self.model, chosen, num_items_in_batch=items)

    def _shrink(self, inputs: dict[str, Any]) -> None:
        lengths = inputs["lengths"]
        sums = [sum(lengths[index] for index in group) for group in self._groups(lengths)]
        used = all_reduce_max(max(sums, default=0))  # every device gives up the same
        plan = smaller(self.plan, self._shape, used, self._longest)
        if any_rank(plan is None):
            raise OutOfMemoryError(
                tr(
                    "Memory ran out with one sample of up to {longest:,} tokens at a time, every layer recomputing.",
                    longest=self._longest,
                ),
                hint=tr(
                    "Try --set max_length=512, a smaller lora_r, or a smaller base, with a new --output; where "
                    "there is more memory, --resume goes on from the last checkpoint."
                ),
            )
        assert plan is not None
        recompute(self.model, plan.recomputed)
        less = plan.tokens < self.plan.tokens
        what = tr("{n:,} tokens at once", n=plan.tokens) if less else tr("every layer recomputing")
        self.plan = plan
        self._event(tr("out of memory: going on with {what}; the effective batch stays", what=what))

    def _event(self, text: str) -> None:
        self._progress.event(self.state.global_step, text)


class _Failed(IntEnum):
    """Why a step was not done; of several processes' reasons the largest is dealt with first."""

    NOT = 0
    MEMORY = 1
    COMPILER = 2
    KERNELS = 3


def _drop(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return True
