"""The base with its adapter: which layers are adapted."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from tests.trainers.training.conftest import Workbench


def adapted(trainer: Any) -> set[str]:
    """Return the last part of the names of the layers that peft has adapted."""
    return {
        name.split(".lora_A")[0].rpartition(".")[2] for name, _ in trainer.model.named_modules() if ".lora_A" in name
    }


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ("all-linear", {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}),
        (("q_proj", "v_proj"), {"q_proj", "v_proj"}),
        (r".*\.mlp\.\w+_proj", {"gate_proj", "up_proj", "down_proj"}),
    ],
)
def test_the_plan_counts_what_peft_adapts(targets: Any, expected: set[str], bench: Workbench, tmp_path: Path) -> None:
    """The same layers, and as many weights as the adapter then has."""
    trainer = bench.trainer(tmp_path / "a", target_modules=targets)
    assert expected == adapted(trainer)
    trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    assert trained == bench.prepare(target_modules=targets).shape.adapter


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (("q_proj", "gate_poj"), "'gate_poj' names no linear layer"),
        (("q_proj", "lm_head"), "'lm_head' names the head"),
        ("c_attn", "'c_attn' names no linear layer"),
        (".*", "names the head"),
    ],
)
def test_targets_that_are_not_there_are_refused(targets: Any, message: str, bench: Workbench) -> None:
    """Also one of several: peft would leave it out in silence."""
    with pytest.raises(HarnessError, match=message.replace("*", r"\*")) as error:
        bench.prepare(target_modules=targets)
    assert "all-linear" in str(error.value.hint)
