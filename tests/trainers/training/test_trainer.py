"""Laying samples end to end, cutting a step up, and recomputing layers change no sum."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

from tests.trainers.training.conftest import Workbench, weights
from tests.trainers.training.with_trl import trained_by_trl
from trainers.training.batches import pack


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory, llama_tokenizer: Any) -> Path:
    """A folder with a random Gemma 3 whose first layer sees eight tokens back, fewer than any sample has."""
    folder = tmp_path_factory.mktemp("models") / "tiny-gemma3"
    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=len(llama_tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        sliding_window=8,
        layer_types=["sliding_attention", "full_attention"],
        max_position_embeddings=256,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
    )
    Gemma3ForCausalLM(config).save_pretrained(folder)
    llama_tokenizer.save_pretrained(folder)
    return folder


def shake(model: Any) -> None:
    """Give the adapter weights that change the model: a new one's B is zero, and with it A's gradient."""
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1


def gradients(model: Any) -> dict[str, torch.Tensor]:
    """Return the adapter's gradients."""
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def row_of(trainer: Any, indices: list[int]) -> dict[str, Any]:
    """Return some samples as the model gets them."""
    return pack([trainer._samples[index] for index in indices])


def step(trainer: Any, indices: list[int]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return loss and gradients of one optimizer step as it is trained."""
    shake(trainer.model)
    row = row_of(trainer, indices)
    trainer.model.zero_grad()
    loss = trainer.training_step(trainer.model, row, (row["labels"] != -100).sum())
    return loss, gradients(trainer.model)


def alone(trainer: Any, indices: list[int]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return what transformers computes for each sample alone, with its own head and its own loss, added up."""
    shake(trainer.model)
    trainer.model.zero_grad()
    samples = [trainer._samples[index] for index in indices]
    counts = [sum(label != -100 for label in sample["labels"]) for sample in samples]
    total = torch.zeros(())
    for sample, count in zip(samples, counts, strict=True):
        ids = torch.tensor([sample["input_ids"]])
        output = trainer.model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            labels=torch.tensor([sample["labels"]]),
            use_cache=False,
        )
        loss = output.loss * count / sum(counts)
        loss.backward()
        total += loss.detach()
    return total, gradients(trainer.model)


