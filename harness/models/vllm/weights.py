"""Which weights vLLM is given for a base: its own files, their nf4 values made on the way, or a copy kept once."""

from pathlib import Path

from harness.locale import tr
from harness.models.hf.bases import load_base, stored_quantization
from harness.models.hf.cache import build_once
from harness.models.hf.progress import say
from harness.models.hf.quiet import quiet
from harness.models.hf.resolved_base import ResolvedBase
from harness.models.hf.sources import local_folder, raw_config
from harness.models.vllm.plan import Weights
from harness.models.vllm_loader.nf4 import quantized_names, stored_names


def weights_of(base: ResolvedBase) -> Weights:
    """Return what vLLM is to load, downloading or converting what is not there yet.

    nf4 weights that were to be dequantized are: read from the base's own files and rounded while they are loaded, where
    the files hold a tensor for each layer; else written once into the cache folder, by the digest of the base.

    Raises:
        HarnessError: they cannot be had, or the cache folder cannot be written.
    """
    folder, numerics = local_folder(base.source), base.numerics
    if numerics.route != "dequantised":
        return Weights(folder=str(folder))
    names = quantized_names(base.config(), trusted=base.trusted)
    if stored_quantization(raw_config(base.source)) is None and names <= stored_names(folder):
        return Weights(folder=str(folder), turned=names)
    return Weights(folder=str(_written(base)))


def _written(base: ResolvedBase) -> Path:
    """Return the folder that holds a base with its nf4 values in the dtype that it computes in."""
    numerics = base.numerics
    scales = "-double" if numerics.double_quant else ""

    def build(folder: Path) -> None:
        say(tr("Writing the nf4 values of {base} as {dtype}, once.", base=base.source.text, dtype=numerics.dtype_name))
        loaded = load_base(base.source, numerics, trusted=base.trusted)
        with quiet():
            loaded.model.save_pretrained(folder)
            loaded.encoder.tokenizer.save_pretrained(folder)

    return build_once(f"nf4{scales}-{numerics.dtype_name}-{base.source.digest[:16]}", build)
