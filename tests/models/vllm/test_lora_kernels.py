"""How vLLM's kernels for adapters are told to cut their work."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.models.vllm.lora_kernels import kernel_folder

WIDE = {"hidden_size": 5120, "intermediate_size": 13824}


def _looked_up(folder: Path, kind: str, *, adapters: int, slices: int, rows: int, inputs: int, outputs: int) -> Any:
    """Return what vLLM 0.24 and 0.32 find (vllm/lora/ops/triton_ops/utils.py, ``get_lora_op_configs``)."""
    found = json.loads((folder / f"NVIDIA_H100_80GB_HBM3_{kind}.json").read_text())
    for value, nearest in ((adapters, True), (slices, False), (rows, True), (inputs, True), (outputs, True)):
        near = min(found, key=lambda key, value=value: abs(int(key) - value)) if nearest else str(value)
        found = found[near]
    return found


@pytest.fixture
def hopper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An H100, and a cache folder of the test's own."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 80GB HBM3")


def _base(tmp_path: Path, **config: object) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


@pytest.mark.usefixtures("hopper")
@pytest.mark.parametrize(("inputs", "rank", "slices"), [(5120, 16, 3), (13824, 16, 1), (5120, 64, 2)])
def test_each_program_of_a_decoding_pass_has_inputs_of_its_own(
    tmp_path: Path, inputs: int, rank: int, slices: int
) -> None:
    """VLLM's own choice starts 64 whatever the width, of 256 inputs each."""
    folder = Path(kernel_folder(_base(tmp_path, **WIDE), rank) or "")
    found = _looked_up(folder, "SHRINK", adapters=9, slices=slices, rows=96, inputs=inputs, outputs=rank)
    assert found["block_k"] * (found["split_k"] - 1) < inputs <= found["block_k"] * found["split_k"]
    known = {"block_m", "block_n", "block_k", "split_k", "group_size_m", "num_warps", "num_stages", "num_ctas"}
    assert known | {"max_nreg"} == set(found)
    reading = _looked_up(folder, "SHRINK", adapters=9, slices=slices, rows=4096, inputs=inputs, outputs=rank)
    assert reading["block_m"] > found["block_m"]


@pytest.mark.usefixtures("hopper")
@pytest.mark.parametrize("kind", ["EXPAND_TRUE", "EXPAND_FALSE"])
@pytest.mark.parametrize(("rank", "inputs"), [(8, 16), (16, 16), (64, 32)])
def test_tiles_of_the_second_product_are_as_high_as_rows_are_many(
    tmp_path: Path, kind: str, rank: int, inputs: int
) -> None:
    """A tile of a product has 16 inputs at least, on this kind of GPU."""
    folder = Path(kernel_folder(_base(tmp_path, **WIDE), rank) or "")
    heights = []
    for rows in (32, 4096):
        found = _looked_up(folder, kind, adapters=3, slices=2, rows=rows, inputs=rank, outputs=13824)
        assert found["block_k"] == inputs
        heights.append(found["block_m"])
    assert heights == [32, 64]


@pytest.mark.usefixtures("hopper")
def test_models_of_another_kind_and_bases_alone_are_left_to_vllm(tmp_path: Path) -> None:
    """Experts have kernels of their own, which look into the same folder."""
    assert kernel_folder(_base(tmp_path, **WIDE), 0) is None
    assert kernel_folder(_base(tmp_path, **WIDE, num_experts_per_tok=2), 16) is None
    assert kernel_folder(_base(tmp_path, d_model=512), 16) is None


@pytest.mark.usefixtures("hopper")
def test_other_gpus_and_a_cache_that_cannot_be_written_are_left_to_vllm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs time, nothing else."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file" / "cache"))
    assert kernel_folder(_base(tmp_path, **WIDE), 16) is None
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 9))
    assert kernel_folder(_base(tmp_path, **WIDE), 16) is None
    assert not list(tmp_path.glob("cache/models/lora-kernels*"))
