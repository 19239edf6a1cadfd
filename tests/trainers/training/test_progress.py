"""What a training says while it runs: its log, its measures, and the end of one that diverges."""

import math
import mmap
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import HarnessError
from tests.trainers.training.conftest import Workbench, losses, rows
from trainers.training.progress import forget_peak, highest_resident_bytes
from trainers.training.trainer import AdapterTrainer


def test_the_log_tells_every_step(bench: Workbench, tmp_path: Path) -> None:
    """Tokens add up to all samples of all epochs; the learning rate and the time left are said."""
    outcome = bench.train(tmp_path / "a", num_train_epochs=2.0, warmup_steps=2).outcome
    log = rows(tmp_path / "a")
    assert list(range(1, 9)) == [row["step"] for row in log]
    assert [0.0, 0.005, 0.01] == pytest.approx([row["learning_rate"] for row in log[:3]])
    seen = 2 * sum(len(sample) for sample in bench.prepare().train.samples)
    assert seen == log[-1]["tokens"] == outcome.tokens
    assert (8, log[0]["loss"], log[-1]["loss"]) == pytest.approx(
        (outcome.steps, outcome.first_loss, outcome.last_loss), abs=1e-6
    )
    assert 0 < outcome.seconds < 600
    assert all(row["memory_gib"] > 0 and row["tokens_per_second"] > 0 and row["grad_norm"] > 0 for row in log)


def test_the_last_steps_are_in_the_log_whatever_its_rhythm(bench: Workbench, tmp_path: Path) -> None:
    """Every ten steps of a run of four: the first and the mean of the others."""
    bench.train(tmp_path / "each")
    outcome = bench.train(tmp_path / "ten", logging_steps=10).outcome
    each = [loss for _, loss in losses(tmp_path / "each")]
    assert [(1, each[0]), (4, pytest.approx(sum(each[1:]) / 3, abs=1e-5))] == losses(tmp_path / "ten")
    assert outcome.tokens == rows(tmp_path / "each")[-1]["tokens"]


@pytest.mark.parametrize("logging_steps", [1, 10])
def test_a_training_that_diverges_ends_in_words(logging_steps: int, bench: Workbench, tmp_path: Path) -> None:
    """At a learning rate of 1e30 the loss is no number soon: no adapter is written, and no checkpoint of it is kept."""
    with pytest.raises(HarnessError, match="diverged") as error:
        bench.train(tmp_path / "a", learning_rate=1e30, logging_steps=logging_steps, num_train_epochs=5.0)
    assert "learning_rate" in str(error.value.hint)
    assert not (tmp_path / "a" / "adapter_config.json").exists()
    assert all(math.isfinite(loss) for _, loss in losses(tmp_path / "a"))


def test_a_loss_that_rose_is_said(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter that makes its base worse is written, with a warning; a random base can only become better."""
    measured = iter((2.0, 2.5))
    monkeypatch.setattr(AdapterTrainer, "heldout_loss", lambda *_: next(measured))
    bench.train(tmp_path / "a", heldout=4)
    assert any("Note: the held-out loss rose from 2.000 to 2.500" in line for line in bench.said)
    assert (tmp_path / "a" / "adapter_config.json").exists()


def test_a_heldout_loss_that_is_no_number_is_said(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not written into the log as one."""
    monkeypatch.setattr(AdapterTrainer, "heldout_loss", lambda *_: math.nan)
    with pytest.raises(HarnessError, match="diverged: the held-out loss at step 0 is nan"):
        bench.train(tmp_path / "a", heldout=2)


def test_measuring_is_no_time_of_training(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the seconds nor in the rate nor in the time left: each measurement takes a day of a clock of ours."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("trainers.training.progress.time", SimpleNamespace(monotonic=lambda: clock.now))
    step = AdapterTrainer.training_step

    def a_second(*args: Any) -> Any:
        clock.now += 1
        return step(*args)

    def a_day(*_: Any) -> float:
        clock.now += 86_400
        return 1.0

    monkeypatch.setattr(AdapterTrainer, "training_step", a_second)
    monkeypatch.setattr(AdapterTrainer, "heldout_loss", a_day)
    outcome = bench.train(tmp_path / "a", heldout=2, eval_steps=1, logging_steps=2, save_steps=1).outcome
    assert 3 == outcome.steps == outcome.seconds
    log = [row for row in rows(tmp_path / "a") if "loss" in row]
    assert [1, 2, 3] == [row["seconds"] for row in log]
    before = 0
    for row in log:
        assert row["tokens"] - before == pytest.approx(row["tokens_per_second"], abs=0.1)
        before = row["tokens"]
    assert any("  2 s left" in line for line in bench.said)


@pytest.mark.skipif(sys.platform != "linux", reason="no other system lets a process forget its peak")
def test_the_peak_of_what_came_before_is_forgotten() -> None:
    """What a conversion or a first reading of the data took is not what the training took."""
    with mmap.mmap(-1, 256 << 20) as taken:  # the system's own: the heap may hold holes as large, and keeps them
        for page in range(0, len(taken), mmap.PAGESIZE):
            taken[page] = 1
        peak = highest_resident_bytes()
    forget_peak()
    assert highest_resident_bytes() < peak - (200 << 20)
