"""Training on pairs of a better and a worse answer: the adapter learns to tell them apart, from where it starts.

The reference is the model as it was before the first step: the base under a new adapter, or an adapter that training
goes on from. Its log-probabilities are computed once, by the same plan and numerics and in the rows of the first epoch,
so that no second copy of the base is ever in memory and the first loss is ln 2. They are kept in the folder for a
resumed run.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from harness.codec import digest
from harness.errors import TrainingError
from harness.locale import tr
from trainers.adapter.files import write_whole
from trainers.encoding import IGNORED, Encoded
from trainers.items import items_of
from trainers.recipe import Recipe
from trainers.training.batches import pack, unpack
from trainers.training.preference_loss import PreferenceSettings, pair_losses
from trainers.training.processes import all_reduce_sum
from trainers.training.trainer import AdapterTrainer

REFERENCE = "reference.json"
"""In the folder of a training that is under way: the log-probabilities of every answer before the first step."""

NOTED = ("accuracy", "margin", "chosen_log_prob")
"""What the log says of the pairs since its last row: the share with a margin above 0, the mean margin in nats, and the
mean log-probability of the better answer."""

_REFERENCE = "reference"


class PreferenceTrainer(AdapterTrainer):
    """Trains one adapter on pairs; ``samples`` holds the better answer of each and then the worse one."""

    each = 2

    def __init__(
        self,
        *given: Any,  # noqa: ANN401 - the base class knows them
        recipe: Recipe,
        folder: Path,
        heldout: Sequence[Encoded],
        **options: Any,  # noqa: ANN401 - likewise
    ) -> None:
        """``folder``: the adapter's; ``heldout``: the pairs whose reference is wanted, too; the rest as for SFT."""
        super().__init__(*given, **options)
        self._settings = PreferenceSettings(
            beta=recipe.beta,
            loss_type=recipe.loss_type,
            sft_weight=recipe.sft_weight,
            label_smoothing=recipe.label_smoothing,
        )
        self._place = folder / REFERENCE
        self._trained: Sequence[Encoded] = options["samples"]
        self._heldout = heldout
        self._heldout_reference: list[float] = [0.0] * len(heldout)
        self.metrics: Mapping[str, float] = {}
        self._step = torch.zeros(len(NOTED) + 1, dtype=torch.float64, device=self.args.device)
        for sample in self._samples:
            sample[_REFERENCE] = 0.0  # until it is known: the costliest step may be tried before

    def start_from_here(self) -> None:
        """Compute what every answer's log-probability is before anything is learnt, or read what it was then.

        Raises:
            TrainingError: layers of this model would mix the two answers of a pair.
        """
        if self._mixing:
            raise TrainingError(
                tr("Layers of this model would mix the two answers of a pair."),
                hint=tr("Train on single answers (objective=sft), or on another base."),
            )
        samples = [*self._trained, *self._heldout]
        of = self._record
        asked = digest([of.base_digest, of.start_sha256, of.quantization, of.dtype, [one.ids for one in samples]])
        known = self._kept(asked)
        if known is None or len(known) != len(samples):
            known = [
                *self._reference(self._trained, list(self.step_batches)),
                *self._reference(self._heldout, [self._mine(len(self._heldout) // self.each)]),
            ]
            if self.is_world_process_zero():
                write_whole(self._place, json.dumps({"of": asked, "log_probs": known}))
        for sample, value in zip(self._samples, known, strict=False):
            sample[_REFERENCE] = value
        self._heldout_reference = known[len(self._trained) :]

    def row_of(self, indices: Sequence[int]) -> dict[str, Any]:
        """Return some pairs as the model gets them, with their reference."""
        row = super().row_of(indices)
        return row | {_REFERENCE: [sample[_REFERENCE] for index in indices for sample in self._item(index)]}

    def heldout_loss(self, samples: Sequence[Encoded]) -> float:
        """Return the mean loss of pairs; `metrics` says more of them then."""
        rank, world = self.args.process_index, self.args.world_size
        pairs = items_of(samples, self.each)[rank::world]
        references = items_of(self._heldout_reference, self.each)[rank::world]
        mine = [sample for pair in pairs for sample in pair]
        reference = torch.tensor(references, dtype=torch.float64).reshape(-1, 2)
        sums = torch.zeros(5, dtype=torch.float64, device=self.args.device)
        for group, outputs in self._measured(mine):
            inputs = self._inputs([mine[index] for index in group])
            log_probs, tokens = _by_sample(inputs, outputs.log_probs)
            chosen = reference[[index // self.each for index in group[:: self.each]]].to(log_probs)
            sums += self._sums(log_probs, chosen, tokens)
        loss, right, margin, better, count = all_reduce_sum(sums).tolist()
        self.metrics = {
            "heldout_accuracy": right / count,
            "heldout_margin": margin / count,
            "heldout_chosen_log_prob": better / count,
        }
        return float(loss / count)

    def _mine(self, pairs: int) -> list[int]:
        """Return this device's part of some pairs."""
        return list(range(self.args.process_index, pairs, self.args.world_size))

    def _reference(self, samples: Sequence[Encoded], batches: Sequence[Sequence[int]]) -> list[float]:
        """Return the log-probability of each answer by the model as it is.

        ``batches`` are this device's pairs as a step will have them: a product in bfloat16 rounds by the row that its
        tokens lie in, and only in the same rows is a model that has learnt nothing its own reference.
        """
        found = torch.zeros(len(samples), dtype=torch.float64, device=self.args.device)
        for batch in batches:
            places = [pair * self.each + part for pair in batch for part in range(self.each)]
            mine = [samples[place] for place in places]
            for group, outputs in self._measured(mine):
                log_probs, _ = _by_sample(self._inputs([mine[index] for index in group]), outputs.log_probs)
                found[[places[index] for index in group]] = log_probs.flatten().double()
        return [float(value) for value in all_reduce_sum(found).tolist()]

    def _kept(self, asked: str) -> list[float] | None:
        """Return what an earlier session of this run wrote, if it is of the same answers."""
        try:
            kept = json.loads(self._place.read_text(encoding="utf-8"))
            return [float(value) for value in kept["log_probs"]] if kept["of"] == asked else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _inputs(self, samples: Sequence[Encoded]) -> dict[str, Any]:
        """Return what the model got for samples laid end to end, without what attention alone asks for."""
        row = pack([{"input_ids": sample.ids, "labels": sample.labels} for sample in samples])
        return unpack(row, range(len(samples)), bounds=False)

    def _count(self, inputs: dict[str, Any], learnt: torch.Tensor | int | None) -> torch.Tensor:
        """Return what a step is divided by, of all devices together: its pairs, and the better answers' tokens."""
        del learnt
        tokens = [int((part != IGNORED).sum()) for part in torch.split(inputs["labels"][0], inputs["lengths"])]
        counted = torch.tensor([len(tokens) // 2, sum(tokens[::2])], dtype=torch.float64, device=self.args.device)
        return all_reduce_sum(counted).clamp(min=1)

    def _group_loss(self, inputs: dict[str, Any], group: Sequence[int], items: torch.Tensor) -> torch.Tensor:
        """Return the loss of some pairs of a row, over the pairs of the whole step."""
        chosen = unpack(inputs, group, bounds=self._bounds)
        outputs = self.model(**chosen, use_cache=False, fused_lm_head=True)
        log_probs, tokens = _by_sample(chosen, outputs.log_probs)
        reference = torch.tensor([inputs[_REFERENCE][index] for index in group]).reshape(-1, 2).to(log_probs)
        losses = pair_losses(log_probs, reference, tokens, self._settings)
        loss = losses.loss.sum() / items[0]
        if self._settings.sft_weight:
            loss = loss - self._settings.sft_weight * log_probs[:, 0].sum() / items[1]
        with torch.no_grad():
            right = (losses.margin > 0).double().sum()
            said = [right, losses.margin.double().sum(), log_probs[:, 0].double().sum()]
            self._step += torch.stack([*said, right.new_tensor(len(log_probs))])
        return loss.float()

    def _accumulate(self, inputs: dict[str, Any], items: torch.Tensor) -> torch.Tensor:
        self._step.zero_()  # also where a step is done again, in smaller parts
        return super()._accumulate(inputs, items)

    def training_step(
        self,
        model: Any,  # noqa: ANN401 - transformers is untyped
        inputs: dict[str, Any],
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Accumulate the gradients of one optimizer step, note what it says of its pairs, and return its loss."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        self._progress.note(NOTED, self._step)
        return loss

    def _sums(self, log_probs: torch.Tensor, reference: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        losses = pair_losses(log_probs, reference, tokens, self._settings)
        loss = losses.loss.sum().double()
        if self._settings.sft_weight:
            loss = loss - self._settings.sft_weight * (log_probs[:, 0] / tokens[:, 0].clamp(min=1)).sum()
        right = (losses.margin > 0).double().sum()
        return torch.stack(
            [loss, right, losses.margin.sum().double(), log_probs[:, 0].sum().double(), loss.new_tensor(len(log_probs))]
        )


def _by_sample(inputs: Mapping[str, Any], log_probs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each answer's summed log-probability and its tokens, both of shape (pairs, 2)."""
    sample = ((inputs["position_ids"][0] == 0).cumsum(0) - 1).to(log_probs.device)
    count = int(sample[-1]) + 1
    sums = torch.zeros(count, dtype=torch.float32, device=log_probs.device)
    sums = sums.index_add(0, sample[1:], log_probs[0].float())
    learnt = (inputs["labels"][0, 1:] != IGNORED).to(sums)
    tokens = torch.zeros_like(sums).index_add(0, sample[1:], learnt)
    return sums.reshape(-1, 2), tokens.reshape(-1, 2)
