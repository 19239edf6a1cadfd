"""Switching adapters on one base: without a trace, as peft computes them, and the gate for those without effect."""

from pathlib import Path

import pytest
import torch

from harness.errors import HarnessError
from harness.models.hf import BASE_MODELS, open_local
from tests.models.hf.switched import PROMPT, Ask, MakeAdapter, SpecOf, scores


def test_two_adapters_and_base_share_one_load_and_leave_no_trace(
    tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf, ask: Ask
) -> None:
    """Each adapter changes the scores in its own way; after each, the base's come back bit for bit."""
    base = open_local(spec_of("base", base=str(tiny)))
    adapters = [open_local(spec_of(f"adapter:{make_adapter(tiny, seed=seed)}", base=str(tiny))) for seed in (1, 2)]
    BASE_MODELS.clear()
    before = BASE_MODELS.loads
    first = scores(base)
    texts = [next(base.generate([ask(PROMPT)])).text]
    for adapter in (*adapters, adapters[0]):
        assert not torch.equal(first, scores(adapter))
        texts.append(next(adapter.generate([ask(PROMPT)])).text)
        assert torch.equal(first, scores(base))
    assert not torch.equal(scores(adapters[0]), scores(adapters[1]))
    assert 1 == BASE_MODELS.loads - before
    assert texts[1] == texts[3]
    assert 3 == len({base.fingerprint, *(adapter.fingerprint for adapter in adapters)})


@pytest.mark.usefixtures("on_the_cpu")
def test_an_attached_adapter_gives_what_peft_gives(tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf) -> None:
    """The scores are those of a model that peft loads by itself, and of one with the adapter merged."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder = make_adapter(tiny, seed=3)
    reference = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32), folder)
    ids = torch.tensor([[1, 20, 30, 40]])
    ours = scores(open_local(spec_of(f"adapter:{folder}", base=str(tiny))))
    with torch.inference_mode():
        assert torch.equal(reference(input_ids=ids).logits[0, -1], ours)
        merged = reference.merge_and_unload()(input_ids=ids).logits[0, -1]
    torch.testing.assert_close(merged, ours, rtol=1e-4, atol=1e-4)


def test_a_plain_adapter_is_attached_without_random_values_to_be_overwritten(
    tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf
) -> None:
    """Those that peft begins a training with: drawing them took longer than all the rest. What is missing is told."""
    model = open_local(spec_of(f"adapter:{make_adapter(tiny)}", base=f"hf:{tiny}"))
    base = model._base()
    before = torch.get_rng_state()
    base.switch.use(model.adapter)
    assert torch.equal(before, torch.get_rng_state())
    assert not any(parameter.is_meta for parameter in base.model.parameters())


@pytest.mark.slow
def test_an_adapter_on_the_embedded_base(embedded: str, make_adapter: MakeAdapter, spec_of: SpecOf, ask: Ask) -> None:
    """The same on a real model: attaches, changes the scores, switches back bit for bit, one load."""
    from harness.models.hf.sources import local_folder, resolve

    folder = make_adapter(local_folder(resolve(embedded)), base=embedded, target_modules=["q_proj", "v_proj"])
    adapter = open_local(spec_of(f"adapter:{folder}"))
    base = open_local(spec_of("base", base=embedded))
    BASE_MODELS.clear()
    before = BASE_MODELS.loads
    plain = scores(base)
    assert not torch.equal(plain, scores(adapter))
    assert torch.equal(plain, scores(base))
    (answer,) = adapter.generate([ask(PROMPT)])
    assert answer.error is None
    assert 1 == BASE_MODELS.loads - before


def test_a_zero_adapter_is_refused_with_the_reason(
    tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf, ask: Ask
) -> None:
    """An untrained adapter would compare base with itself."""
    folder = make_adapter(tiny, scale=0.0)
    model = open_local(spec_of(f"adapter:{folder}", base=str(tiny)))
    with pytest.raises(HarnessError, match=r"has no effect: .* all its lora_B weights are zero") as caught:
        list(model.generate([ask(PROMPT)]))
    assert "warm-up" in str(caught.value.hint)


def test_a_tiny_effect_is_reported_with_its_figure(
    tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf, ask: Ask
) -> None:
    """Not refused: it might be meant."""
    model = open_local(spec_of(f"adapter:{make_adapter(tiny, scale=1e-6)}", base=str(tiny)))
    assert 1 == len(list(model.generate([ask(PROMPT)])))
    (notice,) = [notice for notice in model.notices() if "hardly changes" in notice]
    assert "e-" in notice


@pytest.mark.usefixtures("on_the_cpu")
def test_an_effective_adapter_gets_no_such_notice(
    tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf, ask: Ask
) -> None:
    """Only its unknown training prompt is mentioned, and not even that if it carries a contract."""
    folder = make_adapter(tiny, seed=5)
    model = open_local(spec_of(f"adapter:{folder}", base=str(tiny)))
    list(model.generate([ask(PROMPT)]))
    first, plan = model.notices()
    assert "no prompt_contract.json: its training prompt is unknown" in first
    assert plan.startswith("batch plan")
    (folder / "prompt_contract.json").write_text("{}", encoding="utf-8")
    assert () == open_local(spec_of(f"adapter:{folder}", base=str(tiny))).notices()
