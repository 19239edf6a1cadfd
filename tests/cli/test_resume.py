"""Runs that are cut: by Ctrl-C, by kill -9, by an exception at any point. Nothing finished is lost or done twice."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.engine.execute import execute
from harness.engine.job import Job, Outcome
from harness.engine.plan import PlannedModel, plan_requests
from harness.store.store import Store
from harness.templates import load_template
from harness.types import PASS_FAIL, Generation, PlannedTask, Request, Sample, Sampling, Verdict
from tests.conftest import ROOT, results_of

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
    deadline = time.monotonic() + 60
    while not log.exists() or log.read_text().count(what) < count:
        assert time.monotonic() < deadline, "the run did not start"
        time.sleep(0.02)


def test_kill_9_three_times_loses_only_the_call_in_flight(plugin_folder: Path, long_task: Path) -> None:
    """Each kill may repeat the one answer that was being made; every other answer is made once."""
    folder, log = long_task.parent, long_task.parent / "log"
    for kills in range(1, 4):
        process = start(plugin_folder, folder, delay=0.03)
        wait_for_calls(log, kills * 12)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    last = start(plugin_folder, folder, delay=0)
    _, err = last.communicate(timeout=120)
    assert 0 == last.returncode, err
    made = Counter(line for line in log.read_text().splitlines() if line.startswith("generate"))
    assert N_TASKS == len(made)
    assert sum(made.values()) <= N_TASKS + 3 * 2  # the one in flight, and one that waited for the writer
    assert N_TASKS == results_of(folder, "r")["rows"][0]["n"]


def test_ctrl_c_says_how_to_go_on(plugin_folder: Path, long_task: Path) -> None:
    """Exit code 130, what is done, and the command to continue with; what was made is in the store."""
    folder = long_task.parent
    process = start(plugin_folder, folder, delay=0.03)
    wait_for_calls(folder / "log", 10)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
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
    _, err = process.communicate(timeout=20)
    assert 130 == process.returncode, err
    assert "60 of 60 answers and 0 of 60 verdicts done. Everything finished is stored" in err
    assert 2 == (folder / "log").read_text().count("judge")


def test_ctrl_c_before_the_work_begins_says_how_to_go_on(plugin_folder: Path, long_task: Path) -> None:
    """While a task is read that takes long to come: the same sentence, the same exit code."""
    folder = long_task.parent
    process = start(plugin_folder, folder, delay=0, task="waiting")
    wait_for_calls(folder / "log", 1, "samples")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert 130 == process.returncode, err
    assert "Traceback" not in err
    assert "Interrupted. Everything finished is stored; the same command continues:\n  harness eval --task" in err


def test_two_processes_may_write_the_same_store_at_once(plugin_folder: Path, long_task: Path) -> None:
    """Two runs side by side both end whole."""
    folder = long_task.parent
    processes = [start(plugin_folder, folder, delay=0.002, run=run) for run in ("one", "two")]
    ended = [process.communicate(timeout=120) for process in processes]
    assert [0, 0] == [process.returncode for process in processes], ended
    assert [N_TASKS, N_TASKS] == [results_of(folder, run)["rows"][0]["n"] for run in ("one", "two")]


class CutShort:
    """A model that is interrupted after some answers."""

    fingerprint = "cut-short"

    def __init__(self, after: int | None) -> None:
        self.after = after
        self.asked: list[str] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for place, request in enumerate(requests):
            if place == self.after:
                raise KeyboardInterrupt
            self.asked.append(request.key)
            yield Generation(request_key=request.key, text=f"答え {request.sample_id}")


class Even:
    """A judge that passes every second task."""

    name = "even"
    scale = PASS_FAIL
    fingerprint = "even"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        return Verdict.scored(int(sample.id) % 2)


class Silent:
    """Progress that nobody watches."""

    def planned(self, **_: int) -> None:
        pass

    def answered(self, *_: object) -> None:
        pass

    def judged(self, *_: object, **__: object) -> None:
        pass

    def model_failed(self, *_: object) -> None:
        pass


def run_once(store: Store, model: CutShort, n_tasks: int) -> Outcome:
    task = PlannedTask(
        name="t", samples=tuple(Sample(id=str(number), inputs={"input": f"問{number}"}) for number in range(n_tasks))
    )
    requests = plan_requests(
        [task],
        [PlannedModel(label="m", fingerprint=model.fingerprint)],
        [load_template("plain.v1")],
        sampling=Sampling(),
    )
    job = Job(tasks=(task,), requests=tuple(requests), models={"m": model}, judges=(Even(),))
    return execute(job, store, Silent())


@given(cuts=st.lists(st.integers(min_value=0, max_value=12), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_resume_after_cuts_anywhere_ends_with_the_same_rows(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However often a run is cut, it ends with the rows of an uninterrupted one, and asks for each answer once."""
    with Store(str(tmp_path_factory.mktemp("whole") / "s.sqlite")) as store:
        whole = run_once(store, CutShort(None), 12)
    asked: list[str] = []
    with Store(str(tmp_path_factory.mktemp("cut") / "s.sqlite")) as store:
        for cut in cuts:
            model = CutShort(cut)
            with contextlib.suppress(KeyboardInterrupt):
                run_once(store, model, 12)
            asked += model.asked
        model = CutShort(None)
        resumed = run_once(store, model, 12)
        asked += model.asked
    assert whole.answers == resumed.answers
    assert whole.verdicts == resumed.verdicts
    assert 12 == len(asked) == len(set(asked))
