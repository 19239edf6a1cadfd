"""Adapters: which base they belong to, what is refused, switching without a trace, and the gate."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError, InputError
from harness.models.hf import BASE_MODELS, LocalModel, open_local
from harness.models.hf.adapters import DEFAULT_BASE, choose_base, open_adapter
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]
MakeAdapter = Callable[..., Path]

PROMPT = "### 指示\n日本の首都は？\n### 回答\n"


def scores(model: LocalModel) -> torch.Tensor:
    """Return a model's scores after a fixed prompt, its adapter on or off as its spec says."""
    base = model._base()
    base.switch.use(model._adapter)
    return base.switch.scores([1, 20, 30, 40])


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


def test_a_tiny_effect_is_reported_with_its_figure(
    tiny: Path, make_adapter: MakeAdapter, spec_of: SpecOf, ask: Ask
) -> None:
    """Not refused: it might be meant."""
    model = open_local(spec_of(f"adapter:{make_adapter(tiny, scale=1e-6)}", base=str(tiny)))
    assert 1 == len(list(model.generate([ask(PROMPT)])))
    (notice,) = [notice for notice in model.notices() if "hardly changes" in notice]
    assert "e-" in notice


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


def test_what_is_no_adapter_folder_is_refused(tmp_path: Path, tiny: Path, make_adapter: MakeAdapter) -> None:
    """A missing folder, one without configuration, a whole model, a run folder with checkpoints, broken JSON."""
    with pytest.raises(InputError, match="no such adapter folder"):
        open_adapter(str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"no adapter_config\.json"):
        open_adapter(str(tmp_path))
    with pytest.raises(InputError) as caught:
        open_adapter(str(tiny))
    assert f"It holds a whole model: write hf:{tiny}." == caught.value.hint
    shutil.copytree(make_adapter(tiny), tmp_path / "checkpoint-100")
    with pytest.raises(InputError) as caught:
        open_adapter(str(tmp_path))
    assert f"There is one in {tmp_path / 'checkpoint-100'}." == caught.value.hint
    for text in ("{", "[]", ""):
        (tmp_path / "adapter_config.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="JSON"):
            open_adapter(str(tmp_path))


def test_pickled_weights_are_refused(tiny: Path, make_adapter: MakeAdapter, tmp_path: Path) -> None:
    """Loading a .bin can run code."""
    folder = tmp_path / "pickled"
    shutil.copytree(make_adapter(tiny), folder)
    weights = folder / "adapter_model.safetensors"
    torch.save(load_file(weights), folder / "adapter_model.bin")
    weights.unlink()
    with pytest.raises(InputError, match=r"only adapter_model\.bin, a pickle"):
        open_adapter(str(folder))
    (folder / "adapter_model.bin").unlink()
    with pytest.raises(InputError, match=r"no adapter_model\.safetensors"):
        open_adapter(str(folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "type PREFIX_TUNING puts virtual tokens around the model"),
        ({"peft_type": "PROMPT_TUNING"}, "type PROMPT_TUNING puts virtual tokens around the model"),
        ({"peft_type": "NEW_IDEA"}, "peft_type 'NEW_IDEA' is not known"),
        ({"peft_type": None}, "is not known"),
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


class TestBase:
    """Which base an adapter gets."""

    @pytest.fixture
    def adapter(self, tiny: Path, make_adapter: MakeAdapter) -> Path:
        return make_adapter(tiny, seed=9)

    def choose(self, folder: Path, wanted: str | None) -> tuple[str, str | None, str | None]:
        choice = choose_base(open_adapter(str(folder)), wanted)
        return choice.base, choice.revision, choice.notice

    def test_the_recorded_base_is_taken_when_nobody_chose_one(self, adapter: Path, tiny: Path) -> None:
        """The default of --base is no choice."""
        assert (str(tiny), None, None) == self.choose(adapter, DEFAULT_BASE)
        assert (str(tiny), None, None) == self.choose(adapter, None)
        assert (str(tiny), None, None) == self.choose(adapter, str(tiny))

    def test_the_recorded_revision_counts(self, adapter: Path, set_config: Callable[..., None]) -> None:
        """An adapter belongs to one commit of its base."""
        set_config(adapter, base_model_name_or_path="org/model", revision="9f2c")
        assert ("org/model", "9f2c", None) == self.choose(adapter, "org/model")
        with pytest.raises(HarnessError, match="was trained on base 'org/model@9f2c', but base is 'org/model@77'"):
            self.choose(adapter, "org/model@77")

    def test_another_base_is_refused(self, adapter: Path, set_config: Callable[..., None]) -> None:
        """The message of the design, with the flag that helps."""
        set_config(adapter, base_model_name_or_path="org/A", revision=None)
        with pytest.raises(HarnessError, match="was trained on base 'org/A', but base is 'org/B'") as caught:
            self.choose(adapter, "org/B")
        assert "Pass --base org/A." == caught.value.hint

    @pytest.mark.parametrize("recorded", ["unsloth/llm-jp-3-13b-bnb-4bit", "/content/drive/models/llm-jp-3-13b"])
    def test_copies_are_recognised_by_name(self, adapter: Path, set_config: Callable[..., None], recorded: str) -> None:
        """A quantised copy of another organisation, and a path of another machine; the report says so."""
        set_config(adapter, base_model_name_or_path=recorded)
        base, _, notice = self.choose(adapter, "llm-jp/llm-jp-3-13b")
        assert "llm-jp/llm-jp-3-13b" == base
        assert "matched with 'llm-jp/llm-jp-3-13b' by name and shapes" in str(notice)

    def test_a_path_that_is_not_here_leaves_it_to_the_user(
        self, adapter: Path, set_config: Callable[..., None], tiny: Path
    ) -> None:
        """With --base it decides, and the report says so; without, the error asks for it."""
        set_config(adapter, base_model_name_or_path="/content/gone/base")
        base, _, notice = self.choose(adapter, str(tiny))
        assert str(tiny) == base
        assert "which is not here; --base" in str(notice)
        with pytest.raises(HarnessError, match="which is not here") as caught:
            self.choose(adapter, DEFAULT_BASE)
        assert "--base" in str(caught.value.hint)

    def test_an_adapter_without_a_recorded_base_says_so(
        self, adapter: Path, set_config: Callable[..., None], tiny: Path
    ) -> None:
        """The chosen base is taken."""
        set_config(adapter, base_model_name_or_path=None)
        base, _, notice = self.choose(adapter, str(tiny))
        assert str(tiny) == base
        assert "does not record its base" in str(notice)

    def test_a_copy_of_the_folder_elsewhere_is_the_same_base(
        self, adapter: Path, tiny: Path, tmp_path: Path, spec_of: SpecOf, ask: Ask
    ) -> None:
        """Matched by name, checked by shapes when it is loaded."""
        copy = tmp_path / tiny.name
        shutil.copytree(tiny, copy)
        model = open_local(spec_of(f"adapter:{adapter}", base=str(copy)))
        (answer,) = model.generate([ask(PROMPT)])
        assert answer.error is None
        assert any("by name and shapes" in notice for notice in model.notices())


def test_a_fingerprint_follows_weights_and_configuration_not_the_place(
    tiny: Path, make_adapter: MakeAdapter, set_config: Callable[..., None], tmp_path: Path, spec_of: SpecOf
) -> None:
    """A copied adapter is the same one; a changed scale or weight is another."""
    folder = make_adapter(tiny, seed=11)

    def fingerprint(path: Path) -> str:
        return open_local(spec_of(f"adapter:{path}", base=str(tiny))).fingerprint

    original = fingerprint(folder)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "README.md").write_text("changed", encoding="utf-8")
    assert original == fingerprint(copy)
    set_config(copy, lora_alpha=16)
    assert original != fingerprint(copy)
    assert 8 == json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["lora_alpha"]
    weights = load_file(folder / "adapter_model.safetensors")
    first = next(iter(weights))
    weights[first][0, 0] += 1
    save_file(weights, folder / "adapter_model.safetensors")
    assert original != fingerprint(folder)
