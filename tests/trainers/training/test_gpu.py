"""What only a GPU can show: attention by the samples' bounds, memory that really runs out, 4-bit weights, float16."""

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig

from tests.trainers.training.conftest import Workbench, losses, rows, weights, write_pairs
from trainers.training.attention import DENSE, VARLEN, choose_attention, use_attention
from trainers.training.batches import pack, unpack
from trainers.training.trainer import AdapterTrainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

BF16 = torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8
SHAPE = {
    "vocab_size": 500,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}  # heads of 64, two to a key


@pytest.fixture
def gpu(tmp_path: Path, make_tiny: Callable[..., Path]) -> Workbench:
    """A workbench with a random Llama of 64 wide heads and forty pairs."""
    return Workbench(make_tiny("heads-of-64", hidden=256, initializer_range=0.1), write_pairs(tmp_path / "p.json", 40))


@pytest.fixture
def whole_gpu() -> Iterator[None]:
    """Put the limit on this process's share of the GPU back."""
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def log_probs(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the log-probabilities of the labels, with gradients."""
    labels = inputs.pop("labels")
    logits = model(**inputs, use_cache=False).logits[0, :-1].float()
    picked = logits.log_softmax(-1).gather(1, labels[0, 1:].clamp(min=0)[:, None])[:, 0]
    return picked[labels[0, 1:] != -100]


@pytest.mark.skipif(not BF16, reason="needs a GPU with bfloat16 units")
@pytest.mark.parametrize("window", [None, 16])
def test_attention_by_bounds_is_attention_by_a_mask(window: int | None) -> None:
    """No further from the mask in float32 than the mask in bfloat16 is, in values and in gradients."""
    config: Any = LlamaConfig(**SHAPE) if window is None else MistralConfig(**SHAPE, sliding_window=window)
    torch.manual_seed(0)
    exact = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=DENSE).cuda()
    lengths = [40, 17, 130, 64]
    samples = [{"input_ids": torch.randint(500, (n,)).tolist()} for n in lengths]
    row = pack([sample | {"labels": sample["input_ids"]} for sample in samples])
    row = {key: value.cuda() if isinstance(value, torch.Tensor) else value for key, value in row.items()}

    def run(model: Any, *, bounds: bool) -> tuple[torch.Tensor, torch.Tensor]:
        model.zero_grad()
        values = log_probs(model, unpack(row, range(4), bounds=bounds))
        values.mean().backward()
        return values.detach(), torch.cat([p.grad.flatten().float() for p in model.parameters()])

    expected = run(exact, bounds=False)
    rounded = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, attn_implementation=DENSE).cuda()
    rounded.load_state_dict(exact.state_dict())
    dense = run(rounded, bounds=False)
    assert VARLEN == choose_attention(config, "cuda", torch.bfloat16)
    use_attention(rounded, VARLEN)
    varlen = run(rounded, bounds=True)
    for index in range(2):
        allowed = 2 * (dense[index] - expected[index]).norm()
        assert (varlen[index] - expected[index]).norm() < allowed
        assert allowed < 0.1 * expected[index].norm()  # so that a wrong mask would be seen
    rounded.set_attn_implementation(DENSE)
    mixed = unpack(row, range(4), bounds=False) | {"position_ids": torch.arange(sum(lengths), device="cuda")[None]}
    assert (log_probs(rounded, mixed) - expected[0]).norm() > 3 * (varlen[0] - expected[0]).norm()


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_memory_that_really_runs_out_changes_no_loss(
    quantization: str, tmp_path: Path, make_tiny: Callable[..., Path], whole_gpu: None
) -> None:
    """With half of the memory that the whole step takes, it is cut, and comes to the same losses."""
    base = make_tiny("wide", hidden=1024, initializer_range=0.02, num_attention_heads=16, num_key_value_heads=8)
    bench = Workbench(base, write_pairs(tmp_path / "p.json", 256))
    settings = {
        "per_device_train_batch_size": 128,
        "gradient_accumulation_steps": 1,
        "learning_rate": 1e-3,
        "quantization": quantization,
        "dequantize": False,
        "gradient_checkpointing": False,
        "dtype": "bfloat16",
    }
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    torch.cuda.reset_peak_memory_stats()
    bench.train(tmp_path / "roomy", tokens=1_000_000, **settings)
    most = torch.cuda.max_memory_reserved()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    torch.cuda.set_per_process_memory_fraction((before + (most - before) / 2) / total)
    bench.train(tmp_path / "narrow", tokens=1_000_000, **settings)
    assert any("out of memory: going on with " in str(row.get("event")) for row in rows(tmp_path / "narrow"))
    roomy, narrow = ([loss for _, loss in losses(tmp_path / name)] for name in ("roomy", "narrow"))
    assert roomy == pytest.approx(narrow, rel=5e-3)


@pytest.mark.skipif(not BF16, reason="needs a GPU with bfloat16 units")
def test_compiled_layers_come_to_the_same_loss(gpu: Workbench, tmp_path: Path) -> None:
    """At the precision of bfloat16, over steps of unlike lengths."""
    settings = {"learning_rate": 1e-3, "max_steps": 6, "dtype": "bfloat16"}
    gpu.train(tmp_path / "plain", **settings)
    gpu.train(tmp_path / "compiled", torch_compile=True, **settings)
    plain, compiled = ([loss for _, loss in losses(tmp_path / name)] for name in ("plain", "compiled"))
    assert plain == pytest.approx(compiled, rel=1e-2)


def test_nf4_weights_turned_back_once_come_to_the_same_loss(gpu: Workbench, tmp_path: Path) -> None:
    """They are the values that every pass would turn back; other weights come to another loss."""
    settings = {"learning_rate": 1e-3, "max_steps": 6, "dtype": "bfloat16" if BF16 else "float16"}
    each = gpu.train(tmp_path / "each", quantization="nf4", dequantize=False, **settings)
    gpu.train(tmp_path / "once", quantization="nf4", dequantize=True, **settings)
    gpu.train(tmp_path / "exact", **settings)
    passes, once, exact = ([loss for _, loss in losses(tmp_path / name)] for name in ("each", "once", "exact"))
    assert "nf4" == each.quantization
    assert passes == pytest.approx(once, rel=2e-3)
    assert passes != pytest.approx(exact, rel=2e-3)


def test_a_resumed_4_bit_training_goes_on(gpu: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The adapter stays in float32, and losses and weights are those of a run in one piece, as kernels allow."""
    settings = {
        "learning_rate": 1e-3,
        "max_steps": 8,
        "quantization": "nf4",
        "optim": "paged_adamw_8bit",
        "lora_dropout": 0.1,
        "dtype": "bfloat16" if BF16 else "float16",
    }
    gpu.train(tmp_path / "whole", **settings)
    step, calls = AdapterTrainer.training_step, itertools.count(1)

    def dying(self: Any, *args: Any) -> Any:
        if next(calls) == 6:
            raise KeyboardInterrupt
        return step(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(AdapterTrainer, "training_step", dying)
        with pytest.raises(KeyboardInterrupt):
            gpu.train(tmp_path / "cut", **settings)
    gpu.train(tmp_path / "cut", resume=True, **settings)
    assert "Going on from step 4." in gpu.said
    whole, cut = ([loss for _, loss in losses(tmp_path / name)] for name in ("whole", "cut"))
    assert whole == pytest.approx(cut, rel=5e-3)
    assert {torch.float32} == {weight.dtype for weight in weights(tmp_path / "cut").values()}


def test_float16_trains(gpu: Workbench, tmp_path: Path) -> None:
    """Its loss is scaled so that gradients do not vanish; the first steps may overflow and are left out."""
    outcome = gpu.train(tmp_path / "a", dtype="float16", num_train_epochs=4.0, heldout=8).outcome
    assert outcome.heldout_loss < outcome.heldout_loss_before
    assert all(math.isfinite(loss) for _, loss in losses(tmp_path / "a"))
