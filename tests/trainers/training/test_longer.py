"""More epochs of a training that has finished: as if it had been planned so, where the schedule permits."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import get_scheduler

from harness.errors import InputError
from tests.trainers.training.conftest import Workbench, rows, weights
from trainers.recipe import Recipe
from trainers.training.longer import learning_rate

SETTINGS: dict[str, Any] = {
    "lora_dropout": 0.1,
    "heldout": 3,
    "logging_steps": 1,
    "warmup_steps": 2,
}  # 3 steps an epoch


def rates(folder: Path) -> dict[int, float]:
    return {row["step"]: row["learning_rate"] for row in rows(folder) if "learning_rate" in row}


@pytest.mark.parametrize("length", [("num_train_epochs", 1.0, 2.0), ("max_steps", 2, 6)], ids=str)
def test_a_constant_schedule_goes_on_bit_for_bit(length: Any, bench: Workbench, tmp_path: Path) -> None:
    """Weights and learning rates are those of a run of that length in one piece; the record has both sessions."""
    key, short, long = length
    settings = SETTINGS | {"lr_scheduler_type": "constant_with_warmup"}
    bench.train(tmp_path / "whole", **settings, **{key: long})
    first = bench.train(tmp_path / "grown", **settings, **{key: short})
    bench.said.clear()
    record = bench.train(tmp_path / "grown", resume=True, **settings, **{key: long})
    file = "adapter_model.safetensors"
    assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "grown" / file).read_bytes()
    assert rates(tmp_path / "whole") == rates(tmp_path / "grown")
    assert (6, long) == (record.outcome.steps, record.recipe[key])
    assert [(0, first.outcome.steps), (first.outcome.steps, 6)] == [(s.after_step, s.steps) for s in record.sessions]
    assert any(f"Going on from step {first.outcome.steps}." == line for line in bench.said)
    assert any("its weights are those of a run of this length from the beginning" in line for line in bench.said)
    assert not any("planned anew" in line for line in bench.said)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_decay_is_planned_anew_and_that_is_said(
    schedule: str, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every rate after the first epoch is that of the longer plan, its first step's too; both rates are named."""
    settings = SETTINGS | {"lr_scheduler_type": schedule, "warmup_steps": 1}
    bench.train(tmp_path / "a", num_train_epochs=1.0, **settings)
    begun = weights(tmp_path / "a")
    bench.said.clear()
    used: list[float] = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda self, *_: (used.append(float(self.param_groups[0]["lr"])), step(self))[1]
    )
    bench.train(tmp_path / "a", resume=True, num_train_epochs=2.0, **settings)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-2)
    planned = get_scheduler(schedule, optimizer, 1, 6)
    expected = []
    for _ in range(6):
        expected.append(planned.get_last_lr()[0])
        optimizer.step()
        planned.step()
    assert expected[3:] == pytest.approx(used)
    assert expected[3:] == pytest.approx([rates(tmp_path / "a")[number] for number in (4, 5, 6)])
    assert expected[2] != pytest.approx(rates(tmp_path / "a")[3])
    (note,) = (line for line in bench.said if "planned anew" in line)
    assert f"the learning rate is {expected[3]:.2e}, where it had come to 0.00e+00" in note
    assert any(not torch.equal(begun[name], weight) for name, weight in weights(tmp_path / "a").items())


def test_fewer_epochs_or_other_kinds_of_length_are_another_run(bench: Workbench, tmp_path: Path) -> None:
    """Shorter, or steps for epochs: refused with both values."""
    bench.train(tmp_path / "a", num_train_epochs=1.0)
    with pytest.raises(InputError, match=r"num_train_epochs was 1\.0, now 0\.5"):
        bench.train(tmp_path / "a", resume=True, num_train_epochs=0.5)
    with pytest.raises(InputError, match="max_steps was -1, now 9"):
        bench.train(tmp_path / "a", resume=True, max_steps=9)


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(bench: Workbench, tmp_path: Path) -> None:
    """Nothing is trained anew in silence, and the adapter stays; --from is named as the way."""
    bench.train(tmp_path / "a", num_train_epochs=1.0)
    before = (tmp_path / "a" / "adapter_model.safetensors").read_bytes()
    shutil.rmtree(tmp_path / "a" / "checkpoints")
    with pytest.raises(InputError, match="none of its checkpoints is left") as caught:
        bench.train(tmp_path / "a", resume=True, num_train_epochs=2.0)
    assert "--from" in str(caught.value.hint)
    assert before == (tmp_path / "a" / "adapter_model.safetensors").read_bytes()


def test_what_patience_ended_stays_ended(bench: Workbench, tmp_path: Path) -> None:
    """More epochs would only wait longer for what did not come."""
    settings = {"heldout": 3, "eval_steps": 1, "early_stopping_patience": 1, "learning_rate": 3.0}
    record = bench.train(tmp_path / "a", num_train_epochs=4.0, **settings)
    assert record.outcome.stopped_early
    with pytest.raises(InputError, match="early_stopping_patience ended this run at step"):
        bench.train(tmp_path / "a", resume=True, num_train_epochs=6.0, **settings)


def test_the_rate_is_that_of_transformers_schedule() -> None:
    """Warm-up first, and 0 at the end of a linear decay."""
    recipe = Recipe(learning_rate=1e-3, warmup_steps=4, lr_scheduler_type="linear")
    assert [0.0, 5e-4, 1e-3, 0.0] == [learning_rate(recipe, step, 10) for step in (0, 2, 4, 10)]
