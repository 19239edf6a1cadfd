"""Tiny models as transformers and peft themselves see them."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from harness.testing import make_llama, make_lora

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", "peft")),
    reason="the extra [local] is not installed",
)


def test_a_tokenizer_writes_what_it_read(llama_tokenizer: Any) -> None:
    """Any text, byte by byte where it has no piece for it, with <s> in front."""
    for text in ("日本の首都は？", "🍣 emoji", "line\nbreak", "  two"):
        ids = llama_tokenizer(text).input_ids
        assert 1 == ids[0]
        assert text == llama_tokenizer.decode(ids, skip_special_tokens=True)
    assert ("<s>", "</s>", "<pad>") == (
        llama_tokenizer.bos_token, llama_tokenizer.eos_token, llama_tokenizer.pad_token,
    )  # fmt: skip


def test_the_same_seed_makes_the_same_model(tmp_path: Path) -> None:
    """Another one another; settings are those of the configuration."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    folders = [make_llama(tmp_path / str(n), seed=seed, hidden=32) for n, seed in enumerate((1, 1, 2))]
    first, same, other = (AutoModelForCausalLM.from_pretrained(folder).lm_head.weight for folder in folders)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    wide = AutoConfig.from_pretrained(make_llama(tmp_path / "wide", max_position_embeddings=99))
    assert (2, 99) == (wide.num_hidden_layers, wide.max_position_embeddings)


def test_an_adapter_belongs_to_its_base_and_has_an_effect_unless_it_shall_not(tiny: Path, tmp_path: Path) -> None:
    """Loaded by peft alone."""
    import torch
    from peft import PeftConfig, PeftModel
    from transformers import AutoModelForCausalLM

    ids = torch.tensor([[1, 20, 30]])
    scores = {}
    for name, scale in (("none", 0.0), ("some", 0.05)):
        folder = make_lora(tmp_path / name, tiny, base="org/base", scale=scale, r=2)
        config = PeftConfig.from_pretrained(folder)
        assert ("org/base", 2) == (config.base_model_name_or_path, config.r)
        with torch.inference_mode():
            scores[name] = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), folder)(ids).logits
    with torch.inference_mode():
        plain = AutoModelForCausalLM.from_pretrained(tiny)(ids).logits
    assert torch.allclose(plain, scores["none"])
    assert not torch.allclose(plain, scores["some"])
