"""Kinds of adapters: which are answered, which refused, and why."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from harness.errors import InputError
from harness.models.hf import open_local
from harness.models.hf.adapters import open_adapter
from tests.models.hf.switched import PROMPT, Ask, MakeAdapter, SpecOf, scores


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "type PREFIX_TUNING puts virtual tokens around the model"),
        ({"peft_type": "PROMPT_TUNING"}, "type PROMPT_TUNING puts virtual tokens around the model"),
        ({"peft_type": "NEW_IDEA"}, "peft_type 'NEW_IDEA' is not known"),
        ({"peft_type": None}, "peft_type is missing"),
        ({"task_type": "SEQ_CLS"}, "an adapter for SEQ_CLS"),
    ],
)
def test_other_kinds_are_refused_by_type(
    tiny: Path,
    make_adapter: MakeAdapter,
    set_config: Callable[..., None],
    change: dict[str, str | None],
    message: str,
) -> None:
    """Before any weight is read."""
    folder = make_adapter(tiny)
    set_config(folder, **change)
    with pytest.raises(InputError, match=message):
        open_adapter(str(folder))


def test_another_type_inside_the_model_is_evaluated(
    tiny: Path, make_adapter: MakeAdapter, tmp_path: Path, spec_of: SpecOf, ask: Ask
) -> None:
    """IA³ attaches after a LoRA on the same loaded base, and the base is untouched by both."""
    from peft import IA3Config, get_peft_model
    from transformers import AutoModelForCausalLM

    config = IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"], task_type="CAUSAL_LM")
    wrapped = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32), config)
    for name, parameter in wrapped.named_parameters():
        if "ia3_l" in name:
            torch.nn.init.normal_(parameter, mean=1.0, std=0.3)
    wrapped.save_pretrained(tmp_path / "ia3")
    base = open_local(spec_of("base", base=str(tiny)))
    plain = scores(base)
    scores(open_local(spec_of(f"adapter:{make_adapter(tiny)}", base=str(tiny))))
    model = open_local(spec_of(f"adapter:{tmp_path / 'ia3'}", base=str(tiny)))
    assert 1 == len(list(model.generate([ask(PROMPT)])))
    assert not torch.equal(plain, scores(model))
    assert torch.equal(plain, scores(base))
