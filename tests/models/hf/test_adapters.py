"""Adapters: which base they belong to, what is refused, switching without a trace, and the gate."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError, InputError
from harness.models.hf import open_local
from harness.models.hf.adapters import DEFAULT_BASE, choose_base, open_adapter
from harness.runs.asking import evaluation_spec
from harness.specs import Config
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]
MakeAdapter = Callable[..., Path]

PROMPT = "### 指示\n日本の首都は？\n### 回答\n"


def test_what_is_no_adapter_folder_is_refused(tmp_path: Path, tiny: Path, make_adapter: MakeAdapter) -> None:
    """A missing folder, one without configuration, a whole model, a run folder with checkpoints, broken JSON."""
    with pytest.raises(InputError, match="no such adapter folder"):
        open_adapter(str(tmp_path / "none"))
    for model in (f"hf:{tiny}", "gguf:a.gguf", "embedded:gemma-3-270m"):
        with pytest.raises(InputError, match="a model, not an adapter"):
            open_adapter(model)
    with pytest.raises(InputError, match="all checkpoints of a training, not one adapter") as caught:
        open_adapter("checkpoints:adapters/mine")
    assert "checkpoint-N" in str(caught.value.hint)
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


def test_base_beside_an_adapter_is_its_own_base(tiny: Path, make_adapter: Callable[..., Path]) -> None:
    """`--model base --model adapter:X` without `--base`: the base that X was trained on; one that is chosen counts."""
    adapter = make_adapter(tiny, scale=0.5)
    asked: dict[str, Any] = dict.fromkeys(("prompts", "judges", "tasks", "models"), ()) | dict.fromkeys(
        ["base", "quantization", "dtype", "rubric", "limit", "baseline", "max_new_tokens", "temperature",
         "repetition_penalty", "seed"]
    )  # fmt: skip
    asked |= {"models": ("base", f"adapter:{adapter}"), "tasks": ("bundled:ja-mini",), "judges": ("rules",)}
    asked |= {"repeats": 1, "judge_repeats": 1, "confidence": 0.95}
    spec = evaluation_spec(Config(), **asked)
    base = open_local(spec.models[0])
    assert str(tiny) == base.details["base"].removeprefix("hf:")
    assert any("on which" in notice for notice in base.notices())
    chosen = evaluation_spec(Config(models={"base": "me/other"}), **asked)
    assert (None, "me/other") == (chosen.models[0].adapter, chosen.models[0].base)
