"""The adapter of the lowest held-out loss, and an end where that falls no more."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers.training.conftest import Workbench, losses, rows, weights, write_pairs
from trainers.adapter.training_record import differences
from trainers.training.best import BestAdapter
from trainers.training.trainer import AdapterTrainer

OVERFITS: dict[str, Any] = {  # eleven samples, three steps an epoch: what is held out gets worse after some steps
    "learning_rate": 0.1,
    "lr_scheduler_type": "constant",
    "num_train_epochs": 4.0,
    "heldout": 3,
    "eval_steps": 1,
    "save_steps": 1,
    "save_total_limit": 20,
}


class Killed(BaseException):
    """What no code of the trainer's catches: as good as a kill."""


def measured(folder: Path) -> dict[int, float]:
    """Return the held-out loss by step, without that before training."""
    return {row["step"]: row["heldout_loss"] for row in rows(folder) if row["step"] and "heldout_loss" in row}


def outcome(folder: Path) -> dict[str, Any]:
    """Return what the record says came out."""
    found: dict[str, Any] = json.loads((folder / "training.json").read_text(encoding="utf-8"))["outcome"]
    return found


@pytest.fixture(scope="module")
def every_step(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that keeps its last adapter, and a checkpoint of every step to compare with."""
    work = tmp_path_factory.mktemp("every")
    Workbench(tiny, write_pairs(work / "pairs.json", 14)).train(work / "run", **OVERFITS)
    found = measured(work / "run")
    lowest = min(found, key=lambda step: found[step])
    assert 1 < lowest < max(found)  # else nothing could be told apart
    return work / "run"


def test_the_adapter_of_the_lowest_held_out_loss_is_written(bench: Workbench, tmp_path: Path, every_step: Path) -> None:
    """It is that of the checkpoint of that step, in a training that knew nothing of choosing; the record says which."""
    found = measured(every_step)
    lowest = min(found, key=lambda step: found[step])
    bench.train(tmp_path / "best", **OVERFITS | {"keep_best": True})
    expected = weights(every_step / "checkpoints" / f"checkpoint-{lowest}")
    actual = weights(tmp_path / "best")
    assert expected.keys() == actual.keys()
    assert all(torch.equal(expected[name], actual[name]) for name in expected)
    assert found == measured(tmp_path / "best")
    assert (lowest, len(found), False) == tuple(
        outcome(tmp_path / "best")[key] for key in ("kept_step", "heldout_measured", "stopped_early")
    )
    assert found[lowest] == round(outcome(tmp_path / "best")["heldout_loss"], 6)
    card = (tmp_path / "best" / "README.md").read_text(encoding="utf-8")
    assert f"adapter of step {lowest}, the lowest of {len(found)} measurements" in card


@pytest.mark.parametrize("patience", [1, 2])
def test_training_stops_where_the_held_out_loss_falls_no_more(
    patience: int, bench: Workbench, tmp_path: Path, every_step: Path
) -> None:
    """After so many measurements in a row without a new lowest one; the steps until then are those of the other run."""
    found, lowest, misses, end = measured(every_step), math.inf, 0, 0
    for step, loss in sorted(found.items()):
        misses = 0 if loss < lowest else misses + 1
        lowest, end = min(lowest, loss), step
        if misses == patience:
            break
    assert end < max(found)
    bench.train(tmp_path / "short", **OVERFITS | {"early_stopping_patience": patience})
    assert {step: found[step] for step in range(1, end + 1)} == measured(tmp_path / "short")
    assert losses(every_step)[:end] == losses(tmp_path / "short")
    assert (end, True, None) == tuple(
        outcome(tmp_path / "short")[key] for key in ("steps", "stopped_early", "kept_step")
    )
    assert weights(tmp_path / "short").keys() == weights(every_step).keys()
    assert all(
        torch.equal(tensor, weights(every_step / "checkpoints" / f"checkpoint-{end}")[name])
        for name, tensor in weights(tmp_path / "short").items()
    )


@pytest.mark.parametrize("step", [2, 5, 8])
def test_a_choosing_training_goes_on_bit_for_bit(
    step: int, bench: Workbench, tmp_path: Path, every_step: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in any step, before or after the lowest loss: same log, same adapter, same choice."""
    settings = OVERFITS | {"keep_best": True, "early_stopping_patience": 6, "save_steps": 2, "save_total_limit": 1}
    bench.train(tmp_path / "whole", **settings)
    done = []
    original = AdapterTrainer.training_step

    def dying(self: Any, *args: Any) -> Any:
        done.append(None)
        if len(done) == step:
            raise Killed
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(AdapterTrainer, "training_step", dying)
        with pytest.raises(Killed):
            bench.train(tmp_path / "cut", **settings)
    bench.train(tmp_path / "cut", resume=True, **settings)
    name = "adapter_model.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    assert measured(tmp_path / "whole") == measured(tmp_path / "cut")
    whole, cut = (outcome(tmp_path / folder) for folder in ("whole", "cut"))
    loose = {"seconds", "peak_gib", "planned_gib"}
    assert {key: whole[key] for key in whole.keys() - loose} == {key: cut[key] for key in cut.keys() - loose}


def test_a_training_that_had_stopped_only_writes_its_adapter(
    bench: Workbench, tmp_path: Path, every_step: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between its early end and its adapter: no step is trained again."""
    settings = OVERFITS | {"keep_best": True, "early_stopping_patience": 1}
    bench.train(tmp_path / "whole", **settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainers.training.session.move_in", lambda *_, **__: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            bench.train(tmp_path / "cut", **settings)
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda *_, **__: pytest.fail("a step was trained again"))
    bench.train(tmp_path / "cut", resume=True, **settings)
    name = "adapter_model.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    assert rows(tmp_path / "whole")[-1].keys() == rows(tmp_path / "cut")[-1].keys()
    assert outcome(tmp_path / "whole")["kept_step"] == outcome(tmp_path / "cut")["kept_step"]


def test_when_to_measure_may_change_only_where_nothing_is_chosen_by_it(bench: Workbench) -> None:
    """A resumed training that chooses must measure at the same steps; a record from before the keys had them off."""
    plain, choosing = (bench.prepare(**OVERFITS | {"keep_best": keep}).record for keep in (False, True))
    other = bench.prepare(**OVERFITS | {"keep_best": True, "eval_steps": 3}).record
    assert ["eval_steps was 1, now 3"] == differences(choosing, other)
    assert [] == differences(plain, bench.prepare(**OVERFITS | {"eval_steps": 3}).record)
    old = {key: value for key, value in plain.recipe.items() if key not in {"keep_best", "early_stopping_patience"}}
    assert [] == differences(replace(plain, recipe=old), plain)
    assert ["keep_best was False, now True"] == differences(replace(plain, recipe=old), choosing)


def test_of_equal_losses_the_first_counts() -> None:
    """A loss that is not lower is a miss; a new lowest one starts the count anew."""
    model = torch.nn.Linear(1, 1)
    best = BestAdapter(model, keep=True, patience=2)
    for step, loss in enumerate((3.0, 2.0, 2.0, 1.5, 1.5), start=1):
        with torch.no_grad():
            model.weight.fill_(float(step))
        best.see(step, loss)
    assert (4, 1.5, 1, False) == (best.state.step, best.state.loss, best.state.misses, best.state.stopped)
    best.see(6, 1.6)
    assert best.state.stopped
    assert 4 == best.put_back()
    assert 4.0 == model.weight.item()
