"""Attention over samples laid end to end: where it is used, and what it refuses to compute."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GptOssConfig,
    Llama4TextConfig,
    LlamaConfig,
    MistralConfig,
    Qwen3Config,
    Qwen3NextConfig,
)

from harness.errors import HarnessError
from trainers.training import attention
from trainers.training.batches import pack, unpack


def test_attention_by_bounds_is_for_gpus_with_bfloat16_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for a CPU, nor float32, nor older GPUs, nor heads that are too wide, nor scores with a cap."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    llama: Any = LlamaConfig(hidden_size=256, num_attention_heads=4)

    def choose(config: Any = llama, device: str = "cuda", dtype: torch.dtype = torch.bfloat16) -> str:
        return attention.choose_attention(config, device, dtype)

    if not hasattr(attention.varlen, "varlen_attn"):
        pytest.skip("this torch has no attention for sequences of many lengths")
    assert attention.VARLEN == choose()
    wide = LlamaConfig(hidden_size=2048, num_attention_heads=4)
    for chosen in (
        choose(device="cpu"),
        choose(dtype=torch.float32),
        choose(wide),
        choose(Gemma2Config(attn_logit_softcapping=50.0)),
    ):
        assert attention.DENSE == chosen
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    assert attention.DENSE == choose()


def first_varlen(query: Any, key: Any, value: Any, cu_q: Any, cu_k: Any, max_q: Any, max_k: Any, is_causal: Any) -> Any:
    """Stand for the function as torch 2.10 has it: no scale, no window."""


@pytest.mark.parametrize(
    "config",
    [
        Qwen3Config(layer_types=["full_attention", "sliding_attention"], num_hidden_layers=2, sliding_window=8),
        Llama4TextConfig(num_hidden_layers=2),  # attention in chunks
        Qwen3NextConfig(num_hidden_layers=4),  # with linear attention
    ],
)
def test_attention_by_bounds_knows_whole_and_sliding_layers(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers that look back in another way get their mask from transformers."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(attention, "varlen", SimpleNamespace(varlen_attn=recorded([])))
    known = isinstance(config, Qwen3Config)
    assert (attention.VARLEN if known else attention.DENSE) == attention.choose_attention(
        config, "cuda", torch.bfloat16
    )


@pytest.mark.parametrize("model", ["doge", "phimoe", "qwen2_moe"])
def test_a_window_that_only_the_mask_knows_takes_the_mask(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """These models pass no window to their attention: by bounds, a sample longer than it would look back further."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(attention, "varlen", SimpleNamespace(varlen_attn=recorded([])))
    chosen = []
    for window in (8, None):
        config: Any = AutoConfig.for_model(model)
        config.sliding_window, config.layer_types = window, None
        chosen.append(attention.choose_attention(config, "cuda", torch.bfloat16))
    assert [attention.DENSE, attention.VARLEN] == chosen


def test_the_first_version_of_attention_by_bounds_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no scale and no window, and every call would fail."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(attention, "varlen", SimpleNamespace(varlen_attn=first_varlen))
    assert attention.DENSE == attention.choose_attention(LlamaConfig(), "cuda", torch.bfloat16)


def test_asking_for_the_attention_registers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is planned, and a training may be refused, without transformers knowing of a kernel that nobody uses."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(attention, "varlen", SimpleNamespace(varlen_attn=recorded([])))
    registered: list[str] = []
    for interface in (attention.AttentionInterface, attention.AttentionMaskInterface):
        monkeypatch.setattr(interface, "register", lambda name, _: registered.append(name))
    assert attention.VARLEN == attention.choose_attention(LlamaConfig(), "cuda", torch.bfloat16)
    assert [] == registered
    attention.use_attention(SimpleNamespace(set_attn_implementation=registered.append), attention.VARLEN)
    assert [attention.VARLEN] * 3 == registered


def recorded(calls: list[dict[str, Any]]) -> Any:
    """Return a stand-in for torch's function that notes how it is called."""

    def attend(*tensors: Any, scale: float | None = None, window_size: tuple[int, int] = (-1, -1)) -> Any:
        calls.append({"scale": scale, "window_size": window_size, "bounds": tensors[3:]})
        return tensors[0]

    return attend


SMALL: dict[str, Any] = {
    "vocab_size": 100,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
}


def forward_by_bounds(config: Any, monkeypatch: pytest.MonkeyPatch, **extra: Any) -> list[dict[str, Any]]:
    """Send a row of two samples through a random model with attention by bounds; return the calls of torch's."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(attention, "varlen", SimpleNamespace(varlen_attn=recorded(calls)))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    model = AutoModelForCausalLM.from_config(config)
    attention.use_attention(model, attention.VARLEN)
    row = pack([{"input_ids": [1, 2, 3], "labels": [1, 2, 3]}, {"input_ids": [4, 5], "labels": [4, 5]}])
    model(**unpack(row, range(2), bounds=True), use_cache=False, **extra)
    return calls


@pytest.mark.parametrize(
    ("config", "windows"),
    [
        (LlamaConfig(**SMALL), [(-1, 0), (-1, 0)]),
        (Qwen3Config(**SMALL), [(-1, 0), (-1, 0)]),
        (MistralConfig(**SMALL, sliding_window=8), [(7, 0), (7, 0)]),
        (
            Gemma3TextConfig(**SMALL, sliding_window=8, layer_types=["sliding_attention", "full_attention"]),
            [(7, 0), (-1, 0)],
        ),
    ],
)
def test_what_common_models_pass_to_their_layers_is_understood(
    config: Any, windows: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every layer looks back as far as its config says, at the model's own scale, within the samples' bounds."""
    calls = forward_by_bounds(config, monkeypatch)
    assert windows == [call["window_size"] for call in calls]
    for call in calls:
        assert call["scale"] == pytest.approx(getattr(config, "query_pre_attn_scalar", 16) ** -0.5)
        assert [0, 3, 5] == call["bounds"][0].tolist()


def test_attention_with_sinks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention without gpt-oss's sinks would be another model's, and nothing would say so."""
    with pytest.raises(HarnessError, match="attention with s_aux, which training cannot compute") as error:
        forward_by_bounds(GptOssConfig(**SMALL, num_local_experts=2, num_experts_per_tok=1), monkeypatch)
    assert "--base" in str(error.value.hint)


def test_attention_in_both_directions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's function is told to look back only."""
    with pytest.raises(HarnessError, match="is_causal"):
        forward_by_bounds(LlamaConfig(**SMALL), monkeypatch, is_causal=False)
    assert 2 == len(forward_by_bounds(LlamaConfig(**SMALL), monkeypatch, is_causal=True))
