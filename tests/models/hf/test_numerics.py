"""How a model computes: the device's own dtype, and 4-bit weights as bitsandbytes has them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from harness.models.hf import numerics, open_local
from harness.models.hf.numerics import choose
from harness.types import ModelSpec


@pytest.mark.parametrize(
    ("capability", "expected"), [((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)]
)
def test_a_gpu_gets_nf4_and_the_dtype_it_multiplies(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: torch.dtype
) -> None:
    """bfloat16, or float16 where it would be emulated: a Colab T4 (7.5)."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    chosen = choose(quantization=None, dtype=None)
    assert ("cuda", expected, "nf4") == (chosen.device, chosen.dtype, chosen.quantization)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({"avx512_bf16": True}, torch.bfloat16), ({"amx_bf16": True}, torch.bfloat16), ({"avx2": True}, torch.float32)],
)
def test_a_cpu_gets_the_dtype_it_multiplies(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: torch.dtype
) -> None:
    """float32 where bfloat16 would be emulated, seven times slower."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    chosen = choose(quantization=None, dtype=None)
    assert ("cpu", expected, "none") == (chosen.device, chosen.dtype, chosen.quantization)
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert torch.float32 == numerics.default_dtype("cpu")


@pytest.mark.parametrize(
    ("settings", "tolerance"),
    [({}, 0.1), ({"fast_dequantize": True}, 1e-5)],
    ids=["on every call", "once"],  # on every call: bitsandbytes multiplies in bfloat16 on a CPU that has it
)
def test_nf4_weights_are_those_of_bitsandbytes_by_both_routes(
    tiny: Path, spec_of: Callable[..., ModelSpec], settings: dict[str, bool], tolerance: float
) -> None:
    """The scores are those of a model whose linear layers went through bitsandbytes' own functions and back."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    model = open_local(spec_of(f"hf:{tiny}", quantization="nf4", settings=settings))
    ours = model._base().switch.scores([1, 20, 30, 40])
    reference = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    ids = torch.tensor([[1, 20, 30, 40]])
    with torch.inference_mode():
        unquantised = reference(input_ids=ids).logits[0, -1]
        for name, module in reference.named_modules():
            if isinstance(module, torch.nn.Linear) and name != "lm_head":
                module.weight.copy_(dequantize_4bit(*quantize_4bit(module.weight, blocksize=64, quant_type="nf4")))
        expected = reference(input_ids=ids).logits[0, -1]
    spread = float(expected.std())
    assert float((expected - ours).abs().max()) < tolerance * spread
    assert float((expected - unquantised).abs().max()) > 0.2 * spread
