"""Whether a model's configuration can be true, judged by its weights before anything is built from it.

A configuration is a stranger's text: ten million layers in it keep a program busy for days, an embedding of a billion
rows takes all memory, and neither is in the files.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.locale import tr
from harness.models.hf.reading import check_file

_LAYERS = {"num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers", "num_encoder_layers"}
_LAYERS |= {"encoder_layers", "decoder_layers", "depth", "num_nextn_predict_layers"}
_EXPERTS = {"num_experts", "num_local_experts", "n_routed_experts", "n_shared_experts", "moe_num_experts"}
_MOST_LAYERS = 2_000  # of published models, the deepest have about 130
_MOST_EXPERTS = 4_096  # and the widest 512
_MOST = 1 << 31  # of anything that is counted: no tensor has a longer side
_MODULES = 200_000  # layers times experts
_SMALLEST_WEIGHT = 8  # weights in a byte: quantised models need about four bits for one, none less than one
_HEADER = 100_000_000  # bytes: the safetensors library's own limit


def check_counts(config: Mapping[str, Any], where: str, folder: Path | None) -> None:
    """Raise if a config.json counts what cannot be; ``folder``: where its weights lie, None if not here yet.

    Raises:
        InputError: which entry, and why.
    """
    tensors = None if folder is None else _tensors(folder)
    layers = experts = 1
    for name, value in _entries(config):
        if name in _LAYERS:
            layers = max(layers, value)
            most, of = _MOST_LAYERS, tr("at most {most_layers:,} are read", most_layers=_MOST_LAYERS)
            if tensors is not None and tensors < most:
                most, of = tensors, tr("its files hold {tensors:,} tensors", tensors=tensors)
        elif name in _EXPERTS:
            experts = max(experts, value)
            most, of = _MOST_EXPERTS, tr("at most {most_experts:,} are read", most_experts=_MOST_EXPERTS)
        elif name.startswith(("num_", "n_")) or name.endswith("_size"):
            most, of = _MOST, tr("no model is that large")
        else:
            continue
        if name in _LAYERS and value < 0:
            raise InputError(tr("{name} = {value} is no number of layers.", name=name, value=value), path=where)
        if value > most:
            raise InputError(
                tr("{name} = {value:.6g}, and {of}.", name=name, value=value, of=of),
                path=where,
                hint=tr("Its config.json is another model's."),
            )
    if layers * experts > _MODULES:
        raise InputError(
            tr("{layers:,} layers of {experts:,} experts: no model is that large.", layers=layers, experts=experts),
            path=where,
        )


def check_elements(elements: int, folder: Path, where: str) -> None:
    """Raise if a model of so many weights cannot be in the files of a folder.

    Raises:
        InputError: with both sizes.
    """
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    if elements > _SMALLEST_WEIGHT * size:
        raise InputError(
            tr(
                "config.json describes {elements:,} weights, and its files hold {size:,} bytes.",
                elements=elements,
                size=size,
            ),
            path=where,
            hint=tr("Its config.json is another model's, or files are missing."),
        )


def _entries(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the whole numbers of a configuration with their names, those of its parts, too."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _entries(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield str(name), int(min(value, 1e30)) if value == value else 0  # noqa: PLR0124 - NaN alone differs


def _tensors(folder: Path) -> int | None:
    """Return how many tensors the files of a folder hold, by their headers; None if one is damaged."""
    total = 0
    for path in folder.glob("*.safetensors"):
        check_file(path)
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            try:
                header = json.loads(file.read(size)) if size <= _HEADER else None
            except (ValueError, RecursionError):
                header = None
        if not isinstance(header, dict):
            return None  # what is wrong with it is said when it is loaded
        total += len(header.keys() - {"__metadata__"})
    return total
