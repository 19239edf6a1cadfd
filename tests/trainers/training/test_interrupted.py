"""The command itself, ended from outside: Ctrl-C, and a kill at a moment nobody chose."""

import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.forked import Fork, Forked
from tests.trainers.training.conftest import Workbench, losses, rows

SETTINGS: dict[str, Any] = {
    "lora_dropout": 0.1,
    "num_train_epochs": 40.0,
    "heldout": 3,
    "eval_steps": 4,
    "save_steps": 3,
    "logging_steps": 2,
}  # 120 steps


def wait_for(process: Forked, happened: Callable[[], bool]) -> None:
    """Wait until something is there, or the process has ended."""
    while process.poll() is None and not happened():
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()


@pytest.mark.slow
def test_a_killed_training_goes_on_bit_for_bit(bench: Workbench, tmp_path: Path, fork: Fork) -> None:
    """Killed at a random moment behind the first checkpoint, perhaps while the next one is written."""
    folder = tmp_path / "killed"
    whole = fork(bench.command(tmp_path / "whole", **SETTINGS))
    killed = fork(bench.command(folder, **SETTINGS))
    wait_for(killed, lambda: any(folder.glob("checkpoints/*/manifest.json")))
    time.sleep(random.uniform(0, 0.6))
    killed.kill()
    killed.communicate()
    assert not (folder / "adapter_config.json").exists(), "it had ended before it was killed"
    out, err = whole.communicate()
    assert 0 == whole.returncode, err
    again = fork(bench.command(folder, "--resume", **SETTINGS))
    out, err = again.communicate()
    assert 0 == again.returncode, err
    assert "Going on from step " in err
    assert losses(tmp_path / "whole") == losses(folder)
    assert [1, *range(2, 121, 2)] == [step for step, _ in losses(folder)]
    heldout = [[row for row in rows(run) if "heldout_loss" in row] for run in (tmp_path / "whole", folder)]
    assert heldout[0] == heldout[1]
    tokens = [[row["tokens"] for row in rows(run) if "tokens" in row] for run in (tmp_path / "whole", folder)]
    assert tokens[0] == tokens[1]
    name = "adapter_model.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (folder / name).read_bytes()
    assert f"{folder}: 120 steps" in out


def test_ctrl_c_says_how_to_go_on(bench: Workbench, tmp_path: Path, fork: Fork) -> None:
    """It ends with 130 and names the last checkpoint and the command; that command finishes the run."""
    folder = tmp_path / "a"
    process = fork(bench.command(folder, **SETTINGS))
    wait_for(process, lambda: any(folder.glob("checkpoints/*/manifest.json")))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert 130 == process.returncode, err
    assert "Traceback" not in err
    steps = [int(path.parent.name.removeprefix("checkpoint-")) for path in folder.glob("checkpoints/*/manifest.json")]
    assert f"The last checkpoint is step {max(steps)}; go on with:" in err
    assert err.rstrip().endswith("--resume")
    assert not (folder / "adapter_config.json").exists()
    assert json.loads((folder / "training.json").read_text())["outcome"] is None
