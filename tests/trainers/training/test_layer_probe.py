"""What a layer keeps for the backward pass, by architecture, against memory that trainings were seen to hold."""

from typing import Any

import pytest
import torch
from peft import LoraConfig
from transformers import Gemma3TextConfig, LlamaConfig

from trainers.training.layer_probe import kept_bytes

ADAPTER = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
WIDTHS: dict[str, Any] = {
    "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18, "num_attention_heads": 4,
    "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 262_144,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "measured"), [(Gemma3TextConfig(**WIDTHS), 40_145), (LlamaConfig(**WIDTHS), 29_888)]
)
def test_a_layer_keeps_what_was_measured(config: Any, measured: int) -> None:
    """Oracle: the resident memory of trainings on the embedded model's shape (bench/README.md), to 3 %."""
    assert kept_bytes(config, ADAPTER, torch.bfloat16, trusted=False) == pytest.approx(measured, rel=0.03)


def test_float32_keeps_twice_as_much_but_for_what_is_float32_anyway() -> None:
    """Norms and rotations are computed in float32 whatever the dtype of the products."""
    half, whole = (
        kept_bytes(LlamaConfig(**WIDTHS), ADAPTER, dtype, trusted=False) for dtype in (torch.bfloat16, torch.float32)
    )
    assert 1.5 * half < whole < 2 * half


def test_the_config_and_its_model_stay_as_they_are() -> None:
    """The plan goes on with them."""
    config = Gemma3TextConfig(**WIDTHS)
    before = config.to_dict()
    kept_bytes(config, ADAPTER, torch.bfloat16, trusted=False)
    assert before == config.to_dict()


def test_what_cannot_be_cut_to_two_layers_is_left_to_the_formula() -> None:
    """A model of another kind: 0, and no error."""
    assert 0 == kept_bytes(object(), ADAPTER, torch.float32, trusted=False)


def test_libraries_say_nothing(recwarn: pytest.WarningsRecorder) -> None:
    """What peft tells transformers is nothing that a user can act on."""
    kept_bytes(LlamaConfig(**WIDTHS), ADAPTER, torch.float32, trusted=False)
    assert [] == [str(one.message) for one in recwarn if issubclass(one.category, FutureWarning | UserWarning)]
