"""The model that is being trained answers as its checkpoint does, and is afterwards as it was."""

from pathlib import Path

import pytest
import torch

from harness.models.hf.open_model import open_local
from harness.templates import load_template
from harness.types import ModelSpec, Request, Sampling
from tests.trainers.training.conftest import Workbench
from trainers.training.live_model import LiveModel, adapter_digest


def requests() -> list[Request]:
    """Return four prompts of unlike lengths."""
    template = load_template("course.v1")
    return [
        Request(
            key=f"k{n}", task="t", sample_id=str(n), model="m", prompt="course.v1", repeat=0,
            rendered=template.render({"input": "猫" * (n + 1) + "とは？"}),
            sampling=Sampling(max_new_tokens=12),
        )
        for n in range(4)
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_answers_are_those_of_the_checkpoint(dtype: str, bench: Workbench, tmp_path: Path) -> None:
    """As `harness eval` gives them with the files of the same adapter, and unlike those of the base."""
    trainer, live = made(bench, tmp_path / "a", dtype=dtype, is_base=False)
    with torch.no_grad():
        for name, parameter in trainer.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.3)
    trainer.model.save_pretrained(str(tmp_path / "saved"), save_embedding_layers=False)
    spec = ModelSpec(
        text="a", label="a", backend="adapter", target=str(tmp_path / "saved"), base=str(bench.base), dtype=dtype
    )
    expected = {one.request_key: one.text for one in open_local(spec).generate(requests())}
    plain = ModelSpec(text="b", label="b", backend="hf", target=str(bench.base), dtype=dtype)
    assert expected == {one.request_key: one.text for one in live.generate(requests())}
    assert expected != {one.request_key: one.text for one in open_local(plain).generate(requests())}


def test_the_model_is_afterwards_as_it_was(bench: Workbench, tmp_path: Path) -> None:
    """Mode, random numbers, gradients, weights."""
    trainer, live = made(bench, tmp_path / "a", lora_dropout=0.5)
    trainer.model.train()
    torch.manual_seed(3)
    state, digest = torch.get_rng_state(), adapter_digest(trainer.model)
    assert 4 == len(list(live.generate(requests())))
    assert trainer.model.training
    assert all(module.training for module in trainer.model.modules())
    assert torch.equal(state, torch.get_rng_state())
    assert digest == adapter_digest(trainer.model)
    assert all(parameter.grad is None for parameter in trainer.model.parameters())


def test_fingerprints_tell_weights_apart(bench: Workbench, tmp_path: Path) -> None:
    """Before the first step it is the base, whatever the adapter was drawn as; after it the tensors say."""
    trainer, before = made(bench, tmp_path / "a", is_base=True)
    _, other = made(bench, tmp_path / "b", is_base=True, seed=8)
    assert before.fingerprint == other.fingerprint
    first = adapter_digest(trainer.model)
    with torch.no_grad():
        next(p for p in trainer.model.parameters() if p.requires_grad).add_(1e-6)
    assert first != adapter_digest(trainer.model)
    assert before.training_prompt() is None
    assert "training/" in before.fingerprint


def made(bench: Workbench, folder: Path, *, is_base: bool = False, **changes: object) -> tuple[object, LiveModel]:
    """Return a trainer and its model as one that answers."""
    prepared = bench.prepare(**changes)
    trainer = bench.trainer(folder, **changes)
    live = LiveModel(
        trainer.model, label="x", base=prepared.base, encoder=prepared.encoder,
        autocast=trainer.accelerator.autocast, is_base=is_base,
    )  # fmt: skip
    return trainer, live
