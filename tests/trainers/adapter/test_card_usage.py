"""How the card says an adapter is used."""

from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from tests.trainers.adapter.cards import code, headings, made
from tests.trainers.adapter_folders import own_contract, record_of


@pytest.mark.parametrize(
    ("base", "revision", "expected"),
    [
        ("org/name@main", "a" * 40, "org/name"),
        ("hf:org/name", "a" * 40, "org/name"),
        ("embedded:gemma-3-270m", None, None),
        ("gguf:models/a.gguf", None, None),
        ("models/mine", None, None),
        ("/data/models/mine", None, None),
    ],
)
def test_only_a_model_of_the_hub_is_named_as_base(base: str, revision: str | None, expected: str | None) -> None:
    """A folder that looks like a Hub id has no revision; every base is named in the text."""
    text = made(record_of(base=base, base_revision=revision))
    assert expected == ModelCard(text).data.to_dict().get("base_model")
    assert f"A LoRA adapter for `{base}`" in text


def test_a_template_with_fences_stays_in_its_block(tmp_path: Path) -> None:
    """Backticks in the prompt make the fence longer; the section after it is a heading as ever."""
    body = "````\n```python\n{{ input }}\n```\n````\n"
    text = made(contract=own_contract(body, tmp_path))
    assert [body] == code(text, "jinja")
    assert "Recipe" in headings(text)


@pytest.mark.parametrize("key", ["use_dora", "use_rslora"])
def test_a_kind_of_lora_is_a_tag_and_what_servers_do_not_take_is_said(key: str) -> None:
    """DoRA is refused by vLLM; the scale of rsLoRA it takes from the configuration."""
    plain = record_of()
    text = made(replace(plain, recipe={**plain.recipe, key: True}))
    assert key.removeprefix("use_") in ModelCard(text).data.to_dict()["tags"]
    assert ("vLLM takes no DoRA adapters" in text) == (key == "use_dora")


@pytest.mark.parametrize(("rank", "option"), [(12, None), (20, 32), (33, 64), (300, 320), (600, None)])
def test_the_rank_that_vllm_is_told_is_one_that_it_takes(rank: int, option: int | None) -> None:
    """Its ``--max-lora-rank`` takes certain numbers only, and refuses to start with others."""
    plain = record_of()
    text = made(replace(plain, recipe={**plain.recipe, "lora_r": rank}))
    assert (f"`--max-lora-rank {option}`" in text) == (option is not None)
    assert ("max-lora-rank" in text) == (option is not None)
    assert ("vLLM takes no adapters of rank" in text) == (rank > 512)
