"""The values that QLoRA trained beside, made while vLLM loads, are those of the HF path bit for bit."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.models.hf.bases import load_base, read_config
from harness.models.hf.numerics import Numerics
from harness.models.hf.sources import resolve
from harness.models.vllm_loader.nf4 import pinned_ahead, quantized_names, stored_names, turned


@pytest.mark.parametrize("double_quant", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_are_those_of_the_dequantised_route(
    make_tiny: Callable[..., Path], double_quant: bool, dtype: torch.dtype
) -> None:
    """Transformers and bitsandbytes say what they are; the files hold another dtype than the model computes in."""
    folder = make_tiny("turned", hidden=128)
    source = resolve(f"hf:{folder}")
    numerics = Numerics(device="cpu", dtype=dtype, quantization="nf4", route="dequantised", double_quant=double_quant)
    model = load_base(source, numerics, trusted=False).model
    names = quantized_names(read_config(source, folder, trusted=False), trusted=False)
    assert names <= stored_names(folder)
    assert 14 == len(names)
    assert not any("lm_head" in name for name in names)
    mine = dict(
        turned(
            load_file(folder / "model.safetensors").items(), names, dtype=dtype, device="cpu", double_quant=double_quant
        )
    )
    theirs: dict[str, Any] = model.state_dict()
    assert names == {name for name in mine if name in names}
    for name in names:
        assert torch.equal(theirs[name], mine[name]), name


def test_names_are_read_from_every_file(tmp_path: Path) -> None:
    """A base of several shards."""
    save_file({"a": torch.zeros(1)}, tmp_path / "model-1.safetensors")
    save_file({"b": torch.zeros(1)}, tmp_path / "model-2.safetensors")
    assert {"a", "b"} == stored_names(tmp_path)


def test_weights_come_in_their_order_and_only_those_that_are_turned_are_copied_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By several threads, which may be done in any order; what goes wrong in one is raised."""
    weights = [(f"w{number}", torch.full((2,), float(number))) for number in range(40)]
    names = frozenset(name for name, _ in weights if not name.endswith("3"))

    def slowly(weight: torch.Tensor) -> torch.Tensor:
        time.sleep(0.01 if int(weight[0]) % 2 else 0.0)
        return weight + 100

    found = list(pinned_ahead(iter(weights), names, slowly))
    assert [name for name, _ in found] == [name for name, _ in weights]
    assert [weight[0] for _, weight in found] == [number + 100 * (number % 10 != 3) for number in range(40)]

    def locked(weight: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("Cannot access accelerator device when none is available.")

    monkeypatch.setattr(torch.Tensor, "pin_memory", locked)
    assert [weight[0] for _, weight in pinned_ahead(iter(weights), names)] == list(range(40))

    def full(weight: torch.Tensor) -> torch.Tensor:
        raise MemoryError(str(weight[0]))

    with pytest.raises(MemoryError):
        list(pinned_ahead(iter(weights), names, full))
