"""Answers while training: those of transformers' own generation, and training as if nobody had asked."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from harness.errors import HarnessError, InputError, UsageError
from tests.trainers.training.conftest import Workbench, losses
from trainers.recipe import load_recipe
from trainers.training.sample_answers import sample_prompts

SETTINGS: dict[str, Any] = {"heldout": 3, "eval_steps": 2, "lora_dropout": 0.2, "learning_rate": 3e-2}


def samples(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()]


def test_nothing_else_changes_and_the_answers_are_the_adapters(bench: Workbench, tmp_path: Path) -> None:
    """Weights and losses byte for byte; the last answers are those that peft's model generates greedily."""
    bench.train(tmp_path / "plain", **SETTINGS)
    asked = {"sample_prompts": 2, "sample_max_new_tokens": 8}
    bench.train(tmp_path / "asked", **SETTINGS, **asked)
    file = "adapter_model.safetensors"
    assert (tmp_path / "plain" / file).read_bytes() == (tmp_path / "asked" / file).read_bytes()
    assert losses(tmp_path / "plain") == losses(tmp_path / "asked")
    assert not (tmp_path / "plain" / "samples.jsonl").exists()
    found = samples(tmp_path / "asked")
    assert [0, 0, 2, 2, 3, 3] == [row["step"] for row in found]
    prepared = bench.prepare(**SETTINGS, **asked)
    base = AutoModelForCausalLM.from_pretrained(bench.base, dtype=torch.float32).eval()
    model = PeftModel.from_pretrained(base, tmp_path / "asked").eval()
    for prompt, row in zip(sample_prompts(prepared), found[-2:], strict=True):
        ids = torch.tensor([prompt.ids])
        whole = model.generate(input_ids=ids, max_new_tokens=8, do_sample=False, eos_token_id=2)[0, len(prompt.ids) :]
        assert prepared.encoder.decode(whole.tolist()) == row["answer"]
        assert prompt.text == row["prompt"]
    assert any("  step 3  " in line and "→" in line for line in bench.said)


def test_prompts_of_a_file_are_asked_as_in_evaluation(bench: Workbench, tmp_path: Path) -> None:
    """A line each, or a column of instructions; the record names the file without its folder."""
    (tmp_path / "few.txt").write_text("猫とは？\n\n東京とは？\n", encoding="utf-8")
    (tmp_path / "few.jsonl").write_text('{"text": "猫とは？"}\n{"input": "東京とは？"}\n', encoding="utf-8")
    prepared = [bench.prepare(sample_prompts=str(tmp_path / name)) for name in ("few.txt", "few.jsonl")]
    first, second = map(sample_prompts, prepared)
    assert first == second
    assert ["猫とは？", "東京とは？"] == [one.text for one in first]
    template, encoder = prepared[0].template, prepared[0].encoder
    assert tuple(encoder.encode(template.render({"input": "猫とは？"}))) == first[0].ids
    assert "few.txt" == prepared[0].record.recipe["sample_prompts"]


def test_what_cannot_be_asked(bench: Workbench, tmp_path: Path) -> None:
    """No such file, nothing in it, nothing held out."""
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    for name, error in (("gone.txt", InputError), ("empty.txt", InputError), ("gone.jsonl", HarnessError)):
        with pytest.raises(error, match=name):
            sample_prompts(bench.prepare(sample_prompts=str(tmp_path / name)))
    with pytest.raises(InputError, match="no such file") as caught:
        sample_prompts(bench.prepare(sample_prompts=str(tmp_path / "emptyy.txt")))
    assert f"Did you mean {tmp_path / 'empty.txt'}?" == caught.value.hint
    with pytest.raises(UsageError, match="heldout is 0"):
        load_recipe("fast", ["sample_prompts=3"])


def test_a_training_that_goes_on_has_each_answer_once(bench: Workbench, tmp_path: Path) -> None:
    """Rows after its checkpoint are written again, in the place of those that were there."""
    settings = SETTINGS | {"sample_prompts": 1, "sample_max_new_tokens": 4, "lr_scheduler_type": "constant"}
    bench.train(tmp_path / "a", **settings, max_steps=4)
    bench.train(tmp_path / "a", resume=True, **settings, max_steps=6)
    bench.train(tmp_path / "whole", **settings, max_steps=6)
    grown, whole = samples(tmp_path / "a"), samples(tmp_path / "whole")
    assert [0, 2, 4, 6] == [row["step"] for row in grown]
    assert whole == grown
