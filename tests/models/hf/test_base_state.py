"""Every change of a base is seen, and every wrapper taken off."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from harness.models.hf import BASE_MODELS, open_local
from harness.models.hf.base_state import Structure, digest_of
from harness.types import ModelSpec, Request
from tests.patience import PATIENCE

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]
MakeAdapter = Callable[..., Path]

PROMPT = "### 指示\n日本の首都は？\n### 回答\n"


@pytest.fixture
def model(tiny: Path) -> Any:
    """A base of one's own."""
    return AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()


def weight(model: Any) -> torch.Tensor:
    """Return the data of one matrix."""
    data: torch.Tensor = model.model.layers[1].mlp.up_proj.weight.data
    return data


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.int8, torch.bool, torch.float64])
@pytest.mark.parametrize("size", [1, 3, 8, 1000, (1 << 18) * 2 + 5])
def test_one_bit_anywhere_is_seen(dtype: torch.dtype, size: int) -> None:
    """In a tensor of any type and length, at its ends, and for two words whose changes cancel in a plain sum."""
    holder = torch.nn.Module()
    drawn = torch.randn(size, generator=torch.Generator().manual_seed(1)) * 50
    holder.register_buffer("table", drawn.to(dtype))
    before = digest_of(holder)
    assert before == digest_of(holder)
    data = holder.get_buffer("table").view(torch.uint8)
    for place in {0, len(data) // 2, len(data) - 1}:
        for bit in (1, 128):
            data[place] ^= bit
            assert before != digest_of(holder)
            data[place] ^= bit
    if len(data) >= 16:
        first, second = data[7].clone(), data[15].clone()
        data[7] ^= 128  # the highest bits of two words
        data[15] ^= 128
        assert before != digest_of(holder)
        data[7], data[15] = first, second
    assert before == digest_of(holder)


def test_a_permutation_is_seen(model: Any) -> None:
    """Of rows, and of whole blocks of words."""
    before = digest_of(model)
    data = weight(model)
    kept = data.clone()
    data.copy_(kept.flip(0))
    assert before != digest_of(model)
    data.copy_(kept)
    assert before == digest_of(model)
    large = torch.nn.Module()
    large.register_buffer("table", torch.arange(4 << 18, dtype=torch.int64))
    first = digest_of(large)
    large.get_buffer("table").copy_(large.get_buffer("table").view(4, -1).flip(0).reshape(-1))
    assert first != digest_of(large)


def _reassigned(model: Any) -> None:
    model.model.layers[0].mlp.up_proj.weight.data = model.model.layers[0].mlp.up_proj.weight.data * 2


def _hooked(model: Any) -> None:
    model.model.layers[0].register_forward_hook(lambda *_: None)


def _overridden(model: Any) -> None:
    model.model.layers[0].forward = lambda hidden, **_: hidden


def _reconfigured(model: Any) -> None:
    model.config.num_hidden_layers = 1


def _wrapped(model: Any) -> None:
    get_peft_model(model, LoraConfig(target_modules=["q_proj"], modules_to_save=["lm_head"]))


def _buffer(model: Any) -> None:
    model.model.rotary_emb.inv_freq += 1e-6


def _less(model: Any) -> None:
    del model.model.layers[1]


@pytest.mark.parametrize("change", [_reassigned, _hooked, _overridden, _reconfigured, _wrapped, _buffer, _less])
def test_a_change_of_any_kind_is_seen(model: Any, change: Callable[[Any], None]) -> None:
    """Values, tables, hooks, methods, configuration and structure."""
    before = digest_of(model)
    change(model)
    assert before != digest_of(model)


@pytest.mark.parametrize("change", [_hooked, _overridden, _wrapped, _less])
def test_the_structure_comes_back(model: Any, change: Callable[[Any], None]) -> None:
    """Whatever was wrapped, hung on or taken away."""
    before, structure = digest_of(model), Structure(model)
    change(model)
    structure.restore()
    assert before == digest_of(model)


def test_folding_an_adapter_in_and_out_again_is_no_restoration(model: Any) -> None:
    """The last bits of a sum and a difference stay; only the weights kept aside are the same."""
    before, structure = digest_of(model), Structure(model)
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    wrapped = get_peft_model(model, LoraConfig(target_modules=["q_proj"], init_lora_weights=False))
    wrapped.merge_adapter()
    assert dict(before_tensors(before)) != dict(structure_tensors(structure))
    wrapped.unmerge_adapter()
    structure.restore()
    assert before != digest_of(model)
    model.load_state_dict(kept)
    assert before == digest_of(model)


def before_tensors(digest: Any) -> list[tuple[str, int]]:
    """Return the checksums of a digest by name."""
    return [(name, value) for name, _, value in digest.tensors]


def structure_tensors(structure: Structure) -> list[tuple[str, int]]:
    """Return the checksums of what a structure holds now, by name."""
    return [(name, value) for name, _, value in structure.tensors()]


@pytest.mark.parametrize(
    "options",
    [
        {"quantization": "nf4"},
        {"quantization": "nf4", "settings": {"double_quant": True}},
        {"quantization": "nf4", "settings": {"fast_dequantize": True}},
        {"dtype": "bfloat16"},
    ],
    ids=["nf4", "nf4 double", "dequantised", "bfloat16"],
)
def test_a_base_in_any_form_is_unchanged_by_a_good_adapter_and_a_change_is_seen(
    tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf, ask: Ask, options: dict[str, Any]
) -> None:
    """Quantised layers may take another form at their first product: that is no change; a scale that moves is."""
    base = open_local(spec_of("base", base=str(tiny), **options))
    adapter = open_local(spec_of(f"adapter:{make_adapter(tiny, seed=4)}", base=str(tiny), **options))
    BASE_MODELS.clear()
    loads = BASE_MODELS.loads
    first = [answer.text for answer in base.generate([ask(PROMPT)])]
    for _ in range(2):
        assert all(answer.text is not None for answer in adapter.generate([ask(PROMPT)]))
        assert first == [answer.text for answer in base.generate([ask(PROMPT)])]
    assert 1 == BASE_MODELS.loads - loads
    held = base._base()
    assert not held.switch.in_doubt
    list(adapter.generate([ask(PROMPT)]))
    matrix = held.model.get_submodule("model.layers.0.mlp.up_proj")
    matrix = getattr(matrix, "base_layer", matrix).weight
    state = getattr(matrix, "quant_state", None)
    with torch.inference_mode():
        if state is None:
            matrix.data[0, 0] += 1
        elif state.nested:
            state.state2.absmax[0] *= 2
        else:
            state.absmax[0] *= 2
    assert first == [answer.text for answer in base.generate([ask(PROMPT)])]
    assert 2 == BASE_MODELS.loads - loads


def test_a_gigabyte_takes_about_a_second() -> None:
    """Once for each change of adapter: no more than a few tokens cost."""
    holder = torch.nn.Module()
    holder.register_buffer("table", torch.ones(64 << 20))
    digest_of(holder)
    began = time.process_time()
    digest_of(holder)
    assert time.process_time() - began < PATIENCE
