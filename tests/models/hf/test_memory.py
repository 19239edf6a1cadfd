"""Estimates before loading, against what models really take, and the refusal of what does not fit."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig

from harness.errors import HarnessError
from harness.models.hf import BASE_MODELS, bases, open_local
from harness.models.hf.memory import GIB, Footprint, available_bytes, check_fits, dequantised_fits, footprint
from harness.models.hf.numerics import Numerics
from harness.models.hf.sources import local_folder, resolve
from harness.types import ModelSpec, Request

LLM_JP_13B = LlamaConfig(
    hidden_size=5120,
    intermediate_size=13824,
    num_hidden_layers=40,
    num_attention_heads=40,
    num_key_value_heads=40,
    vocab_size=99584,
    max_position_embeddings=4096,
    tie_word_embeddings=False,
)


def plain(dtype: torch.dtype, quantization: str = "none") -> Numerics:
    """Return CPU numerics."""
    return Numerics(device="cpu", dtype=dtype, quantization="nf4" if quantization == "nf4" else "none")


def test_the_13b_shape_has_its_published_size() -> None:
    """13.7 B parameters (FACTS of the model's card): 27.4 GB in bfloat16, about 8 GB with 4-bit layers."""
    sizes = footprint(LLM_JP_13B)
    assert 13.7 == round((sizes.linear + sizes.other) / 1e9, 1)
    assert 27.4 * 1e9 == pytest.approx(sizes.weight_bytes(plain(torch.bfloat16)), rel=0.06)
    assert 8.2 < sizes.weight_bytes(plain(torch.bfloat16, "nf4")) / 1e9 < 9.7
    assert 40 * 2 * 5120 == sizes.kv_elements


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_estimates_are_what_a_model_takes(tiny: Path, quantization: str) -> None:
    """Within 10 % of the bytes of a loaded model, never less than it takes."""
    options = {}
    if quantization == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32, **options)
    real = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    for module in model.modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        real += state.absmax.numel() * state.absmax.element_size() if state else 0
    estimate = footprint(AutoConfig.from_pretrained(tiny)).weight_bytes(plain(torch.float32, quantization))
    assert real <= estimate <= 1.1 * real


def test_tied_embeddings_count_once(embedded: str) -> None:
    """Gemma's output layer is its embedding: 268 million parameters, not 436."""
    sizes = footprint(AutoConfig.from_pretrained(local_folder(resolve(embedded))))
    assert 268 == round((sizes.linear + sizes.other) / 1e6)


def test_what_does_not_fit_is_refused_before_loading(
    tiny: Path, spec_of: Callable[..., ModelSpec], ask: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With both figures and what to do; no weight is read."""
    monkeypatch.setattr(bases, "available_bytes", lambda _: 1000)
    monkeypatch.setattr(bases, "_SIZES", {})
    monkeypatch.setattr(bases, "footprint", lambda *_, **__: footprint(LLM_JP_13B))
    monkeypatch.setattr(bases, "check_elements", lambda *_: None)
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda *_, **__: pytest.fail("loaded"))
    BASE_MODELS.clear()
    model = open_local(spec_of(f"hf:{tiny}"))
    with pytest.raises(HarnessError, match=r"needs about 53\.6 GiB as float32, and 0\.0 GiB are available") as caught:
        list(model.generate([ask("a")]))
    assert "What would do: a machine with a GPU, a smaller base." == caught.value.hint


@pytest.mark.parametrize(
    ("gib", "proposed"),
    [
        (30, "--quantization nf4 (about 11.0 GiB), --dtype bfloat16 (about 26.8 GiB)"),
        (9.5, "--quantization nf4 --dtype bfloat16 (about 9.0 GiB)"),
        (4, ""),
    ],
)
def test_only_what_would_fit_is_proposed(gib: float, proposed: str) -> None:
    """A remedy that would fail as well is none."""
    sizes, numerics = footprint(LLM_JP_13B), plain(torch.float32)
    with pytest.raises(HarnessError) as caught:
        check_fits("llm-jp", sizes.loading_bytes(numerics), int(gib * GIB), numerics, sizes)
    rest = "a machine with a GPU, a smaller base."
    assert f"What would do: {f'{proposed}, ' if proposed else ''}{rest}" == caught.value.hint


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    """The machine's memory is not the container's."""
    limit = tmp_path / "memory.max"
    limits = (str(limit), str(tmp_path / "none"))
    free = available_bytes("cpu", limits)
    limit.write_text("max\n", encoding="ascii")
    assert free == pytest.approx(available_bytes("cpu", limits), rel=0.2)
    limit.write_text(str(1 << 20), encoding="ascii")
    assert 0 == available_bytes("cpu", limits)


def test_the_faster_route_needs_half_of_the_gpu() -> None:
    """An H200 and an A100 80 take it for 13 B, a 24 GB card and a T4 do not."""
    sizes = footprint(LLM_JP_13B)
    nf4 = Numerics(device="cuda", dtype=torch.bfloat16, quantization="nf4")
    assert [True, True, False, False] == [dequantised_fits(sizes, nf4, total * GIB) for total in (139, 80, 24, 15)]


def test_a_row_grows_with_its_tokens() -> None:
    """Cache for all tokens, activations for the prompt and its mask, scores once."""
    sizes = Footprint(linear=0, other=0, kv_elements=10, activations=100, vocabulary=1000)
    assert (30 * 10 + 20 * 100) * 2 + 40_000 + 3 * 20 * 20 == sizes.row_bytes(20, 10, torch.bfloat16)
