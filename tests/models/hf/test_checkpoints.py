"""`checkpoints:DIR` from the command line: a row for each checkpoint, on one base, with the training's prompt."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.models.hf import open_checkpoints
from harness.templates.contract import CONTRACT
from harness.types import ModelSpec
from tests.conftest import RunCli, results_of
from tests.models.hf.test_command import MODELS, MakeAdapter, tasks

SpecOf = Callable[..., ModelSpec]


@pytest.fixture
def training(tmp_path: Path, tiny: Path, make_adapter: MakeAdapter) -> Path:
    """A training's folder with two checkpoints that differ."""
    folder = tmp_path / "mine"
    (folder / "checkpoints").mkdir(parents=True)
    for step in (10, 5):
        make_adapter(tiny, scale=0.5, seed=step).rename(folder / "checkpoints" / f"checkpoint-{step}")
    return folder


def test_a_row_for_each_checkpoint(run_cli: RunCli, workplace: Path, training: Path) -> None:
    """Beside their own base, which nobody had to name; each is a try of its own."""
    ran = run_cli("eval", *tasks(workplace, 3), "--model", "base", "--model", f"checkpoints:{training}",
                  "--judge", "rules", "--run", "r", *MODELS)  # fmt: skip
    assert 0 == ran.code, ran.err
    results = results_of(workplace, "r")
    assert ["base", "mine/step-10", "mine/step-5"] == sorted(row["model"] for row in results["rows"])
    assert ["mine/step-10", "mine/step-5"] == sorted(one["candidate"]["model"] for one in results["comparisons"])
    [best] = results["best_checkpoints"]
    assert ("mine", "base", 2) == (best["training"], best["over"]["model"], best["candidates"])
    assert best["model"].startswith("mine/step-")
    assert best["honest"] <= best["naive"] + 1e-9
    assert "Best checkpoint of mine" in ran.out
    assert "Best checkpoint of mine" in (workplace / "runs" / "r" / "leaderboard.md").read_text(encoding="utf-8")


def test_labels(training: Path, tiny: Path, spec_of: SpecOf) -> None:
    """A label of one's own, else the folder's name; in the order of steps."""
    spec = spec_of(f"checkpoints:{training}", base=str(tiny))
    assert ["mine/step-5", "mine/step-10"] == list(open_checkpoints(spec))
    assert ["a/step-5", "a/step-10"] == list(open_checkpoints(spec_of(spec.text, base=str(tiny), label="a")))


def test_the_prompt_is_that_of_the_training(training: Path, tiny: Path, spec_of: SpecOf) -> None:
    """Its contract lies in the training's folder; a damaged one is told."""
    opened = open_checkpoints(spec_of(f"checkpoints:{training}", base=str(tiny)))
    assert [None, None] == [model.training_prompt() for model in opened.values()]
    (training / CONTRACT).write_text(json.dumps({"not": "a contract"}), encoding="utf-8")
    for model in opened.values():
        with pytest.raises(HarnessError, match=CONTRACT):
            model.training_prompt()


def test_no_checkpoints(run_cli: RunCli, workplace: Path) -> None:
    """Said before any work, with what keeps them."""
    (workplace / "empty").mkdir()
    ran = run_cli("eval", *tasks(workplace, 1), "--model", "checkpoints:empty", "--judge", "rules")
    assert (1, True) == (ran.code, "no checkpoint of an adapter in this folder" in ran.err)
    assert "save_total_limit" in ran.err
