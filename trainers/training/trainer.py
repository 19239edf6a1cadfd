"""trl's SFTTrainer, with micro-batches that fit the memory there is and steps that survive running out of it.

The trainer sees one batch per optimizer step: this device's share of the effective batch. How it is cut up is decided
here, by the plan. The loss is the sum over all learnt tokens of the step divided by their number, on all devices
together, so that no cut changes it.
"""

import contextlib
import errno
import gc
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader
from transformers import TrainerCallback
from trl import SFTTrainer

from harness.errors import HarnessError
from trainers.encoding import IGNORED, Encoded
from trainers.folder import COMPLETE
from trainers.memory import GIB, MemoryPlan, ModelShape, smaller, split_evenly
from trainers.training.attention import VARLEN
from trainers.training.batches import StepBatches, lay_out, pick
from trainers.training.model import recompute

_BUCKET = 1 << 24  # gradient elements that travel between GPUs at once
_ROUNDING = 1e-6  # of an epoch
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class AdapterTrainer(SFTTrainer):  # type: ignore[misc]  # trl is untyped
    """Trains one adapter; see the module.

    ``plan`` is how batches are cut, and changes when memory runs out; ``tokens_seen`` counts those of this device.
    """

    def __init__(
        self,
        *,
        samples: Sequence[Encoded],
        batch: int,
        plan: MemoryPlan,
        shape: ModelShape,
        on_event: Callable[[int, str], None],
        **options: Any,  # noqa: ANN401 - SFTTrainer's own
    ) -> None:
        trained = {name: p.data for name, p in options["model"].named_parameters() if p.requires_grad}
        super().__init__(**options)
        for name, parameter in self.model.named_parameters():
            if name in trained:  # trl rounds an adapter on quantised weights to bfloat16: small updates would be lost
                parameter.data = trained[name]
        self._samples = [{"input_ids": sample.ids, "labels": sample.labels} for sample in samples]
        lengths = [len(sample) for sample in samples]
        self.step_batches = StepBatches(
            lengths, batch=batch, seed=self.args.seed, rank=self.args.process_index, world=self.args.world_size
        )
        self._longest = max(lengths)
        self._shape = shape
        self._on_event = on_event
        self._bounds = self.model.get_base_model().config._attn_implementation == VARLEN  # noqa: SLF001 - no public name
        self.plan = plan
        self.tokens_seen = 0

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the steps of an epoch; every device builds its own share, so nothing is sharded or doubled."""
        return DataLoader(
            self._samples,  # type: ignore[arg-type]  # a list is a dataset, too
            batch_sampler=self.step_batches,
            collate_fn=lay_out,
            pin_memory=torch.cuda.is_available(),
        )

    def training_step(
        self,
        model: Any,  # noqa: ANN401 - transformers is untyped
        inputs: dict[str, Any],
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Accumulate the gradients of one optimizer step and return its loss."""
        model.train()
        inputs = self._prepare_inputs(inputs)
        items = torch.as_tensor(num_items_in_batch, device=self.args.device)
        loss = self._until_it_fits(model, inputs, items)
        self._average_gradients()
        self.tokens_seen += sum(inputs["lengths"])
        return loss

    def compute_loss(
        self,
        model: Any,  # noqa: ANN401 - transformers is untyped
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Return the summed loss of some samples over ``num_items_in_batch``, by trl's fused head."""
        del return_outputs
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        loss: torch.Tensor = -outputs.log_probs.sum() / num_items_in_batch
        return loss

    def preflight(self) -> float:
        """Run the costliest step that can come, without learning from it; return the peak memory in GiB (CUDA).

        Raises:
            HarnessError: not even one sample fits.
        """
        inputs = self._prepare_inputs(lay_out(self._costliest()))
        learnt = (inputs["labels"] != IGNORED).sum().clamp(min=1)
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        with _same_dice():
            self._until_it_fits(self.model.train(), inputs, learnt)
        self.model.zero_grad(set_to_none=True)
        return torch.cuda.max_memory_allocated() / GIB if torch.cuda.is_available() else 0.0

    @torch.no_grad()
    def heldout_loss(self, samples: Sequence[Encoded]) -> float:
        """Return the mean loss per learnt token of samples, each device computing its part."""
        mine = samples[self.args.process_index :: self.args.world_size]
        rows = [{"input_ids": sample.ids, "labels": sample.labels} for sample in mine]
        total = torch.zeros(2, dtype=torch.float64, device=self.args.device)
        training = self.model.training
        self.model.eval()
        for group in split_evenly([len(sample) for sample in mine], self.plan.tokens) if mine else ():
            inputs = self._prepare_inputs(lay_out([rows[index] for index in group]))
            chosen = pick(inputs, range(len(group)), bounds=self._bounds)
            with self.accelerator.autocast():
                outputs = self.model(**chosen, use_cache=False, fused_lm_head=True)
            total += torch.stack([-outputs.log_probs.sum().double(), outputs.label_mask.sum().double()])
        self.model.train(training)
        if self.args.world_size > 1:
            dist.all_reduce(total)
        return float(total[0] / total[1])

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
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
            if self.is_world_process_zero():
                (folder / COMPLETE).touch()
        except Exception as error:
            if not _disk_is_full(error):
                raise
            shutil.rmtree(folder, ignore_errors=True)
            self._event("the disk is full: this checkpoint was not kept; training goes on")

    def _costliest(self) -> list[dict[str, Any]]:
        """Return the longest samples that may go through the model at once."""
        chosen: list[dict[str, Any]] = []
        room = self.plan.tokens
        for sample in sorted(self._samples, key=lambda sample: -len(sample["input_ids"])):
            if not chosen or len(sample["input_ids"]) <= room:
                chosen.append(sample)
                room -= len(sample["input_ids"])
            if len(chosen) == self.step_batches.batch:
                break
        return chosen

    def _until_it_fits(self, model: Any, inputs: dict[str, Any], items: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
        """Return the loss of a step with its gradients in place, cutting it smaller each time memory runs out."""
        while True:
            loss, failed = None, False
            with _same_dice(keep=True) as dice:
                try:
                    loss = self._accumulate(model, inputs, items)
                except torch.OutOfMemoryError:
                    failed = True
                if not self._anywhere(failed):
                    assert loss is not None
                    return loss
                dice.restore()
            del loss
            self.model.zero_grad(set_to_none=True)
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self._shrink(inputs)

    def _accumulate(self, model: Any, inputs: dict[str, Any], items: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
        total = torch.zeros((), device=self.args.device)
        if not inputs["lengths"]:  # more devices than samples in an epoch's last step
            return total
        # Gradients travel once, after the last micro-batch: a device that ran out of memory must not leave others wait.
        no_sync = self.accelerator.no_sync(model) if self.args.world_size > 1 else contextlib.nullcontext()
        with no_sync:
            for group in split_evenly(inputs["lengths"], self.plan.tokens):
                chosen = pick(inputs, group, bounds=self._bounds)
                with self.accelerator.autocast():
                    loss = self.compute_loss(model, chosen, num_items_in_batch=items) * self.args.world_size
                self.accelerator.backward(loss)
                total += loss.detach()
        return total

    def _anywhere(self, failed: bool) -> bool:
        """Return whether it happened on any device."""
        if self.args.world_size == 1:
            return failed
        flag = torch.tensor(float(failed), device=self.args.device)
        dist.all_reduce(flag)
        return bool(flag.item())

    def _shrink(self, inputs: dict[str, Any]) -> None:
        used = max(
            (sum(inputs["lengths"][i] for i in group) for group in split_evenly(inputs["lengths"], self.plan.tokens)),
            default=0,
        )
        if self.args.world_size > 1:  # every device gives up the same
            used = max(used, self.plan.tokens)
        plan = smaller(self.plan, self._shape, used, self._longest)
        if self._anywhere(plan is None):
            raise HarnessError(
                f"Memory ran out with one sample of up to {self._longest:,} tokens at a time, every layer recomputing.",
                hint="Try --set max_length=512, a smaller lora_r, or a smaller base; --resume goes on from the last "
                "checkpoint.",
            )
        assert plan is not None
        recompute(self.model, plan.recomputed)
        what = f"{plan.tokens:,} tokens at once" if plan.tokens < self.plan.tokens else "every layer recomputing"
        self.plan = plan
        self._event(f"out of memory: going on with {what}; the effective batch stays")

    def _average_gradients(self) -> None:
        """Average the gradients of all devices, as data parallel training does."""
        if self.args.world_size == 1:
            return
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        for bucket in _buckets(trained):
            flat = torch.cat([_gradient(parameter).flatten() for parameter in bucket])
            dist.all_reduce(flat, op=dist.ReduceOp.SUM)
            flat /= self.args.world_size
            for parameter, part in zip(bucket, torch.split(flat, [p.numel() for p in bucket]), strict=True):
                parameter.grad = part.view_as(parameter).clone()

    def _event(self, text: str) -> None:
        self._on_event(self.state.global_step, text)


class EpochOrder(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Gives every epoch an order of its own, also where a run is resumed."""

    def __init__(self, batches: StepBatches) -> None:
        self._batches = batches

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
        """Tell the batches which epoch begins or goes on."""
        del args, control
        self._batches.epoch = int((state.epoch or 0) + _ROUNDING)


class _Dice:
    """The state of the random numbers, taken at one moment."""

    def __init__(self) -> None:
        self._cpu = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None

    def restore(self) -> None:
        torch.set_rng_state(self._cpu)
        if self._cuda is not None:
            torch.cuda.set_rng_state(self._cuda)


@contextlib.contextmanager
def _same_dice(*, keep: bool = False) -> Iterator[_Dice]:
    """Take the state of the random numbers; put it back at the end unless told to keep what came."""
    dice = _Dice()
    yield dice
    if not keep:
        dice.restore()


def _gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _buckets(parameters: Sequence[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    bucket: list[torch.nn.Parameter] = []
    for parameter in parameters:
        bucket.append(parameter)
        if sum(item.numel() for item in bucket) >= _BUCKET:
            yield bucket
            bucket = []
    if bucket:
        yield bucket


def _disk_is_full(error: Exception) -> bool:
    """Return whether a failure to write came from a full disk; safetensors and torch say so in words only."""
    return getattr(error, "errno", None) in _FULL or "No space left" in str(error) or "file write failed" in str(error)
