"""A store's server that is away for a moment: what is tried again, what is said, and what a run loses: nothing."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from harness.errors import StoreError, StoreUnreachableError
from harness.store import outages
from harness.store.leases import Leases
from harness.store.outages import Outages
from harness.store.spending import StoredSpending
from harness.store.store import Store
from harness.store.writer import Writer
from harness.types import Generation
from tests.conftest import ROOT, results_of
from tests.patience import PATIENCE
from tests.postgres import missing, postgres_server

N_TASKS = 40
needs_server = pytest.mark.skipif(missing() is not None, reason=str(missing()))
T = TypeVar("T")


def failing(*errors: Exception) -> Callable[[], str]:
    """An attempt that raises these one after the other, and then succeeds."""
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


class Clock(threading.Event):
    """Time that passes when somebody waits, and the pauses that were made."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        return self.is_set()

    def monotonic(self) -> float:
        return sum(self.pauses)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(outages, "time", made)
    return made


def waiting(clock: Clock) -> Outages:
    one = Outages("me@db/team")
    one._hurried = clock
    one.are_waited_for = True
    return one


def test_it_is_tried_again_in_growing_pauses_and_told_once(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    gone = [StoreUnreachableError("gone")] * 8  # 21 seconds
    one = waiting(clock)
    assert "done" == one.outlast(failing(*gone))
    assert [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0] == pytest.approx(clock.pauses)
    said = "The server of me@db/team cannot be reached for now; this run goes on when it is back, and ends after 30 s"
    assert f"{said} without it.\n" == capsys.readouterr().err
    assert "done" == one.outlast(failing(*gone[:1]))
    assert said in capsys.readouterr().err, "the next outage is news"


def test_it_is_given_up_in_the_end_and_at_once_for_any_other_reason(clock: Clock) -> None:
    one = waiting(clock)
    with pytest.raises(StoreUnreachableError, match="still gone"):
        one.outlast(failing(*[StoreUnreachableError("still gone")] * 1000))
    assert 20 < sum(clock.pauses) <= outages.LASTS
    with pytest.raises(StoreUnreachableError, match="still gone"):
        one.outlast(failing())  # for all threads, also when it is back: the run ends
    one = waiting(clock)
    before = len(clock.pauses)
    with pytest.raises(StoreError, match="no such table"):
        one.outlast(failing(StoreError("no such table")))
    assert before == len(clock.pauses)


def test_where_nothing_was_reached_yet_and_in_a_hurry_nothing_is_waited_for(clock: Clock) -> None:
    """The try that is under way is the last one."""
    with pytest.raises(StoreUnreachableError):
        Outages("me@db/team").outlast(failing(StoreUnreachableError("wrong port")))
    one, tries = waiting(clock), []

    def attempt() -> None:
        tries.append(1)
        if len(tries) == 3:
            one.hurry()  # by another thread
        raise StoreUnreachableError("gone")

    for _ in range(3):  # whoever comes later is told without a try: a silent server takes its time for each
        with pytest.raises(StoreUnreachableError):
            one.outlast(attempt)
        assert 3 == len(tries)


class Unsure(Store):
    """A store whose server says of no transaction whether it ended: each is done twice."""

    def whole(self, work: Callable[[Connection], T], *, write: bool = False) -> T:
        super().whole(work, write=write)
        return super().whole(work, write=write)


def test_what_is_tried_again_comes_to_the_same_when_it_is_done_twice(store_url: str) -> None:
    """Claims, rows, the end of leases, and what was spent."""
    answer = Generation(request_key="a", text="答え")
    with Unsure(store_url) as unsure, Leases(unsure) as leases, Store(store_url) as store, Leases(store) as other:
        assert {"a", "b"} == leases.claim(["a", "b"])
        with Writer(unsure, leases) as writer:
            writer.add(answer)
        assert {"a": answer} == unsure.generations(["a"])
        assert {"a": answer} == store.generations(["a"])
        assert not other.claim(["a", "b"])
        spending = StoredSpending(unsure, leases, "run")
        assert 3 == spending.reserve("judge", lambda tally: 3 - tally.in_flight["judge"])[0]
        spending.settle("judge", 0.25)
        spending.settle("judge", 0.5)
        spending.settle("judge", None)
        _, seen = StoredSpending(store, other, "run").reserve("judge", lambda _: 0)
    assert (0.75, {"judge": 0.5}, 0) == (seen.spent, seen.dearest, seen.in_flight["judge"])


@pytest.fixture
def command(workplace: Path, plugin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An evaluation that takes a while, and notes its calls in the file ``log``."""
    tasks = "".join(json.dumps({"input": f"問{number}"}) + "\n" for number in range(N_TASKS))
    (workplace / "t.jsonl").write_text(tasks)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(plugin_folder), str(ROOT)]))
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    monkeypatch.setenv("COUNT_DELAY", "0.1")
    made = [sys.executable, "-c", "from harness.cli.main import main; main()", "eval", "--task", "t=t.jsonl"]
    return [*made, "--model", "counting:paid", "--judge", "sold"]


def wait_for_calls(count: int) -> None:
    deadline, log = time.monotonic() + PATIENCE, Path("log")
    while not log.exists() or len(log.read_text().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@needs_server
def test_two_workers_outlive_a_server_that_is_started_anew(workplace: Path, command: list[str]) -> None:
    """Twice, in the middle of the work: both end with the whole board, and nothing was asked for a second time."""
    with postgres_server(settings=()) as server:
        command += ["--store", server.url(server.new_database()), "--max-cost", "9"]
        workers = [
            subprocess.Popen([*command, "--run", name], text=True, stdout=-1, stderr=-1) for name in ("one", "two")
        ]
        for calls in (10, 30):
            wait_for_calls(calls)
            server.stop()
            time.sleep(0.5)
            server.start()
        ended = [worker.communicate(timeout=2 * PATIENCE) for worker in workers]
        assert [0, 0] == [worker.returncode for worker in workers], ended
    assert any("cannot be reached for now; this run goes on when it is back" in err for _, err in ended), ended
    made = Counter(Path("log").read_text().splitlines())
    assert (2 * N_TASKS, {1}) == (len(made), set(made.values()))
    assert [N_TASKS] * 2 == [row["n"] for run in ("one", "two") for row in results_of(workplace, run)["rows"]]


@needs_server
def test_ctrl_c_does_not_wait_for_a_server_and_says_what_is_lost(command: list[str]) -> None:
    """And the same command goes on when it is back."""
    with postgres_server(settings=()) as server:
        command += ["--store", server.url(server.new_database()), "--run", "r"]
        worker = subprocess.Popen(command, text=True, stdout=-1, stderr=subprocess.PIPE)
        wait_for_calls(20)
        server.stop()
        assert worker.stderr is not None
        assert any("this run goes on when it is back" in line for line in worker.stderr)
        worker.send_signal(signal.SIGINT)
        _, said = worker.communicate(timeout=PATIENCE)
        assert 130 == worker.returncode, said
        assert re.search(r"Interrupted\..* could not be stored, and would have to be made again: The server of ", said)
        assert "\nThe same command continues:\n  harness eval --task t=t.jsonl" in said
        assert "Everything finished is stored" not in said
        server.start()
        assert 0 == subprocess.run(command, check=False, capture_output=True).returncode
    made = Counter(Path("log").read_text().splitlines())
    assert 2 * N_TASKS == len(made)
    assert sum(made.values()) <= 2 * N_TASKS + 1 + 8, "an answer, and the verdicts that eight threads were asking for"


@needs_server
@pytest.mark.parametrize("limit", [(), ("--max-cost", "9")], ids=["", "with a limit"])
def test_a_server_that_stays_away_ends_the_run_and_nothing_more_is_paid_for(
    command: list[str], limit: tuple[str, ...]
) -> None:
    """Those eight calls that are under way come to their end; none of the rest is made."""
    command[2] = f"import harness.store.outages as o; o.LASTS = 2.0; {command[2]}"
    with postgres_server(settings=()) as server:
        command += ["--store", server.url(server.new_database()), "--run", "r", *limit]
        worker = subprocess.Popen(command, text=True, stdout=-1, stderr=subprocess.PIPE)
        wait_for_calls(20)
        server.stop()
        _, said = worker.communicate(timeout=PATIENCE)
        assert 1 == worker.returncode, said
        assert re.search(r"^Error: The server of .* cannot be reached: ", said, re.MULTILINE)
        made = len(Path("log").read_text().splitlines())
        assert made <= 20 + 1 + 2 * 8
        server.start()
        assert 0 == subprocess.run(command, check=False, capture_output=True).returncode
    assert 2 * N_TASKS == len(set(Path("log").read_text().splitlines()))
