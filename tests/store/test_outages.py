"""A store's server that is away for a moment: what is tried again, what is said, and what a run loses: nothing."""

import json
import os
import subprocess
import sys
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
T = TypeVar("T")


def failing(*errors: Exception) -> Callable[[], str]:
    """An attempt that raises these one after the other, and then succeeds."""
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, in no time."""
    made: list[float] = []
    monkeypatch.setattr(outages, "time", type("Time", (), {"monotonic": lambda: sum(made), "sleep": made.append}))
    return made


def test_it_is_tried_again_in_growing_pauses_and_told_once(
    pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    gone = [StoreUnreachableError("gone")] * 8
    one = Outages("me@db/team")
    assert "done" == one.outlast(failing(*gone))
    assert [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0] == pytest.approx(pauses)
    said = "The server of me@db/team cannot be reached for now; this run goes on when it is back, and ends after 120 s"
    assert f"{said} without it.\n" == capsys.readouterr().err
    assert "done" == one.outlast(failing(*gone[:1]))
    assert said in capsys.readouterr().err, "the next outage is news"


def test_it_is_given_up_in_the_end_and_at_once_for_any_other_reason(pauses: list[float]) -> None:
    one = Outages("me@db/team")
    with pytest.raises(StoreUnreachableError, match="still gone"):
        one.outlast(failing(*[StoreUnreachableError("still gone")] * 1000))
    assert 110 < sum(pauses) <= outages.LASTS
    before = len(pauses)
    with pytest.raises(StoreError, match="no such table"):
        one.outlast(failing(StoreError("no such table")))
    assert before == len(pauses)


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


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_two_workers_outlive_a_server_that_is_started_anew(workplace: Path, plugin_folder: Path) -> None:
    """Twice, in the middle of the work: both end with the whole board, and nothing was asked for a second time."""
    (workplace / "t.jsonl").write_text(
        "".join(json.dumps({"input": f"問{number}"}) + "\n" for number in range(N_TASKS))
    )
    log = workplace / "log"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(plugin_folder), str(ROOT)]),
        "COUNT_LOG": str(log),
        "COUNT_DELAY": "0.1",
    }
    with postgres_server(settings=()) as server:
        command = [sys.executable, "-c", "from harness.cli.main import main; main()", "eval", "--task", "t=t.jsonl"]
        command += ["--model", "counting:paid", "--judge", "sold", "--store", server.url(server.new_database())]
        command += ["--max-cost", "9"]
        workers = [
            subprocess.Popen([*command, "--run", name], env=environment, text=True, stdout=-1, stderr=-1)
            for name in ("one", "two")
        ]
        for calls in (10, 30):
            deadline = time.monotonic() + PATIENCE
            while not log.exists() or len(log.read_text().splitlines()) < calls:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            server.stop()
            time.sleep(0.5)
            server.start()
        ended = [worker.communicate(timeout=2 * PATIENCE) for worker in workers]
        assert [0, 0] == [worker.returncode for worker in workers], ended
    assert any("cannot be reached for now; this run goes on when it is back" in err for _, err in ended), ended
    made = Counter(log.read_text().splitlines())
    assert (2 * N_TASKS, {1}) == (len(made), set(made.values()))
    assert [N_TASKS] * 2 == [row["n"] for run in ("one", "two") for row in results_of(workplace, run)["rows"]]