def assert_same(expected: Any, actual: Any) -> None:
    """Compare loss and gradients at float32's precision."""
    torch.testing.assert_close(actual[0], expected[0], rtol=2e-6, atol=0)
    assert sorted(expected[1]) == sorted(actual[1])
    assert len(expected[1]) == 2 * 7 * 2  # A and B of seven modules in two layers
    for name, gradient in expected[1].items():
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(actual[1][name], gradient, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("family", ["llama", "gemma"])
@pytest.mark.parametrize("loss", ["completion_only", "all"])
def test_samples_in_one_row_learn_what_each_would_learn_alone(
    family: str, loss: str, bench: Workbench, gemma: Path, tmp_path: Path
) -> None:
    """Loss and gradients are those of transformers, one sample at a time, also with a sliding window."""
    bench.base = gemma if family == "gemma" else bench.base
    trainer = bench.trainer(tmp_path / "a", loss=loss)
    indices = [3, 0, 13, 7, 8]
    assert min(row_of(trainer, indices)["lengths"]) > 8
    assert len(set(row_of(trainer, indices)["lengths"])) > 2
    assert_same(alone(trainer, indices), step(trainer, indices))


@pytest.mark.parametrize("family", ["llama", "gemma"])
@pytest.mark.parametrize("tokens", [1, 50, 80, 120])
def test_the_cut_of_a_step_changes_no_gradient(
    family: str, tokens: int, bench: Workbench, gemma: Path, tmp_path: Path
) -> None:
    """From one sample at a time to nearly all of them: the sums stay those of the whole step."""
    bench.base = gemma if family == "gemma" else bench.base
    indices = [3, 0, 13, 7, 8]
    whole = step(bench.trainer(tmp_path / "a"), indices)
    cut = bench.trainer(tmp_path / "b", tokens=tokens)
    assert len(cut._groups(row_of(cut, indices)["lengths"])) > 1
    assert_same(whole, step(cut, indices))


@pytest.mark.parametrize("recomputed", [1, 2])
def test_recomputing_layers_changes_no_gradient(recomputed: int, bench: Workbench, tmp_path: Path) -> None:
    """Some or all layers computing their activations twice learn the same, also with dropout."""
    kept = step(bench.trainer(tmp_path / "a"), [1, 2, 3])
    again = bench.trainer(tmp_path / "b", recomputed=recomputed)
    layers = [layer.gradient_checkpointing for layer in again.model.get_base_model().model.layers]
    assert [index < recomputed for index in range(2)] == layers
    assert_same(kept, step(again, [1, 2, 3]))
    settings = {"lora_dropout": 0.3}
    first, second = (bench.trainer(tmp_path / "c", recomputed=count, **settings) for count in (0, recomputed))
    torch.manual_seed(5)
    expected = step(first, [1, 2, 3])
    torch.manual_seed(5)
    assert_same(expected, step(second, [1, 2, 3]))


@pytest.mark.parametrize(
    "more", [{}, {"use_rslora": True}, {"use_dora": True}, {"loraplus_lr_ratio": 16.0, "use_dora": True}], ids=str
)
def test_a_training_equals_that_of_trl(more: dict[str, Any], bench: Workbench, tmp_path: Path) -> None:
    """Three steps of four samples give the adapter of SFTTrainer with batch 2, accumulation 2 and the same order."""
    changes = {"max_steps": 3, "learning_rate": 1e-3, "weight_decay": 0.01, "max_grad_norm": 0.5, "warmup_steps": 1}
    bench.train(tmp_path / "ours", **changes, **more)
    shape = {key: value for key, value in more.items() if key.startswith("use_")}
    ours = bench.trainer(tmp_path / "theirs", **changes, **shape)
    order = [index for batch in list(ours.step_batches)[:3] for index in batch]
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM", **shape)
    expected = trained_by_trl(bench, ours, order, config, changes, more.get("loraplus_lr_ratio"))
    actual = weights(tmp_path / "ours")
    assert sorted(expected) == sorted(actual)
    fresh = {n.replace(".default", "").removesuffix(".weight"): p.data for n, p in ours.model.named_parameters()}
    for name, weight in expected.items():
        assert (weight - fresh[name.removesuffix(".weight")]).abs().max() > 1e-4, name
        torch.testing.assert_close(actual[name], weight, rtol=0, atol=2e-5, msg=name)


def test_layers_that_would_mix_samples_get_them_one_at_a_time(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attention that knows no bounds is noticed before the first step, and the sums stay right."""
    expected = alone(bench.trainer(tmp_path / "a"), [3, 0, 13])
    trainer = bench.trainer(tmp_path / "b")
    forward = trainer.model.forward

    def careless(**inputs: Any) -> Any:
        inputs["position_ids"] = None  # transformers then takes the row for one sample
        return forward(**inputs)

    monkeypatch.setattr(trainer.model, "forward", careless)
    trainer.preflight()
    assert any("would mix samples" in line for line in bench.said)
    assert_same(expected, step(trainer, [3, 0, 13]))


def test_layers_that_would_mix_long_samples_only_are_noticed(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds for the shortest sample need not hold for the longest."""
    trainer = bench.trainer(tmp_path / "a")
    lengths = sorted(len(sample["input_ids"]) for sample in trainer._samples)
    assert lengths[0] < lengths[-1]
    forward = trainer.model.forward

    def careless(**inputs: Any) -> Any:
        if inputs["position_ids"].max() == lengths[-1] - 1:
            inputs["position_ids"] = None
        return forward(**inputs)

    monkeypatch.setattr(trainer.model, "forward", careless)
    trainer.preflight()
    assert trainer._mixing


def test_an_ordinary_model_takes_samples_together(
    bench: Workbench, tmp_path: Path, make_tiny: Callable[..., Path]
) -> None:
    """The check of a Llama without grouped heads says nothing."""
    bench.base = make_tiny("ungrouped", num_key_value_heads=4)
    trainer = bench.trainer(tmp_path / "a")
    trainer.preflight()
    assert not trainer._mixing
    assert not any("would mix" in line for line in bench.said)
