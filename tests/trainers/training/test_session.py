"""A training from start to end: what it writes, what evaluation makes of it, and how it fails."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.errors import HarnessError
from harness.models.hf import open_local
from harness.models.hf.sources import Source
from harness.templates import load_template
from harness.types import ModelSpec
from tests.conftest import RunCli
from tests.templates.chat_templates import CHATML
from tests.trainers.training.conftest import Workbench, weights
from trainers import prepare as preparation
from trainers.merging.merge import MergeRequest, merge
from trainers.start import open_start
from trainers.training.model import _describe
from trainers.training.session import _held_before
from trainers.training.trainer import AdapterTrainer

FILES = {
    *("adapter_config.json", "adapter_model.safetensors", "prompt_contract.json", "training.json"),
    *("trainer_log.jsonl", "loss.png", "README.md", "checkpoints"),
}


def test_the_heldout_loss_is_that_of_the_written_adapter(bench: Workbench, tmp_path: Path) -> None:
    """With peft and transformers alone, the adapter read back comes to the record's figure, the base to the first."""
    settings = {"heldout": 4, "num_train_epochs": 3.0}
    outcome = bench.train(tmp_path / "a", **settings).outcome
    heldout = bench.prepare(**settings).heldout
    assert 4 == len(heldout)
    base = AutoModelForCausalLM.from_pretrained(bench.base, dtype=torch.float32).eval()
    before = mean_loss(base, heldout)
    after = mean_loss(PeftModel.from_pretrained(base, tmp_path / "a").eval(), heldout)
    assert before == pytest.approx(outcome.heldout_loss_before, rel=1e-5)
    assert after == pytest.approx(outcome.heldout_loss, rel=1e-5)
    assert after < before - 0.1
    assert outcome.last_loss < outcome.first_loss


@torch.no_grad()
def mean_loss(model: Any, samples: Any) -> float:
    """Return the mean loss of the answers' tokens, EOS with them, by transformers' own loss of each sample alone."""
    total, count = 0.0, 0
    for sample in samples:
        labels = [-100] * sample.prompt + list(sample.ids[sample.prompt :])
        loss = model(input_ids=torch.tensor([sample.ids]), labels=torch.tensor([labels])).loss
        total += float(loss) * (len(sample) - sample.prompt)
        count += len(sample) - sample.prompt
    return total / count


def test_everything_an_adapter_needs_is_written(bench: Workbench, tmp_path: Path) -> None:
    """The folder holds these files and no leftovers, and names the base as it was typed."""
    bench.train(tmp_path / "a")
    assert FILES == {path.name for path in (tmp_path / "a").iterdir()}
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert str(bench.base) == config["base_model_name_or_path"]
    assert (4, 8, True) == (config["r"], config["lora_alpha"], config["inference_mode"])
    assert {torch.float32} == {weight.dtype for weight in weights(tmp_path / "a").values()}
    assert sorted(config["target_modules"]) == config["target_modules"]  # not in the order of this process's hashes
    assert "library_name: peft" in (tmp_path / "a" / "README.md").read_text(encoding="utf-8")


def test_plain_peft_loads_an_adapter_whose_base_was_given_as_a_spec(bench: Workbench, tmp_path: Path) -> None:
    """``hf:`` is a word of ours; the record keeps the base as it was typed."""
    from peft import AutoPeftModelForCausalLM

    folder = bench.base
    bench.base = f"hf:{folder}"
    record = bench.train(tmp_path / "a", max_steps=1)
    assert f"hf:{folder}" == record.base
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert (str(folder), None) == (config["base_model_name_or_path"], config["revision"])
    model = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "a")
    assert 1 == len(model.peft_config)


def test_a_base_on_the_hub_is_named_with_the_commit_apart() -> None:
    """As peft loads it: ``hf:ORG/NAME@REVISION`` is no name there. Modules stand in one order, patterns as they are."""
    config = LoraConfig(target_modules={"v_proj", "q_proj", "k_proj"})
    _describe(config, Source(text="org/name", kind="hub", digest="9f2c", commit="9f2c"))
    assert ("org/name", "9f2c") == (config.base_model_name_or_path, config.revision)
    assert ["k_proj", "q_proj", "v_proj"] == config.target_modules
    config = LoraConfig(target_modules=".*_proj")
    _describe(config, Source(text="embedded:gemma-3-270m", kind="embedded", digest="1"))
    assert ("embedded:gemma-3-270m", ".*_proj") == (config.base_model_name_or_path, config.target_modules)


