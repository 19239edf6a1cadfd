"""What several processes spend together: one limit, whoever counts, and nobody's calls forgotten."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.engine.budget import Budget
from harness.store.leases import Leases
from harness.store.spending import StoredSpending, Tally
from harness.store.store import Store
from tests.conftest import ROOT
from tests.store.conftest import changed

# One worker: calls that cost 1 to 3 cents, each noted in a file as it is paid, until nothing is left.
WORKER = """
import sys, time
from pathlib import Path
from harness.engine.budget import Budget
from harness.store.leases import Leases
from harness.store.spending import StoredSpending
from harness.store.store import Store
url, log, limit, start = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
with Store(url) as store, Leases(store) as leases:
    leases.register()
    print("ready", flush=True)
    while not start.exists():
        time.sleep(0.01)
    budget, number = Budget(limit, account=StoredSpending(store, leases, "run")), 0
    while budget.admit("judge"):
        cents = 1 + number % 3
        with log.open("a") as file:
            file.write(f"{cents}\\n")
        time.sleep(0.005)
        budget.settle("judge", cents / 100)
        number += 1
"""


def all_room(most: int) -> Callable[[Tally], int]:
    return lambda _: most


def test_one_limit_holds_for_two_at_work(store: Store) -> None:
    """Each sees what the other has spent, and what it has under way."""
    with Leases(store) as one, Leases(store) as other:
        first, second = (Budget(0.10, account=StoredSpending(store, leases, "run")) for leases in (one, other))
        assert 1 == first.admit("judge")
        first.settle("judge", 0.02)
        assert (2, 0.0, 0.02) == (second.admit("judge", 9), second.spent, first.spent)
        for _ in range(2):
            second.settle("judge", 0.02)
        assert 1 == first.admit("judge", 9)
        first.settle("judge", 0.03)
        assert (0, 0) == (first.admit("judge"), second.admit("judge"))
        assert (True, True, pytest.approx(0.09)) == (first.is_spent, second.is_spent, first.spent + second.spent)


def test_another_run_has_its_own_money(store: Store) -> None:
    """The limit is that of a run."""
    with Leases(store) as one, Leases(store) as other:
        first = Budget(0.01, account=StoredSpending(store, one, "run"))
        second = Budget(0.01, account=StoredSpending(store, other, "another"))
        assert (1, 1) == (first.admit("judge"), second.admit("judge"))


def test_whoever_waits_for_another_process_is_let_go_when_that_is_done(store: Store) -> None:
    """The first call of a kind is made by one alone, whichever process it is in."""
    with Leases(store) as one, Leases(store) as other:
        first, second = (StoredSpending(store, leases, "run") for leases in (one, other))
        second.pause = 0.01
        assert 1 == first.reserve("judge", all_room(1))[0]
        waiting = Budget(1.0, account=second)
        seen: list[int] = []
        second.reserve = _noting(second.reserve, seen, lambda: first.settle("judge", 0.01))  # type: ignore[method-assign]
        assert 1 == waiting.admit("judge")
        assert seen[0] == 0


def _noting(
    reserve: Callable[..., tuple[int, Tally]], seen: list[int], then: Callable[[], None]
) -> Callable[..., tuple[int, Tally]]:
    def noted(kind: str, room: Callable[[Tally], int]) -> tuple[int, Tally]:
        count, tally = reserve(kind, room)
        if not seen:
            then()
        seen.append(count)
        return count, tally

    return noted


def test_what_a_gone_process_had_under_way_counts_as_paid(store: Store) -> None:
    """It may have been: the limit is kept, whatever became of its calls."""
    with Leases(store) as stays:
        with Leases(store) as goes:
            going = StoredSpending(store, goes, "run")
            staying = StoredSpending(store, stays, "run")
            going.reserve("judge", all_room(1))
            going.settle("judge", 0.04)
            staying.reserve("judge", all_room(1))
            staying.settle("judge", 0.01)
            going.reserve("judge", all_room(3))
        with Leases(store) as looks:
            _, tally = StoredSpending(store, looks, "run").reserve("judge", all_room(0))
    assert (pytest.approx(0.05 + 3 * 0.04), 0) == (tally.spent, tally.in_flight["judge"])


@pytest.mark.parametrize("ended_before_this_began", [True, False])
def test_whoever_was_started_after_the_last_had_ended_begins_anew(store: Store, ended_before_this_began: bool) -> None:
    """As one process alone always did; one that was only slow to start is one of them."""
    began = psutil.Process().create_time()
    with Leases(store) as leases:
        spending = StoredSpending(store, leases, "run")
        spending._process = "another"
        spending.reserve("judge", all_room(1))
        spending.settle("judge", 0.4)
        spending.close()
    ended = began - 5 if ended_before_this_began else began + 5
    changed(store, f"UPDATE spending SET seen = {ended!r}")
    with Leases(store) as leases:
        _, tally = StoredSpending(store, leases, "run").reserve("judge", all_room(0))
    assert (0.0 if ended_before_this_began else 0.4) == tally.spent


def test_the_same_process_may_go_on_with_the_same_limit(store: Store) -> None:
    """One after the other, each has what it is given."""
    for _ in range(2):
        with Leases(store) as leases:
            spending = StoredSpending(store, leases, "run")
            budget = Budget(0.01, account=spending)
            assert 1 == budget.admit("judge")
            budget.settle("judge", 0.01)
            assert 0 == budget.admit("judge")
            spending.close()


def test_a_next_job_of_the_same_process_is_told_what_is_left_of_its_own(store: Store) -> None:
    """Its limit was lowered by what it has spent: that is not counted twice, and what others spend is."""
    with Leases(store) as other:
        there = StoredSpending(store, other, "run")
        there._process = "another"
        with Leases(store) as leases:
            first = StoredSpending(store, leases, "run")
            Budget(1.0, account=first).admit("judge")
            first.settle("judge", 0.3)
            there.reserve("judge", all_room(1))
            there.settle("judge", 0.2)
            first.close()
        with Leases(store) as leases:
            _, tally = StoredSpending(store, leases, "run").reserve("judge", all_room(0))
    assert 0.2 == tally.spent


def test_without_a_call_that_costs_nothing_is_written(store: Store) -> None:
    """What is known to be free goes without asking anybody."""
    with Leases(store) as leases:
        budget = Budget(1.0, free=["model mine"], account=StoredSpending(store, leases, "run"))
        assert 7 == budget.admit("model mine", 7)
        budget.settle("model mine", None, is_free=True)
        assert leases._renewed is None


def test_four_processes_spend_one_limit_and_killing_one_ends_nothing(store_url: str, tmp_path: Path) -> None:
    """$1 for all: what was paid is not more but for the calls under way at the end, and not much less."""
    Store(store_url).close()
    log, start = tmp_path / "log", tmp_path / "start"
    command = [sys.executable, "-c", WORKER, store_url, str(log), "1.0", str(start)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    workers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(4)]
    for worker in workers:
        assert worker.stdout is not None
        assert b"ready\n" == worker.stdout.readline()
    start.touch()
    deadline = time.monotonic() + 60
    while (not log.exists() or len(log.read_text().split()) < 12) and time.monotonic() < deadline:
        time.sleep(0.005)
    workers[0].send_signal(signal.SIGKILL)
    for worker in workers:
        worker.communicate(timeout=60)
    assert [-9, 0, 0, 0] == [worker.returncode for worker in workers]
    paid = sum(map(int, log.read_text().split())) / 100
    assert 0.85 <= paid <= 1.0 + 1e-9
