"""How numbers are held and multiplied: device, dtype and quantisation."""

from dataclasses import dataclass
from typing import Literal

import torch

from harness.errors import ModelLoadError, UnknownNameError
from harness.locale import tr

Quantization = Literal["nf4", "none"]
Route = Literal["plain", "dequantised"]

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
_BF16_CAPABILITY = 8  # compute capability of the first GPU generation (Ampere) that multiplies bfloat16


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """Device, dtype and quantisation of a base model.

    ``route`` "dequantised": nf4 weights are dequantized to ``dtype`` once at load. That is what a 4-bit layer
    on a GPU does for every product of more than one row, so the values are the same, at three times the speed and four
    times the memory.
    """

    device: str
    dtype: torch.dtype
    quantization: Quantization
    route: Route = "plain"
    double_quant: bool = False

    @property
    def dtype_name(self) -> str:
        """The dtype's name without the library's prefix.

        >>> Numerics(device="cpu", dtype=torch.float32, quantization="none").dtype_name
        'float32'
        """
        return str(self.dtype).removeprefix("torch.")

    def __str__(self) -> str:
        double = "-double" if self.double_quant and self.quantization == "nf4" else ""
        return f"{self.quantization}{double} {self.dtype_name} {self.device}-{self.route}"


def default_dtype(device: str) -> torch.dtype:
    """Return the fastest dtype that the device multiplies natively.

    On a GPU bfloat16, or float16 where the GPU only emulates it (Turing: a Colab T4). On a CPU bfloat16 if it has
    AVX-512 BF16 or AMX, else float32.
    """
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability()[0] >= _BF16_CAPABILITY else torch.float16
    if not hasattr(torch.cpu, "get_capabilities"):  # an older torch cannot tell: float32 is always right
        return torch.float32
    capabilities = torch.cpu.get_capabilities()
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return torch.bfloat16 if native else torch.float32


def choose(
    *, quantization: str | None, dtype: str | None, stored_quantization: str | None = None, double_quant: bool = False
) -> Numerics:
    """Return the numerics for what the user asked for and this machine; None means the default.

    The default quantisation is nf4 on a GPU and none on a CPU. ``stored_quantization`` is that of the weights on disk,
    which cannot be undone.

    >>> choose(quantization="none", dtype="fp32").dtype_name
    'float32'

    Raises:
        UnknownNameError: no such quantisation or dtype.
        HarnessError: the weights are stored quantised in another way than asked for.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if quantization not in (None, "nf4", "none"):
        raise UnknownNameError(tr("quantization"), quantization, ["nf4", "none"])
    if dtype is not None and dtype not in DTYPES:
        raise UnknownNameError(tr("dtype"), dtype, DTYPES)
    if stored_quantization is not None and quantization not in (None, stored_quantization):
        raise ModelLoadError(
            tr(
                "The weights are stored as {stored_quantization}; --quantization {quantization} cannot be had from "
                "them.",
                stored_quantization=stored_quantization,
                quantization=quantization,
            ),
            hint=tr("Use the unquantised model, or leave --quantization out."),
        )
    default: Quantization = "nf4" if device == "cuda" else "none"
    chosen = stored_quantization or quantization or default
    return Numerics(
        device=device,
        dtype=default_dtype(device) if dtype is None else DTYPES[dtype],
        quantization="nf4" if chosen == "nf4" else "none",
        double_quant=double_quant,
    )
