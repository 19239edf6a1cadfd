"""An adapter that training goes on from: what it decides, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from harness.errors import HarnessError
from trainers.recipe import load_recipe
from trainers.start import open_start, with_shape_of


@pytest.fixture
def adapter(tiny: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes an adapter of the tiny Llama."""

    def make(**config: Any) -> Path:
        torch.manual_seed(0)
        settings = {"r": 4, "lora_alpha": 12, "target_modules": ["v_proj", "q_proj"], "task_type": "CAUSAL_LM"} | config
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny), LoraConfig(**settings))
        model.save_pretrained(tmp_path / "adapter")
        return tmp_path / "adapter"

    return make


def test_the_adapter_decides_shape_and_base(adapter: Callable[..., Path], tiny: Path) -> None:
    """Whatever the recipe's defaults are; what --set names alike is no contradiction."""
    start = open_start(f"adapter:{adapter()}", None)
    recipe = with_shape_of(load_recipe("dpo", ["lora_r=4"]), start).values
    assert (4, 12, ("q_proj", "v_proj")) == (recipe.lora_r, recipe.lora_alpha, recipe.target_modules)
    assert str(tiny) == start.base
    assert 64 == len(start.sha256)


@pytest.mark.parametrize("key", ["use_rslora", "use_dora"])
def test_the_kind_of_lora_is_the_adapters(adapter: Callable[..., Path], key: str) -> None:
    """Scale and magnitudes of the one that training goes on from; a recipe that asks for another is refused."""
    start = open_start(str(adapter(**{key: True})), None)
    assert getattr(with_shape_of(load_recipe("dpo"), start).values, key) is True
    plain = open_start(str(adapter()), None)
    with pytest.raises(HarnessError, match=f"whose {key} is False"):
        with_shape_of(load_recipe("dpo", [f"{key}=true"]), plain)


def test_another_shape_by_set_is_refused(adapter: Callable[..., Path]) -> None:
    """It is said which key and what the adapter has."""
    start = open_start(str(adapter()), None)
    with pytest.raises(HarnessError, match=r"--set lora_r=8 does not fit .*, whose lora_r is 4"):
        with_shape_of(load_recipe("dpo", ["lora_r=8"]), start)


@pytest.mark.parametrize("config", [{"rank_pattern": {"v_proj": 2}}, {"modules_to_save": ["lm_head"]}, {"bias": "all"}])
def test_more_than_plain_lora_is_refused(adapter: Callable[..., Path], config: dict[str, Any]) -> None:
    """With what to do instead."""
    with pytest.raises(HarnessError, match="is not plain LoRA") as error:
        open_start(str(adapter(**config)), None)
    assert "harness merge" in str(error.value.hint)


def test_no_adapter(tmp_path: Path, adapter: Callable[..., Path]) -> None:
    """No folder, and another base than its own."""
    with pytest.raises(HarnessError, match="no such adapter folder"):
        open_start(str(tmp_path / "gone"), None)
    folder = adapter()
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": str(tmp_path)}))
    with pytest.raises(HarnessError):
        open_start(str(folder), "llm-jp/llm-jp-3-1.8b")