def test_an_output_that_is_the_current_folder_has_a_name(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card is called after the folder."""
    (tmp_path / "my-adapter").mkdir()
    monkeypatch.chdir(tmp_path / "my-adapter")
    bench.train(Path())
    assert "# my-adapter\n" in Path("README.md").read_text(encoding="utf-8")


def test_weights_that_are_no_numbers_are_not_written(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last update may be the one that breaks them: no loss has seen it."""
    step = AdapterTrainer.training_step

    def breaking(self: Any, *args: Any) -> Any:
        loss = step(self, *args)
        if self.state.global_step == 3:
            next(p for p in self.model.parameters() if p.requires_grad).grad[0] = math.nan
        return loss

    monkeypatch.setattr(AdapterTrainer, "training_step", breaking)
    with pytest.raises(HarnessError, match="diverged: the weights after step 4 are no numbers"):
        bench.train(tmp_path / "a")
    assert not (tmp_path / "a" / "adapter_config.json").exists()


def test_bfloat16_trains_in_float32(bench: Workbench, tmp_path: Path) -> None:
    """The base is in bfloat16, the adapter's weights are not, and the loss falls as in float32."""
    record = bench.train(tmp_path / "a", dtype="bfloat16", num_train_epochs=4.0, heldout=4)
    exact = bench.train(tmp_path / "b", num_train_epochs=4.0, heldout=4)
    assert "bfloat16" == record.dtype
    assert {torch.float32} == {weight.dtype for weight in weights(tmp_path / "a").values()}
    fallen = record.outcome.heldout_loss_before - record.outcome.heldout_loss
    assert fallen > 0.3
    assert exact.outcome.heldout_loss == pytest.approx(record.outcome.heldout_loss, rel=0.05)


def test_an_adapter_goes_straight_into_an_evaluation(bench: Workbench, tmp_path: Path, run_cli: RunCli) -> None:
    """The base is found by the name that was typed, the prompt is accepted in silence, and the answers differ."""
    Path("tiny-base").symlink_to(bench.base)
    bench.base = Path("tiny-base")
    bench.train(Path("mine"), num_train_epochs=6.0, learning_rate=3e-2)
    assert "tiny-base" == json.loads(Path("mine/adapter_config.json").read_text())["base_model_name_or_path"]
    Path("task.jsonl").write_text(json.dumps({"input": "猫0とは？", "output": "猫"}, ensure_ascii=False))
    ran = run_cli(
        *("eval", "--run", "r", "--base", "tiny-base", "--model", "base", "--model", "adapter:mine"),
        *("--task", "t=task.jsonl", "--judge", "reference", "--max-new-tokens", "8", "--dtype", "float32"),
    )
    assert 0 == ran.code, ran.err
    assert "contract" not in ran.err
    assert "prompt" not in ran.err
    found = json.loads(Path("runs/r/results.json").read_text())
    assert {"base", "adapter:mine"} == {row["model"] for row in found["rows"]}
    refused = run_cli(
        *("eval", "--run", "s", "--base", "tiny-base", "--model", "adapter:mine", "--prompt", "plain.v1"),
        *("--task", "t=task.jsonl", "--judge", "reference", "--max-new-tokens", "8", "--dtype", "float32"),
    )
    assert (1, True) == (refused.code, "--allow-prompt-mismatch" in refused.err), refused.err


def test_one_process_says_how_several_gpus_are_used(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, and one GPU is used."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    bench.train(tmp_path / "a", max_steps=1)
    assert 1 == sum("torchrun --nproc-per-node 4 --no-python harness train" in line for line in bench.said)


def test_layers_that_recompute_are_the_first_ones(bench: Workbench, tmp_path: Path) -> None:
    """A recipe that fixes checkpointing has every layer recompute, and the result stays."""
    bench.train(tmp_path / "a")
    bench.train(tmp_path / "b", gradient_checkpointing=True)
    assert 2 == bench.prepare(gradient_checkpointing=True).plan().recomputed
    for name, weight in weights(tmp_path / "a").items():
        torch.testing.assert_close(weights(tmp_path / "b")[name], weight, rtol=0, atol=1e-5)


def test_an_optimizer_that_needs_a_gpu_is_replaced_aloud(bench: Workbench, tmp_path: Path) -> None:
    """Once; another is used as it is, without a word."""
    paged = bench.train(tmp_path / "paged", optim="paged_adamw_8bit", max_steps=1)
    assert ("paged_adamw_8bit", "adamw_torch") == (paged.recipe["optim"], paged.optimizer)
    plain = bench.train(tmp_path / "plain", optim="adamw_torch", max_steps=1)
    assert "adamw_torch" == plain.optimizer
    said = [line for line in bench.said if "optim" in line]
    assert ["optim paged_adamw_8bit needs a GPU: adamw_torch is used instead."] == said


def test_a_chat_format_goes_from_the_training_to_whoever_uses_the_adapter(bench: Workbench, tmp_path: Path) -> None:
    """Its file, card, an evaluation and a training that goes on from it: by transformers, one prompt."""
    file = tmp_path / "mine.jinja"
    file.write_text(CHATML, encoding="utf-8")
    chat = {"prompt": "chat.v2", "chat_template_path": str(file), "chat_template_kwargs": {"enable_thinking": False}}
    record = bench.train(tmp_path / "a", max_steps=1, **chat)
    assert FILES | {"chat_template.jinja"} == {path.name for path in (tmp_path / "a").iterdir()}
    tokenizer = AutoTokenizer.from_pretrained(bench.base)
    turns = [{"role": "user", "content": "猫0とは？"}]
    asked = {"add_generation_prompt": True, "return_dict": False}
    expected = tokenizer.apply_chat_template(turns, chat_template=CHATML, enable_thinking=False, **asked)
    trained = bench.prepare(**chat).train.samples
    assert expected in [list(sample.ids[: sample.prompt]) for sample in trained]
    tokenizer.chat_template = (tmp_path / "a" / "chat_template.jinja").read_text(encoding="utf-8")
    assert expected == tokenizer.apply_chat_template(turns, **asked)
    spec = ModelSpec(text="adapter:a", label="a", backend="adapter", target=str(tmp_path / "a"), dtype="float32")
    prompt = load_template("chat.v2").render({"input": "猫0とは？"})
    assert expected == [token for token, _ in open_local(spec).tokens(prompt)]
    card = (tmp_path / "a" / "README.md").read_text(encoding="utf-8")
    assert "{% set enable_thinking = false %}" in card
    assert 'cached_file(ADAPTER, "chat_template.jinja")' in card
    assert (record.recipe["chat_template_path"], str(tmp_path) in card) == ("mine.jinja", str(bench.base) in card)
    request = bench.prepare(prompt="chat.v2", chat_template_path=str(file)).request
    on = replace(request, start=open_start(str(tmp_path / "a"), None), recipe=replace(request.recipe, values=replace(
        request.recipe.values, chat_template_path="")))  # fmt: skip
    assert trained == preparation.prepare(on, bench.said.append).train.samples
    with pytest.raises(HarnessError, match="was trained with another prompt") as error:
        preparation.prepare(replace(request, start=on.start), bench.said.append)
    assert "Leave chat_template_path and chat_template_kwargs out" in str(error.value.hint)
    file.write_text(CHATML + " ", encoding="utf-8")
    with pytest.raises(HarnessError, match="chat_template_sha256 was"):
        bench.train(tmp_path / "a", resume=True, max_steps=1, **chat)


def test_a_merged_model_writes_chats_as_it_was_trained(bench: Workbench, tmp_path: Path) -> None:
    """By its own tokenizer, without an argument."""
    file = tmp_path / "mine.jinja"
    file.write_text(CHATML, encoding="utf-8")
    chat = {"chat_template_path": str(file), "chat_template_kwargs": {"enable_thinking": False}}
    bench.train(tmp_path / "a", max_steps=2, prompt="chat.v2", **chat)
    asked = MergeRequest(adapter=str(tmp_path / "a"), base=None, dtype="float32", quantization=None, settings={})
    merge(asked, tmp_path / "whole", bench.said.append)
    text = AutoTokenizer.from_pretrained(tmp_path / "whole").apply_chat_template(
        [{"role": "user", "content": "問"}], tokenize=False, add_generation_prompt=True
    )
    assert "<|im_start|>user\n問<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n" == text


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap")
def test_what_was_freed_before_a_training_is_no_part_of_what_was_held() -> None:
    """A conversion of the base in the same command left 0.6 GiB with the allocator."""
    blocks = [bytearray(b"x") * (64 << 10) for _ in range(6_000)]
    last = blocks.pop()  # above the hole, so that it stays one
    blocks.clear()
    before = psutil.Process().memory_info().rss
    assert _held_before("cpu") < before - (200 << 20)
    assert _held_before("cuda") == 0
    assert len(last) == 64 << 10
