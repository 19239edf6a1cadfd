"""A model that cannot be loaded here is refused before its weights are read: 26 GB take a minute to identify."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.models.hf.bases import BASE_MODELS, read_config, sizes_of, stored_quantization
from harness.models.hf.counts import check_elements
from harness.models.hf.digests import is_known
from harness.models.hf.memory import available_bytes, check_fits
from harness.models.hf.numerics import choose
from harness.models.hf.reading import json_object
from harness.models.hf.sources import Source, check_trusted


def refuse_unread(text: str, settings: Mapping[str, Any], *, quantization: str | None, dtype: str | None) -> None:
    """Raise if a folder's weights were never identified on this machine and do not fit into its memory.

    What was identified is left alone: every answer of it may be stored, and then nothing is loaded. So is everything
    while a base is in memory, which makes way for the next. Whatever else is wrong is said where the folder is read.

    Raises:
        OutOfMemoryError: with both figures and what to do.
    """
    path = Path(text.removeprefix("hf:")).expanduser()
    weights = list(path.glob("*.safetensors")) if path.is_dir() else []
    if not weights or BASE_MODELS.is_full or all(map(is_known, weights)):
        return
    source = Source(text=text, kind="folder", digest="", path=path)
    try:
        trusted = check_trusted(source, settings.get("trust_remote_code"))
        stored = stored_quantization(json_object(path / "config.json"))
        double = bool(settings.get("double_quant", False))
        numerics = choose(quantization=quantization, dtype=dtype, stored_quantization=stored, double_quant=double)
        sizes = sizes_of(source, read_config(source, path, trusted=trusted), trusted=trusted)
        check_elements(sizes.linear + sizes.other, path, text)
    except HarnessError:
        return
    check_fits(text, sizes.loading_bytes(numerics), available_bytes(numerics.device), numerics, sizes)
