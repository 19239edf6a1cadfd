"""How vLLM's kernels for adapters cut their work on a GPU of Hopper's kind, where its own choice is slow.

vLLM cuts the product with ``lora_A`` into 64 parts whatever its width, most of which then have nothing to do, and the
one with ``lora_B`` into tiles of 64 rows, of which decoding has a few for each adapter. On an H100, with rank 16 and
128 rows, the two took 6.1 ms of a pass of 26 ms so, and 2.7 ms with the best cut for each layer, which this rule comes
from (bench/README.md).
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from harness.errors import UnwritableError
from harness.models.hf.cache import build_once
from harness.models.hf.reading import json_object

_CAPABILITY = 9  # of the GPU: the only one that this was measured on
_DECODING, _READING = "128", "1024"  # rows in a pass; the nearer of the two counts
_SLICES = range(1, 7)  # layers that vLLM has made one: three of attention, two of the gated layer
_PART = 256  # inputs that one program multiplies
_WIDTHS = ("hidden_size", "intermediate_size")
_SMALL_RANK = 16
_READING_A = {"block_m": 32, "block_n": 16, "block_k": 128, "split_k": 16, "num_warps": 4, "num_stages": 3}
_COMMON = {"num_ctas": 1, "max_nreg": None}


def kernel_folder(weights: Path, rank: int) -> str | None:
    """Return the folder that vLLM reads its choices from (``VLLM_TUNED_CONFIG_FOLDER``), None where it has no better.

    ``weights``: the base's folder, ``rank``: that of the slots, 0 without adapters. There is none for other GPUs, for
    models of experts, which have other kernels, nor where the cache folder cannot be written.
    """
    if not rank or torch.cuda.get_device_capability()[0] != _CAPABILITY:
        return None
    config = json_object(weights / "config.json")
    widths = sorted({config[field] for field in _WIDTHS if isinstance(config.get(field), int)})
    if not widths or any("expert" in field for field in config):
        return None
    tables = _tables(widths, rank, torch.cuda.get_device_name().replace(" ", "_").replace("-", "_"))
    digest = hashlib.sha256(json.dumps(tables).encode()).hexdigest()[:16]

    def build(folder: Path) -> None:
        for name, table in tables.items():
            (folder / name).write_text(json.dumps(table), encoding="utf-8")

    try:
        return str(build_once(f"lora-kernels-{digest}", build))
    except UnwritableError:  # it costs time, nothing else
        return None


def _tables(widths: list[int], rank: int, gpu: str) -> dict[str, Any]:
    """Return the files that vLLM looks for, by name."""
    shrink = _by_rows(
        {str(width): {str(rank): _shrink(width)} for width in widths},
        {str(width): {str(rank): _COMMON | _READING_A | {"group_size_m": 8}} for width in widths},
    )
    expand = _by_rows(*({str(rank): {str(widths[0]): _expand(rows, rank)}} for rows in (32, 64)))
    return {f"{gpu}_SHRINK.json": shrink, f"{gpu}_EXPAND_TRUE.json": expand, f"{gpu}_EXPAND_FALSE.json": expand}


def _by_rows(decoding: Mapping[str, Any], reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return what vLLM looks into: by adapters, slices, rows, inputs, outputs; but for slices the nearest counts."""
    return {"1": {str(slices): {_DECODING: decoding, _READING: reading} for slices in _SLICES}}


def _shrink(width: int) -> dict[str, Any]:
    """Return how to multiply ``width`` inputs by ``lora_A``: in as many parts as there are, each by one program."""
    parts = -(-width // _PART)
    tile = {"block_m": 16, "block_n": 16, "block_k": _PART, "split_k": parts, "group_size_m": 8}
    return _COMMON | tile | {"num_warps": 2, "num_stages": 2}


def _expand(rows: int, rank: int) -> dict[str, Any]:
    """Return how to multiply by ``lora_B``: tiles of so many rows and 256 outputs."""
    inputs = 16 if rank <= _SMALL_RANK else 32
    return _COMMON | {"block_m": rows, "block_n": 256, "block_k": inputs, "num_warps": 4, "num_stages": 2}
