"""Bases in memory: one at a time, loaded once, whole, and with the ids that end an answer."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.errors import DamagedFileError, HarnessError
from harness.models.hf import bases
from harness.models.hf.bases import BaseModelCache, end_tokens, load_base, load_encoder, stored_quantization
from harness.models.hf.numerics import Numerics
from harness.models.hf.sources import resolve

PLAIN = Numerics(device="cpu", dtype=torch.float32, quantization="none")


def test_one_base_is_kept_and_another_takes_its_place() -> None:
    """The first is released before the second is loaded: there is room for one."""
    cache, order = BaseModelCache(), []

    def load(name: str) -> object:
        order.append((name, cache._base))
        return name

    for name in ("a", "a", "b", "a"):
        assert name == cache.get(name, lambda name=name: load(name))  # type: ignore[arg-type, return-value, misc]
    assert ([("a", None), ("b", None), ("a", None)], 3) == (order, cache.loads)
    cache.clear()
    cache.get("a", lambda: load("a"))  # type: ignore[arg-type, return-value]
    assert 4 == cache.loads


def test_a_base_that_cannot_be_loaded_leaves_the_place_empty() -> None:
    """And the next try tries again."""
    cache = BaseModelCache()

    def fail() -> object:
        raise HarnessError("no room")

    for _ in range(2):
        with pytest.raises(HarnessError, match="no room"):
            cache.get("a", fail)  # type: ignore[arg-type]
    assert 0 == cache.loads


def test_a_base_is_what_its_files_say(tiny: Path) -> None:
    """Weights as they are, nothing to train, the context and the ids of its configuration."""
    base = load_base(resolve(str(tiny)), PLAIN, trusted=False)
    weights = load_file(tiny / "model.safetensors")
    assert torch.equal(weights["lm_head.weight"], base.model.lm_head.weight)
    assert not any(parameter.requires_grad for parameter in base.model.parameters())
    assert (256, frozenset({2}), 3) == (base.context, base.end, base.pad)
    assert base.sizes.linear + base.sizes.other == sum(one.numel() for one in base.model.parameters())


def test_missing_weights_are_never_drawn_at_random(copy: Path) -> None:
    """Transformers would, and say so in a log."""
    path = copy / "model.safetensors"
    save_file(
        {name: value for name, value in load_file(path).items() if "layers.1.mlp" not in name}, path, {"format": "pt"}
    )
    with pytest.raises(DamagedFileError, match="lacks 3 of its weights"):
        load_base(resolve(str(copy)), PLAIN, trusted=False)


def test_a_tokenizer_alone_needs_no_weights(copy: Path) -> None:
    """And a damaged one is said."""
    (copy / "model.safetensors").unlink()
    (copy / "model.safetensors").write_bytes((8).to_bytes(8, "little") + b"{}      ")
    assert load_encoder(resolve(str(copy)), trusted=False) is not None
    (copy / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(HarnessError, match="copy"):
        load_encoder(resolve(str(copy)), trusted=False)


@pytest.mark.parametrize(
    ("named", "own", "expected"),
    [(2, 2, {2}), ([2, 7], 2, {2, 7}), (None, 2, {2}), (None, None, set()), ([9], None, {9})],
)
def test_an_answer_ends_with_what_either_names(named: object, own: int | None, expected: set[int]) -> None:
    """The model's generation config and its tokenizer."""
    assert expected == end_tokens(named, SimpleNamespace(eos_token_id=own))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [(None, None), ({"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "nf4"), ({"quant_method": "gptq"}, "gptq"),
     ({"load_in_4bit": False, "quant_method": "bitsandbytes"}, "bitsandbytes")],
)  # fmt: skip
def test_weights_say_how_they_are_stored(stored: object, expected: str | None) -> None:
    """Read from the configuration alone."""
    config = {} if stored is None else {"quantization_config": stored}
    assert expected == stored_quantization(json.loads(json.dumps(config)))


def test_sizes_are_counted_once_for_all_adapters_on_a_base(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that says anything else is counted anew, and one that cannot be built is refused each time."""
    counted: list[int] = []
    own = bases.footprint

    def counting(config: Any, *, trust_remote_code: bool) -> Any:
        counted.append(1)
        return own(config, trust_remote_code=trust_remote_code)

    monkeypatch.setattr(bases, "_SIZES", {})
    monkeypatch.setattr(bases, "footprint", counting)
    source = resolve(f"hf:{tiny}")
    first, again = (
        bases.sizes_of(source, bases.read_config(source, tiny, trusted=False), trusted=False) for _ in range(2)
    )
    assert (first, 1) == (again, len(counted))
    config = bases.read_config(source, tiny, trusted=False)
    config.num_hidden_layers += 1
    larger = bases.sizes_of(source, config, trusted=False)
    assert larger.linear > first.linear
    config.num_attention_heads = 0
    for _ in range(2):
        with pytest.raises(HarnessError):
            bases.sizes_of(source, config, trusted=False)
    assert 4 == len(counted)
