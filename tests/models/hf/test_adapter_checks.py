"""What is compared of an adapter and its base before it is attached: shapes, ranks, tokenizers."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError, InputError
from harness.models.hf import open_local
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]


SpecOf = Callable[..., ModelSpec]


MakeAdapter = Callable[..., Path]


PROMPT = "### 指示\n日本の首都は？\n### 回答\n"


def test_an_adapter_that_reaches_no_layer_is_refused(
    tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf, ask: Ask
) -> None:
    """Tensors under names that the model does not have are loaded by nobody."""
    folder = make_adapter(tiny, seed=4)
    tensors = load_file(folder / "adapter_model.safetensors")
    renamed = {key.replace("model.layers", "transformer.h"): value for key, value in tensors.items()}
    save_file(renamed, folder / "adapter_model.safetensors")
    model = open_local(spec_of(f"adapter:{folder}", base=str(tiny)))
    with pytest.raises(HarnessError, match="none of its 28 tensors belongs to a layer") as caught:
        list(model.generate([ask(PROMPT)]))
    assert "--base" in str(caught.value.hint)


def test_an_adapter_of_another_shape_is_refused(
    make_tiny: Callable[..., Path], make_adapter: MakeAdapter, tiny: Path, spec_of: SpecOf, ask: Ask
) -> None:
    """The layer, both sizes and the way out are named, before peft tries."""
    folder = make_adapter(make_tiny("tiny-llama", hidden=32))
    model = open_local(spec_of(f"adapter:{folder}", base=str(tiny)))
    with pytest.raises(HarnessError, match=r"down_proj.lora_A.weight is 4×64, and the layer's in_features is 128"):
        list(model.generate([ask(PROMPT)]))


def test_weights_of_another_rank_than_the_configuration_are_refused(
    tiny: Path, make_adapter: MakeAdapter, set_config: Callable[..., None], spec_of: SpecOf, ask: Ask
) -> None:
    """Files of two trainings in one folder."""
    folder = make_adapter(tiny, seed=6)
    set_config(folder, r=8)
    with pytest.raises(InputError, match="has rank 4, and the configuration says 8"):
        list(open_local(spec_of(f"adapter:{folder}", base=str(tiny))).generate([ask(PROMPT)]))


def test_a_tokenizer_with_tokens_that_the_base_lacks_is_refused(
    tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf, ask: Ask
) -> None:
    """The base's own tokenizer beside an adapter is silent, a smaller one is reported."""
    folder = make_adapter(tiny, seed=7)
    model = open_local(spec_of(f"adapter:{folder}", base=str(tiny)))
    tokenizer = json.loads((tiny / "tokenizer.json").read_text(encoding="utf-8"))
    size = len(tokenizer["model"]["vocab"])

    def write(entries: list[dict[str, object]]) -> None:
        tokenizer["added_tokens"] = entries
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")

    write([])
    assert 1 == len(list(model.generate([ask(PROMPT)])))
    assert not any("tokenizer" in notice for notice in model.notices())
    write([{"id": size, "content": "[PAD]"}])
    again = open_local(spec_of(f"adapter:{folder}", base=str(tiny)))
    with pytest.raises(HarnessError, match=f"tokenizer of {size + 1} entries; its base has {size}"):
        list(again.generate([ask(PROMPT)]))
    (folder / "tokenizer.json").write_text('{"model": {"vocab": [["a", 0], ["b", -1]]}}', encoding="utf-8")
    smaller = open_local(spec_of(f"adapter:{folder}", base=str(tiny)))
    list(smaller.generate([ask(PROMPT)]))
    assert any(f"its tokenizer has 2 entries, the base's {size}" in notice for notice in smaller.notices())
    (folder / "tokenizer.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="not readable as a tokenizer"):
        list(open_local(spec_of(f"adapter:{folder}", base=str(tiny))).generate([ask(PROMPT)]))
