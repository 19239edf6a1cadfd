"""Several processes at work on one run or one store: the work is done once, and each ends with all of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT, results_of

N_TASKS = 24


@pytest.fixture
def tasks(workplace: Path, plugin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tasks, the example plugin, and a log of its calls, for every process that is started."""
    rows = (json.dumps({"input": f"問{number}"}) + "\n" for number in range(N_TASKS))
    (workplace / "t.jsonl").write_text("".join(rows))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(plugin_folder), str(ROOT)]))
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    monkeypatch.setenv("COUNT_DELAY", "0.05")
    return workplace


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from harness.cli.main import main; main()", *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    ended = [process.communicate(timeout=120) for process in processes]
    assert [0] * len(processes) == [process.returncode for process in processes], ended
    return ended


def calls() -> Counter[str]:
    return Counter(Path("log").read_text().splitlines()) if Path("log").exists() else Counter()


def evaluate(*more: str, model: str = "a", judge: str = "length", run: str = "r") -> subprocess.Popen[str]:
    return start("eval", "--task", "t=t.jsonl", "--model", f"counting:{model}", "--judge", judge, "--run", run, *more)


def test_four_processes_ask_for_every_answer_and_verdict_once(tasks: Path) -> None:
    """The same command four times at once: one call for each answer and verdict, four equal boards."""
    ended = finish([evaluate("--model", "counting:b") for _ in range(4)])
    assert {1} == {count for call, count in calls().items() if call.startswith("generate")}
    assert 2 * N_TASKS == sum(call.startswith("generate") for call in calls())
    assert 2 * N_TASKS == sum(count for call, count in calls().items() if call.startswith("judge"))
    boards = [out.split("## How")[0] for out, _ in ended]
    assert 1 == len(set(boards))
    assert {(N_TASKS, 0)} == {(row["n"], row["n_unscored"]) for row in results_of(tasks, "r")["rows"]}


def test_two_judges_share_the_verdicts(tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge with several calls in flight, from two processes that join the same run: no verdict is paid twice."""
    finish([evaluate()])
    Path("log").unlink()
    monkeypatch.setenv("COUNT_DELAY", "1")
    finish([start("judge", "r", "--judge", "sold") for _ in range(2)])
    assert {f"judge {number}": 1 for number in range(N_TASKS)} == calls()


def test_what_a_killed_process_was_at_work_on_is_done_by_the_other(
    tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill -9 on the one that makes the answers: the other makes the rest at once, and one at most again."""
    monkeypatch.setenv("COUNT_DELAY", "0.2")
    first = evaluate(model="paid")
    deadline = time.monotonic() + 60
    while sum(calls().values()) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    second = evaluate(model="paid")
    while sum(calls().values()) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    finish([second])
    first.communicate(timeout=30)
    generated = [count for call, count in calls().items() if call.startswith("generate")]
    assert N_TASKS == len(generated)
    assert sum(generated) <= N_TASKS + 1
