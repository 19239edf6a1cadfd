"""The base with its adapter: which layers are adapted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import HarnessError
from tests.trainers.training.conftest import Workbench
from trainers.memory_plan import MemoryConstraints, estimate_memory
from trainers.training.model import take_device


def adapted(trainer: Any) -> set[str]:
    """Return the last part of the names of the layers that peft has adapted."""
    return {
        name.split(".lora_A")[0].rpartition(".")[2] for name, _ in trainer.model.named_modules() if ".lora_A" in name
    }


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ("all-linear", {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}),
        (("q_proj", "v_proj"), {"q_proj", "v_proj"}),
        (r".*\.mlp\.\w+_proj", {"gate_proj", "up_proj", "down_proj"}),
    ],
)
def test_the_plan_counts_what_peft_adapts(targets: Any, expected: set[str], bench: Workbench, tmp_path: Path) -> None:
    """The same layers, and as many weights as the adapter then has."""
    trainer = bench.trainer(tmp_path / "a", target_modules=targets)
    assert expected == adapted(trainer)
    trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    assert trained == bench.prepare(target_modules=targets).shape.adapter


def saved_bytes(trainer: Any, indices: list[int]) -> tuple[int, int]:
    """Return the tokens of a row, and the bytes that autograd keeps of its pass beside parameters."""
    parameters = {parameter.untyped_storage().data_ptr() for parameter in trainer.model.parameters()}
    row = trainer._prepare_inputs(trainer.row_of(indices))
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in parameters:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    trainer.model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), trainer.accelerator.autocast():
        trainer._group_loss(row, range(len(indices)), torch.tensor(1))
    return sum(row["lengths"]), sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_plan_counts_what_dora_keeps(dtype: str, bench: Workbench, tmp_path: Path) -> None:
    """Magnitudes among the weights; for the backward pass as many bytes more a token as autograd keeps."""
    slopes = []
    for use_dora in (False, True):
        trainer = bench.trainer(tmp_path / "a", dtype=dtype, use_dora=use_dora)
        shape = bench.prepare(dtype=dtype, use_dora=use_dora).shape
        assert sum(p.numel() for p in trainer.model.parameters() if p.requires_grad) == shape.adapter
        (few, less), (many, more) = saved_bytes(trainer, [3]), saved_bytes(trainer, [3, 0, 13, 7])
        slopes.append((more - less) / (many - few) / shape.layers)
    constraints = MemoryConstraints(dropout=False, quantized=False)
    assert shape.kept == pytest.approx(slopes[1], rel=0.1)
    shape = replace(shape, kept=0)  # by the formula, as on a GPU
    planned = shape.layer_token_bytes(constraints) - replace(shape, dora_outputs=0).layer_token_bytes(constraints)
    assert slopes[1] - slopes[0] == pytest.approx(planned, rel=1e-6)
    assert planned > 0


def test_dora_with_dropout_keeps_4_bit_weights_dequantized(bench: Workbench) -> None:
    """Its input is multiplied by the weights once more, after the dropout: layers that recompute let go of them."""
    found = []
    for recomputed in (0, 1, 2):
        shape = bench.prepare(use_dora=True, lora_dropout=0.1, quantization="nf4", dequantize=False).shape
        plans = [
            estimate_memory(
                shape,
                MemoryConstraints(dropout=dropout, quantized=True),
                tokens=0,
                recomputed=recomputed,
                dequantized=False,
            )
            for dropout in (False, True)
        ]
        found.append(plans[1].activations - plans[0].activations)
    assert [shape.dense_weights, shape.dense_weights // 2, 0] == found


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (("q_proj", "gate_poj"), "'gate_poj' names no linear layer"),
        (("q_proj", "lm_head"), "'lm_head' names the head"),
        ("c_attn", "'c_attn' names no linear layer"),
        (".*", "names the head"),
    ],
)
def test_targets_that_are_not_there_are_refused(targets: Any, message: str, bench: Workbench) -> None:
    """Also one of several: peft would leave it out in silence."""
    with pytest.raises(HarnessError, match=message.replace("*", r"\*")) as error:
        bench.prepare(target_modules=targets)
    assert "all-linear" in str(error.value.hint)


def test_memory_of_a_gpu_is_had_in_segments_that_grow_unless_it_is_said_how(monkeypatch: pytest.MonkeyPatch) -> None:
    """Micro-batches of many lengths would leave gaps."""
    said: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    monkeypatch.setattr(torch._C, "_accelerator_setAllocatorSettings", said.append, raising=False)
    monkeypatch.delenv("PYTORCH_CUDA_ALLOC_CONF", raising=False)
    monkeypatch.delenv("PYTORCH_ALLOC_CONF", raising=False)
    take_device()
    assert said == ["expandable_segments:True"]
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", "max_split_size_mb:512")
    take_device()
    assert len(said) == 1
