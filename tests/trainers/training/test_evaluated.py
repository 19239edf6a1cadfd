"""What evaluation makes of an adapter is what training made it: logits of kinds of LoRA, on the same weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import AdapterMismatchError
from harness.models.hf.adapter_switch import Switch
from harness.models.hf.adapters import open_adapter
from harness.models.hf.base_state import is_packed
from harness.models.hf.resolved_base import resolve_base
from tests.trainers.training.conftest import Workbench
from trainers.training.model import load_trainable_model

SETTINGS: dict[str, Any] = {"learning_rate": 3e-2, "max_steps": 3}


def opened(bench: Workbench, quantization: str, *, dequantized: bool = False) -> Any:
    """Return the base as evaluation loads it, in bfloat16."""
    base = resolve_base(str(bench.base), None, {}, quantization=quantization, dtype="bfloat16")
    route = "dequantised" if dequantized else "plain"
    return replace(base, numerics=replace(base.numerics, route=route)).load_model()


@torch.no_grad()
def scores(model: Any, ids: tuple[int, ...]) -> torch.Tensor:
    found: torch.Tensor = model(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0].float()
    return found


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("more", [{"use_rslora": True}, {"use_dora": True}], ids=str)
def test_logits_are_those_of_training(
    more: dict[str, Any], quantization: str, bench: Workbench, tmp_path: Path
) -> None:
    """Bit for bit in bfloat16: the magnitudes of DoRA, which training holds in float32, are not rounded."""
    settings = (
        SETTINGS | more | {"quantization": quantization} | ({"dequantize": True} if quantization == "nf4" else {})
    )
    bench.train(tmp_path / "a", dtype="bfloat16", **settings)
    prepared = bench.prepare(dtype="bfloat16", **settings)
    ids = prepared.train.samples[3].ids
    trained = load_trainable_model(prepared.base, prepared.recipe, prepared.plan(), tmp_path / "a").eval()
    with torch.autocast("cpu", torch.bfloat16):
        expected = scores(trained, ids)
        with trained.disable_adapter():
            without = scores(trained, ids)
    model = opened(bench, quantization, dequantized=quantization == "nf4")
    switch = Switch(model, torch.bfloat16)
    switch.use(open_adapter(str(tmp_path / "a")))
    assert torch.equal(expected, scores(model, ids))
    assert (expected - without).std() > 0.1 * without.std()
    switch.use(None)
    assert not switch.in_doubt


def test_dora_on_packed_weights_is_refused(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What bitsandbytes packs for AVX512-BF16 peft reads as if it were not packed: two thirds of the spread off."""
    bench.train(tmp_path / "a", dtype="bfloat16", use_dora=True, **SETTINGS)
    model = opened(bench, "nf4")
    switch = Switch(model, torch.bfloat16)
    if not is_packed(model):  # on other CPUs nothing is
        weight = next(module.weight for module in model.modules() if hasattr(module, "quant_state"))
        monkeypatch.setattr(weight.quant_state, "packing_format_for_cpu", True, raising=False)
        monkeypatch.setattr(switch, "_settle", lambda: None)
    with pytest.raises(AdapterMismatchError, match="needs the base's weights themselves") as caught:
        switch.use(open_adapter(str(tmp_path / "a")))
    assert "fast_dequantize = true" in str(caught.value.hint)
    assert not switch.in_doubt


def test_plain_lora_is_answered_on_packed_weights(bench: Workbench, tmp_path: Path) -> None:
    """It multiplies beside the base's layers and never reads their weights."""
    bench.train(tmp_path / "a", dtype="bfloat16", use_rslora=True, **SETTINGS)
    model = opened(bench, "nf4")
    switch = Switch(model, torch.bfloat16)
    ids = bench.prepare(dtype="bfloat16", **SETTINGS).train.samples[3].ids
    base = scores(model, ids)
    switch.use(open_adapter(str(tmp_path / "a")))
    assert not torch.equal(base, scores(model, ids))
