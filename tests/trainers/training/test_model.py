"""The base with its adapter: which layers are adapted, which attention they have, which recompute."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Gemma2Config, LlamaConfig

from harness.errors import HarnessError
from tests.trainers.training.conftest import Workbench
from trainers.training import attention


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
