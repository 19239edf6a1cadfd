"""A base that is loaded in parts has the values, and the kinds of layers, that it has when it is loaded whole."""

from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn import Linear4bit

from tests.trainers.training.alone import alone, loaded
from trainers.training.sharded import shards_of


def values(model: Any) -> dict[str, torch.Tensor]:
    """Return a copy of every weight, and the scales of 4-bit ones."""
    found = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    layers = {name: module for name, module in model.named_modules() if isinstance(module, Linear4bit)}
    return found | {f"{name} scales": layer.weight.quant_state.absmax.clone() for name, layer in layers.items()}


@pytest.mark.parametrize("dequantized", [False, True])
@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_values_are_those_of_a_base_loaded_whole(tiny: Path, quantization: str, dequantized: bool) -> None:
    """Of two layers, which are both put together; outside of them as well."""
    how = {"quantization": quantization, "dequantized": dequantized and quantization == "nf4"}
    expected = values(loaded(tiny, shared=False, **how))
    with alone():
        model = loaded(tiny, shared=True, **how)
        shards: Any = shards_of(model)
        for index in range(2):
            shards.use(index)
        actual = values(model)
    assert expected.keys() == actual.keys()
    for name, weight in expected.items():
        assert weight.dtype == actual[name].dtype, name
        assert torch.equal(weight, actual[name]), name


def test_a_base_stored_in_4_bits_is_taken_as_it_is(tiny: Path, tmp_path: Path) -> None:
    """Its weights are not quantised a second time."""
    from harness.models.hf.resolved_base import resolve_base

    stored = tmp_path / "stored"
    resolved = resolve_base(str(tiny), None, {}, quantization="nf4", dtype="float32")
    resolved.load_model().save_pretrained(stored)
    for file in tiny.glob("*token*"):
        (stored / file.name).write_bytes(file.read_bytes())
    expected = values(loaded(stored, shared=False, quantization="nf4"))
    with alone():
        model = loaded(stored, shared=True, quantization="nf4")
        for index in range(2):
            shards_of(model).use(index)  # type: ignore[attr-defined]
        actual = values(model)
    assert all(torch.equal(weight, actual[name]) for name, weight in expected.items())
