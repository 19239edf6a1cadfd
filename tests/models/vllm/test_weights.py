"""Which weights vLLM is given."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from harness.models.hf import BASE_MODELS, open_local
from harness.models.hf.resolved_base import ResolvedBase
from harness.models.vllm.weights import weights_of
from harness.types import ModelSpec


@pytest.fixture
def base(tiny: Path, spec_of: Callable[..., ModelSpec], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The tiny base with nf4 weights that are dequantized, and a cache folder of its own."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return open_local(spec_of(f"hf:{tiny}", quantization="nf4", settings={"fast_dequantize": True})).base


def test_values_of_nf4_are_made_of_the_base_s_own_files(base: ResolvedBase, tiny: Path) -> None:
    """No second copy on the disk."""
    found = weights_of(base)
    assert str(tiny) == found.folder
    assert 14 == len(found.turned)


def test_weights_that_stay_as_they_are_are_read_as_they_are(base: ResolvedBase, tiny: Path) -> None:
    """Unquantised ones, and 4-bit ones that vLLM rounds itself."""
    for change in ({"route": "plain"}, {"quantization": "none", "route": "plain"}):
        found = weights_of(replace(base, numerics=replace(base.numerics, **change)))
        assert (str(tiny), frozenset()) == (found.folder, found.turned)


def test_a_base_whose_files_are_cut_otherwise_is_written_once(
    base: ResolvedBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By digest, with the values of the HF path."""
    monkeypatch.setattr("harness.models.vllm.weights.stored_names", lambda folder: frozenset())
    found = weights_of(base)
    assert f"nf4-float32-{base.source.digest[:16]}" == Path(found.folder).name
    written = load_file(Path(found.folder) / "model.safetensors")
    name = "model.layers.0.mlp.up_proj.weight"
    assert torch.equal(base.load().model.state_dict()[name], written[name])
    assert "quantization_config" not in (Path(found.folder) / "config.json").read_text()
    before = (Path(found.folder) / "model.safetensors").stat().st_mtime_ns
    assert found == weights_of(base)
    assert before == (Path(found.folder) / "model.safetensors").stat().st_mtime_ns
    BASE_MODELS.clear()
