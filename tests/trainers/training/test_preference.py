"""Training on pairs: the objective against trl's, cuts that change no sum, a reference that stays, resumed runs."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer

from harness.errors import HarnessError
from tests.trainers.training.conftest import Workbench, rows, weights
from tests.trainers.training.test_trainer import gradients, shake
from trainers.training.outcome import warn_of_falling_answers
from trainers.training.preference import REFERENCE, PreferenceTrainer

WORDS = ["はい", "東京", "静か", "です", "日本", "速い", "回答", "猫"]
DPO: dict[str, Any] = {"objective": "dpo", "beta": 0.2}


@pytest.fixture
def pairs(tiny: Path, tmp_path: Path) -> Workbench:
    """Thirteen pairs: the better answer says 猫, the worse one 東京, with other words of unlike number between them."""
    made = [
        {
            "prompt": f"{WORDS[n % 8]}{n}とは？" + "あ" * (n % 4),
            "chosen": "".join(WORDS[(n * k) % 6] for k in range(1 + n % 3)) + "猫",
            "rejected": "".join(WORDS[(n + k) % 6] for k in range(1 + n % 4)) + "東京",
        }
        for n in range(13)
    ]
    path = tmp_path / "prefs.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made), encoding="utf-8")
    return Workbench(tiny, path)


def step(trainer: Any, indices: list[int]) -> tuple[float, dict[str, torch.Tensor]]:
    """Return loss and gradients of one optimizer step after the adapter was changed."""
    trainer.start_from_here()
    shake(trainer.model)
    trainer.model.zero_grad()
    return float(trainer.training_step(trainer.model, trainer.row_of(indices))), gradients(trainer.model)


@pytest.mark.parametrize("loss_type", ["sigmoid", "ipo"])
def test_the_first_loss_is_that_of_a_model_that_prefers_nothing(
    pairs: Workbench, tmp_path: Path, loss_type: str
) -> None:
    """Ln 2, and for IPO 1/4β²: the reference is the model itself."""
    record = pairs.train(tmp_path / "out", **DPO, loss_type=loss_type, max_steps=1, heldout=3)
    expected = math.log(2) if loss_type == "sigmoid" else 1 / (4 * 0.2**2)
    assert expected == pytest.approx(record.outcome.first_loss, rel=1e-6)
    assert expected == pytest.approx(record.outcome.heldout_loss_before, rel=1e-6)
    assert 0 == pytest.approx(record.outcome.heldout_margin_before, abs=1e-5)


@pytest.mark.parametrize("tokens", [10**6, 60])
def test_in_bfloat16_the_first_epoch_begins_from_nothing_too(pairs: Workbench, tmp_path: Path, tokens: int) -> None:
    """A product's rounding goes by the row that its tokens lie in, so the reference comes from a step's own rows.

    Three pairs a step, in one row or more; nothing has been learnt at any of these steps.
    """
    steps: dict[str, Any] = {"per_device_train_batch_size": 3, "gradient_accumulation_steps": 1}
    trainer = pairs.trainer(tmp_path / "out", **DPO, **steps, dtype="bfloat16", tokens=tokens)
    shake(trainer.model)
    trainer.start_from_here()
    losses = [trainer.training_step(trainer.model, trainer.row_of(indices)) for indices in trainer.step_batches]
    assert [math.log(2)] * 5 == pytest.approx([float(loss) for loss in losses], abs=1e-6)


@pytest.mark.parametrize("changes", [{}, {"loss_type": "ipo"}, {"label_smoothing": 0.2}, {"sft_weight": 0.5}])
def test_any_cut_is_the_same_step(pairs: Workbench, tmp_path: Path, changes: dict[str, Any]) -> None:
    """Five pairs at once, and in rows of two or one, with layers recomputing: the same loss and gradients."""
    expected, grads = step(pairs.trainer(tmp_path / "a", **DPO, **changes, tokens=10**6), [0, 5, 11, 3, 7])
    assert any(gradient.abs().max() > 1e-4 for gradient in grads.values())
    for tokens, recomputed in ((70, 0), (1, 2)):
        trainer = pairs.trainer(tmp_path / "b", **DPO, **changes, tokens=tokens, recomputed=recomputed)
        loss, other = step(trainer, [0, 5, 11, 3, 7])
        assert expected == pytest.approx(loss, rel=1e-5)
        for name, gradient in grads.items():
            torch.testing.assert_close(other[name], gradient, rtol=1e-3, atol=1e-6, msg=name)
        shutil.rmtree(tmp_path / "b", ignore_errors=True)


def test_the_reference_is_the_base_with_the_adapter_off(pairs: Workbench, tmp_path: Path) -> None:
    """What is computed once equals what a live reference says whatever has been learnt since."""
    trainer = pairs.trainer(tmp_path / "out", **DPO)
    trainer.start_from_here()
    kept = json.loads((tmp_path / "out" / REFERENCE).read_text(encoding="utf-8"))["log_probs"]
    shake(trainer.model)
    with trainer.model.disable_adapter():
        live = trainer._reference(trainer._trained, [range(13)])
    assert kept == pytest.approx(live, rel=1e-6)
    assert trainer._reference(trainer._trained, [range(13)]) != pytest.approx(kept, rel=1e-3)


@pytest.mark.parametrize(("micro", "accumulation"), [(1, 4), (2, 2), (4, 1)])
@pytest.mark.parametrize("changes", [{}, {"loss_type": "ipo"}])
def test_a_training_equals_that_of_trl(
    pairs: Workbench, tmp_path: Path, micro: int, accumulation: int, changes: dict[str, Any]
) -> None:
    """Three steps of four pairs in the same order give the adapter of DPOTrainer, however it cuts its batches."""
    if changes and micro != 2:
        pytest.skip("the cuts are tried with one loss")
    settings = {"max_steps": 3, "learning_rate": 1e-3, "weight_decay": 0.01, "max_grad_norm": 0.5, "warmup_steps": 1}
    pairs.train(tmp_path / "ours", **DPO, **changes, **settings)
    ours = pairs.trainer(tmp_path / "theirs", **DPO, **changes, **settings)
    start = {name: p.data.clone() for name, p in ours.model.named_parameters() if p.requires_grad}
    order = [index for batch in list(ours.step_batches)[:3] for index in batch]
    theirs = PlainTrainer(
        model=ours.model,
        args=DPOConfig(
            output_dir=str(tmp_path / "theirs"),
            per_device_train_batch_size=micro,
            gradient_accumulation_steps=accumulation,
            beta=0.2,
            loss_type=[changes.get("loss_type", "sigmoid")],
            optim="adamw_torch",
            use_cpu=True,
            bf16=False,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            max_length=None,
            **settings,
        ),
        train_dataset=dataset(ours, order),
        processing_class=AutoTokenizer.from_pretrained(pairs.base),
    )
    theirs.train()
    actual = weights(tmp_path / "ours")
    for name, parameter in theirs.model.named_parameters():
        if parameter.requires_grad and "ref" not in name:
            assert (parameter.data - start[name]).abs().max() > 1e-4, name
            mine = actual[name.replace(".default", "")]
            torch.testing.assert_close(mine, parameter.data, rtol=0, atol=2e-5, msg=name)


class PlainTrainer(DPOTrainer):  # type: ignore[misc]  # trl is untyped
    """trl's trainer as it comes, but for token ids that are there already, taken as they stand."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset

    def _get_train_sampler(self, *_: Any) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset)


