"""NEFTune: each sample of a row has the noise that it has alone with transformers, and evaluation has none."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.integrations.neftune import activate_neftune, deactivate_neftune

from tests.trainers.training.conftest import Workbench
from trainers.training.noise import EmbeddingNoise

ALPHA = 5.0


def embedded(trainer: Any, indices: list[int]) -> torch.Tensor:
    """Return what the input embeddings give for samples in one row, as the model gets it in a step."""
    seen: list[torch.Tensor] = []
    model = trainer.model.get_base_model()
    handle = model.model.layers[0].register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    trainer.model.train()
    row = trainer._prepare_inputs(trainer.row_of(indices))
    trainer._until_it_fits(row, torch.tensor(1))
    handle.remove()
    (found,) = seen
    return found[0]


def test_a_sample_alone_has_transformers_noise(bench: Workbench, tmp_path: Path) -> None:
    """The same random numbers, the same loss, by the function that transformers' Trainer turns on."""
    noisy = bench.trainer(tmp_path / "a", neftune_noise_alpha=ALPHA)
    theirs = bench.trainer(tmp_path / "b")
    handle = activate_neftune(theirs.model, ALPHA)
    losses = []
    for trainer in (noisy, theirs):
        trainer.model.train()
        torch.manual_seed(3)
        losses.append(float(trainer._until_it_fits(trainer.row_of([4]), torch.tensor(1))))
    deactivate_neftune(theirs.model, handle)
    clean = float(theirs._until_it_fits(theirs.row_of([4]), torch.tensor(1)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert abs(losses[0] - clean) > 1e-3


def test_in_one_row_every_sample_has_the_noise_of_its_own_length(bench: Workbench, tmp_path: Path) -> None:
    """At most alpha / √(tokens · width), and nearly that much somewhere in each."""
    noisy, plain = bench.trainer(tmp_path / "a", neftune_noise_alpha=ALPHA), bench.trainer(tmp_path / "b")
    indices = [3, 0, 13]
    lengths = noisy.row_of(indices)["lengths"]
    assert len(set(lengths)) > 1
    noise = (embedded(noisy, indices) - embedded(plain, indices)).abs()
    for part, length in zip(noise.split(lengths), lengths, strict=True):
        most = ALPHA / math.sqrt(length * part.shape[1])
        assert 0.97 * most < float(part.max()) <= most * (1 + 1e-6)


def test_without_positions_a_row_counts_as_one_sample() -> None:
    """As transformers does where it is told no positions."""
    torch.manual_seed(0)
    noise = EmbeddingNoise(ALPHA)
    found = noise._add(torch.nn.Embedding(2, 16), (), torch.zeros(1, 100, 16))
    assert 0.97 < float(found.abs().max()) / (ALPHA / math.sqrt(100 * 16)) <= 1


def test_the_held_out_loss_is_measured_without_noise(bench: Workbench, tmp_path: Path) -> None:
    """Before the first step it is that of the base."""
    settings = {"heldout": 3, "eval_steps": 2, "num_train_epochs": 1.0}
    noisy = bench.train(tmp_path / "a", neftune_noise_alpha=ALPHA, **settings)
    plain = bench.train(tmp_path / "b", **settings)
    assert noisy.outcome.heldout_loss_before == plain.outcome.heldout_loss_before
    assert noisy.outcome.heldout_loss != plain.outcome.heldout_loss
