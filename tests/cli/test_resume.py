"""Runs that are cut: by Ctrl-C, by kill -9, by an exception at any point. Nothing finished is lost or done twice."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT, results_of
from tests.patience import PATIENCE

N_TASKS = 60


@pytest.fixture
def long_task(workplace: Path) -> Path:
    path = workplace / "long.jsonl"
    path.write_text("".join(json.dumps({"input": f"問{number}"}) + "\n" for number in range(N_TASKS)))
    return path


def start(
    plugin_folder: Path,
    folder: Path,
    *,
    delay: float,
    run: str = "r",
    judge: str = "length",
    model: str = "counting:a",
    task: str = "long=long.jsonl",
) -> subprocess.Popen[str]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(plugin_folder), str(ROOT)]),
        "COUNT_LOG": str(folder / "log"),
        "COUNT_DELAY": str(delay),
    }
    command = [sys.executable, "-c", "from harness.cli.main import main; main()", "eval", "--task", task]
    command += ["--model", model, "--judge", judge, "--run", run]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for_calls(log: Path, count: int, what: str = "generate") -> None:
    deadline = time.monotonic() + PATIENCE
    while not log.exists() or log.read_text().count(what) < count:
        assert time.monotonic() < deadline, "the run did not start"
        time.sleep(0.02)


def test_kill_9_three_times_loses_only_the_call_in_flight(plugin_folder: Path, long_task: Path) -> None:
    """Each kill may repeat the one answer that was being paid for; every other is paid for once."""
    folder, log = long_task.parent, long_task.parent / "log"
    for kills in range(1, 4):
        process = start(plugin_folder, folder, delay=0.03, model="counting:paid")
        wait_for_calls(log, kills * 12)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    last = start(plugin_folder, folder, delay=0, model="counting:paid")
    _, err = last.communicate(timeout=2 * PATIENCE)
    assert 0 == last.returncode, err
    made = Counter(line for line in log.read_text().splitlines() if line.startswith("generate"))
    assert N_TASKS == len(made)
    assert sum(made.values()) <= N_TASKS + 3
    assert N_TASKS == results_of(folder, "r")["rows"][0]["n"]


def test_ctrl_c_says_how_to_go_on(plugin_folder: Path, long_task: Path) -> None:
    """Exit code 130, what is done, and the command to continue with; what was made is in the store."""
    folder = long_task.parent
    process = start(plugin_folder, folder, delay=0.03)
    wait_for_calls(folder / "log", 10)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert 130 == process.returncode, err
    assert "Traceback" not in err
    assert "Everything finished is stored; the same command continues:\n  harness eval --task" in err
    with sqlite3.connect(folder / "runs/store.sqlite") as store:
        [(stored,)] = store.execute("SELECT count(*) FROM generation").fetchall()
    assert stored >= 9


def test_ctrl_c_ends_calls_that_would_never_end(plugin_folder: Path, long_task: Path) -> None:
    """All answers are there and a judge waits for its server: no further call begins, and nobody waits for it."""
    folder = long_task.parent
    process = start(plugin_folder, folder, delay=0, judge="stuck", model="echo")
    wait_for_calls(folder / "log", 2, "judge")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert 130 == process.returncode, err
    assert "60 of 60 answers and 0 of 60 verdicts done. Everything finished is stored" in err
    assert 2 == (folder / "log").read_text().count("judge")


def test_ctrl_c_before_the_work_begins_says_how_to_go_on(plugin_folder: Path, long_task: Path) -> None:
    """While a task is read that takes long to come: the same sentence, the same exit code."""
    folder = long_task.parent
    process = start(plugin_folder, folder, delay=0, task="waiting")
    wait_for_calls(folder / "log", 1, "samples")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert 130 == process.returncode, err
    assert "Traceback" not in err
    assert "Interrupted. Everything finished is stored; the same command continues:\n  harness eval --task" in err


def test_two_processes_may_write_the_same_store_at_once(plugin_folder: Path, long_task: Path) -> None:
    """Two runs side by side both end whole."""
    folder = long_task.parent
    processes = [start(plugin_folder, folder, delay=0.002, run=run) for run in ("one", "two")]
    ended = [process.communicate(timeout=2 * PATIENCE) for process in processes]
    assert [0, 0] == [process.returncode for process in processes], ended
    assert [N_TASKS, N_TASKS] == [results_of(folder, run)["rows"][0]["n"] for run in ("one", "two")]