def dataset(trainer: Any, order: list[int]) -> Any:
    """Return pairs as the data set that trl makes of theirs."""
    from datasets import Dataset

    made = []
    for index in order:
        better, worse = trainer._trained[2 * index : 2 * index + 2]
        made.append(
            {
                "prompt_ids": list(better.ids[: better.prompt]),
                "chosen_ids": list(better.ids[better.prompt :]),
                "rejected_ids": list(worse.ids[worse.prompt :]),
            }
        )
    return Dataset.from_list(made)


def test_pairs_are_told_apart_better(pairs: Workbench, tmp_path: Path) -> None:
    """On pairs that were held out; the log has margin, accuracy and the better answer's log-probability."""
    record = pairs.train(tmp_path / "out", **DPO, num_train_epochs=6.0, heldout=3, eval_steps=4)
    outcome = record.outcome
    assert outcome.heldout_margin > 1
    assert outcome.heldout_accuracy == 1
    assert outcome.heldout_loss < outcome.heldout_loss_before
    logged = [row for row in rows(tmp_path / "out") if "margin" in row]
    assert {"accuracy", "margin", "chosen_log_prob", "loss"} <= logged[-1].keys()
    assert (0, True) == (pytest.approx(logged[0]["margin"], abs=1e-4), logged[-1]["margin"] > 1)
    measured = [row for row in rows(tmp_path / "out") if "heldout_margin" in row]
    assert outcome.heldout_margin == pytest.approx(measured[-1]["heldout_margin"], abs=1e-5)
    assert (10, 3) == (record.samples, record.heldout)
    assert not (tmp_path / "out" / REFERENCE).exists()


