"""Which adapters vLLM can serve as they were trained, and the room they take there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.models.hf.adapters import open_adapter
from harness.models.vllm.slots import highest_rank, slots_for, unfit
from harness.testing import make_lora


def test_plain_adapters_fit_and_take_the_next_rank(two_adapters: Mapping[str, Path]) -> None:
    """VLLM sets aside a few ranks only; one adapter that is named twice takes one slot."""
    adapters = [open_adapter(str(path)) for path in two_adapters.values()]
    assert [None, None] == [unfit(one) for one in adapters]
    rooms = [slots_for(some) for some in ([*adapters, *adapters], adapters[:1])]
    assert [(16, 2), (8, 1)] == [(room.rank, room.count) for room in rooms]
    assert 12 == highest_rank(adapters)


def test_layers_that_no_adapter_changes_are_left_alone(tiny: Path, tmp_path: Path) -> None:
    """What vLLM prepares without need costs time in every step, and its head for adapters fails on a CPU."""
    layers = (["q_proj", "v_proj"], ["down_proj", "v_proj"])
    made = [make_lora(tmp_path / str(at), tiny, target_modules=names) for at, names in enumerate(layers)]
    adapters = [open_adapter(str(path)) for path in made]
    assert ("down_proj", "q_proj", "v_proj") == slots_for(adapters).modules
    assert ("q_proj", "v_proj") == slots_for(adapters[:1]).modules


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern"),
        ({"alpha_pattern": {"q_proj": 2}}, "alpha_pattern"),
        ({"modules_to_save": ["lm_head"]}, "more than LoRA layers (modules_to_save)"),
        ({"trainable_token_indices": [5]}, "trainable_token_indices"),
        ({"bias": "all"}, "biases"),
        ({"lora_bias": True}, "lora_bias"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out"),
    ],
)
def test_what_vllm_would_pass_over_is_named(
    tiny: Path, tmp_path: Path, two_adapters: Mapping[str, Path], changed: dict[str, Any], why: str
) -> None:
    """Its own reader of adapter_config.json drops what it does not know: the answers would be another model's."""
    folder = make_lora(tmp_path / "one", tiny)
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    assert why in str(unfit(open_adapter(str(folder))))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("base_model.model.lm_head.lora_A.weight", "embeddings or the head"),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector", "no half of a LoRA layer"),
    ],
)
def test_tensors_of_another_kind_are_named(tiny: Path, tmp_path: Path, name: str, why: str) -> None:
    """Whatever the configuration says."""
    folder = make_lora(tmp_path / "one", tiny)
    tensors = load_file(folder / "adapter_model.safetensors") | {name: torch.zeros(4, 64)}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    assert why in str(unfit(open_adapter(str(folder))))