def test_a_cut_off_training_goes_on_bit_for_bit(pairs: Workbench, tmp_path: Path) -> None:
    """Killed in the fourth step, with dropout: adapter and log are those of a run in one piece."""
    settings = DPO | {"lora_dropout": 0.1, "num_train_epochs": 2.0, "heldout": 3, "eval_steps": 2, "logging_steps": 3}
    pairs.train(tmp_path / "whole", **settings)

    class Killed(BaseException):
        """What no code catches."""

    calls = iter(range(9))
    with pytest.MonkeyPatch.context() as patch:
        original = PreferenceTrainer.training_step

        def dying(self: Any, *given: Any) -> Any:
            if next(calls) == 3:
                raise Killed
            return original(self, *given)

        patch.setattr(PreferenceTrainer, "training_step", dying)
        with pytest.raises(Killed):
            pairs.train(tmp_path / "cut", **settings)
    assert (tmp_path / "cut" / REFERENCE).exists()
    pairs.train(tmp_path / "cut", resume=True, **settings)
    one, other = (tmp_path / name / "adapter_model.safetensors" for name in ("whole", "cut"))
    assert one.read_bytes() == other.read_bytes()
    loose = {"tokens_per_second", "memory_gib", "seconds"}
    logs = [[{k: v for k, v in row.items() if k not in loose} for row in rows(tmp_path / n)] for n in ("whole", "cut")]
    assert logs[0] == logs[1]


def test_going_on_from_an_adapter(pairs: Workbench, bench: Workbench, tmp_path: Path) -> None:
    """SFT, then pairs: it starts from those weights, which are the reference, and keeps their shape and prompt."""
    from trainers.start import open_start, with_shape_of

    bench.train(tmp_path / "sft", lora_r=2, max_steps=3)
    before = weights(tmp_path / "sft")
    start = open_start(str(tmp_path / "sft"), None)
    prepare = pairs.prepare

    def started(**changes: Any) -> Any:
        from trainers import prepare as preparation

        found = prepare(**changes)
        request = replace(found.request, start=start, recipe=with_shape_of(found.request.recipe, start))
        return preparation.prepare(request, pairs.said.append)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "prepare", started)
        record = pairs.train(tmp_path / "dpo", **DPO, max_steps=2, logging_steps=1, learning_rate=1e-3)
    assert (2, "sft", True) == (record.recipe["lora_r"], record.start, record.start_sha256 == start.sha256)
    assert math.log(2) == pytest.approx(record.outcome.first_loss, rel=1e-6)
    after = weights(tmp_path / "dpo")
    assert before.keys() == after.keys()
    moved = max(float((after[name] - before[name]).abs().max()) for name in before)
    assert 0 < moved < 0.01, "two small steps from the adapter, not from a new one"


def test_another_prompt_than_the_adapters_is_refused(pairs: Workbench, bench: Workbench, tmp_path: Path) -> None:
    """And what to set is said."""
    from trainers import prepare as preparation
    from trainers.start import open_start

    bench.train(tmp_path / "sft", max_steps=1, prompt="plain.v1")
    request = replace(pairs.prepare(**DPO).request, start=open_start(str(tmp_path / "sft"), None))
    with pytest.raises(HarnessError, match="was trained with another prompt") as error:
        preparation.prepare(request, pairs.said.append)
    assert "--set prompt=plain.v1" in str(error.value.hint)


def test_layers_that_would_mix_the_answers_are_refused(
    pairs: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model whose layers know no bounds cannot compare two answers of one row."""
    trainer = pairs.trainer(tmp_path / "out", **DPO)
    monkeypatch.setattr("trainers.training.trainer.samples_stay_apart", lambda *_: False)
    trainer.preflight()
    with pytest.raises(HarnessError, match="mix the two answers"):
        trainer.start_from_here()


def test_falling_answers_are_told() -> None:
    """A training that makes both answers improbable says so; one that does not, does not."""
    said: list[str] = []
    warn_of_falling_answers([{"heldout_chosen_log_prob": -9.0}, {"step": 2}], said.append)
    warn_of_falling_answers([{"heldout_chosen_log_prob": v} for v in (-9.0, -8.0)], said.append)
    assert [] == said
    warn_of_falling_answers([{"heldout_chosen_log_prob": v} for v in (-9.0, -12.0)], said.append)
    assert "log-probability -9.0 to -12.0 on held-out pairs" in said[0]
