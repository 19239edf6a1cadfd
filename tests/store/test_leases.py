"""Leases: one owner for each key, whoever else wants it, and nobody's when its owner is gone."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.store import schema
from harness.store.leases import Leases
from harness.store.store import Store
from harness.store.writer import Writer
from harness.types import Generation, Judgement, Verdict
from harness.unscored import Unscored
from tests.conftest import ROOT
from tests.store.conftest import asked, changed

KEYS = [f"key {number}" for number in range(1200)]


def held(store: Store) -> int:
    [(count,)] = asked(store, "SELECT count(*) FROM lease")
    return count


def test_a_key_has_one_owner_however_many_want_it(store: Store) -> None:
    """Eight runs that claim overlapping keys at once: every key is claimed, and by one alone."""
    runs = [Leases(store) for _ in range(8)]
    wanted = [KEYS[100 * place : 100 * place + 500] for place in range(8)]
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda place: runs[place].claim(wanted[place]), range(8)))
    counts = Counter(key for keys in claimed for key in keys)
    assert {1} == set(counts.values())
    assert set(KEYS) == set(counts)
    assert all(keys <= set(want) for keys, want in zip(claimed, wanted, strict=True))


def judgement(key: str, verdict: Verdict) -> Judgement:
    return Judgement(key=key, request_key="a", judge="j", judge_fingerprint="f", repeat=0, verdict=verdict)


def test_a_key_whose_row_came_meanwhile_is_not_claimed(store: Store) -> None:
    """It was free a moment ago, between another run's look and its claim: there is nothing left to be asked for."""
    with Leases(store) as first, Leases(store) as second:
        assert {"a", "k", "b"} == first.claim(["a", "k", "b"])
        assert not second.claim(["a", "k", "b"])
        with Writer(store, first) as writer:
            writer.add(Generation(request_key="a", text="x"))
            writer.add(judgement("k", Verdict.scored(1)))
        assert not second.claim(["a", "k", "b"])
        assert (["a"], ["k"]) == (list(store.generations(["a"])), list(store.judgements(["k"])))
        with Writer(store, first) as writer:
            writer.add("b")  # given up: no row comes
        assert {"b"} == second.claim(["a", "k", "b"])
    assert 0 == held(store)


def test_a_row_without_an_answer_or_a_score_is_claimed_again(store: Store) -> None:
    """It says what went wrong, and the next run is to ask once more."""
    empty = [Generation(request_key="failed", text=None, error="timeout"), Generation(request_key="said", text="")]
    unscored = judgement("unscored", Verdict.unscored(Unscored("cost_limit", "no money left")))
    crashed = judgement("crashed", Verdict.failed(Unscored("judge_crashed", "it crashed")))
    store.write(generations=empty, judgements=[unscored, crashed, judgement("scored", Verdict.scored(3))])
    with Leases(store) as run:
        assert {"failed", "unscored", "crashed", "new"} == run.claim(
            ["failed", "said", "unscored", "crashed", "scored", "new"]
        )


def test_a_run_killed_after_a_claim_in_vain_leaves_no_lease_on_what_is_stored(store: Store) -> None:
    """Nobody asks for such a key again, so that nobody would end its lease."""
    store.write(generations=[Generation(request_key=key, text="x") for key in KEYS[:700]])
    killed = Leases(store)
    assert set(KEYS[700:]) == killed.claim(KEYS)
    assert len(KEYS) - 700 == held(store)
    with store.transaction(write=True) as connection:
        connection.execute(schema.lease_owners.update().values(pid=2**30))  # as if it were gone
    with Leases(store) as other:
        assert not other.claim(KEYS[:700])
        assert set(KEYS[700:]) == other.claim(KEYS)
    assert 0 == held(store)


def test_what_another_run_took_over_is_not_ended_by_the_first(store: Store) -> None:
    """A run that hung for longer than a lease lasts has lost its keys, and its rows end nobody's lease."""
    with Leases(store, lasts=0.05) as slow, Leases(store) as other:
        slow._keep = lambda: None  # hangs: nothing is renewed
        slow._thread._target = slow._keep
        assert {"a", "b"} == slow.claim(["a", "b"])
        time.sleep(0.1)
        assert {"a"} == other.claim(["a"])
        assert not slow.holds("a")
        assert not slow.holds("b")
        with Writer(store, slow) as writer:
            writer.add(Generation(request_key="a", text="x"))
        assert not Leases(store).claim(["a"])


def test_a_run_that_is_alive_keeps_its_keys(store: Store) -> None:
    """For longer than a lease lasts."""
    with Leases(store, lasts=2.0) as first:
        first.claim(["a"])
        time.sleep(5)
        assert not Leases(store).claim(["a"])
        assert first.holds("a")


@pytest.mark.parametrize("waited_for", [True, False], ids=["reaped", "a zombie"])
def test_the_keys_of_a_killed_process_are_taken_over_at_once(store: Store, waited_for: bool) -> None:
    """Kill -9, and the next look finds them free, long before the lease runs out."""
    program = (
        "import sys, time\nfrom harness.store.leases import Leases\nfrom harness.store.store import Store\n"
        f"leases = Leases(Store({store.url!r}))\nleases.claim(['a', 'b'])\nprint('claimed', flush=True)\ntime.sleep(60)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert "claimed\n" == process.stdout.readline()
    with Leases(store) as other:
        assert {"c"} == other.claim(["a", "b", "c"])
        process.send_signal(signal.SIGKILL)
        if waited_for:
            process.wait(timeout=30)
        deadline = time.monotonic() + 10
        while not other.claim(["a", "b"]) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert other.holds("a")
        assert other.holds("b")
    process.communicate(timeout=30)


def test_another_machine_is_believed_until_its_lease_runs_out(store: Store) -> None:
    """Its process numbers say nothing here, even where a process of that number runs."""
    with Leases(store) as elsewhere, Leases(store) as here:
        elsewhere.claim(["a"])
        with store.transaction(write=True) as connection:
            connection.execute(schema.lease_owners.update().values(machine="another", pid=2**30))
        assert not here.claim(["a"])
        with store.transaction(write=True) as connection:
            connection.execute(schema.lease_owners.update().values(expires=time.time() - 1))
        assert {"a"} == here.claim(["a"])


def test_a_store_of_an_earlier_version_gets_the_tables_and_stays_readable(store_url: str) -> None:
    """The version is the same as before, so that earlier programs go on reading what this one has written."""
    with Store(store_url) as store:
        store.write(generations=[Generation(request_key="a", text="x")])
        changed(store, "DROP TABLE lease", "DROP TABLE lease_owner")
    with Store(store_url) as store, Leases(store) as leases:
        assert ["a"] == list(store.generations(["a"]))
        assert {"b"} == leases.claim(["b"])
        assert [("1",)] == asked(store, "SELECT value FROM meta WHERE key = 'schema'")


def test_without_a_claim_nothing_is_written(store: Store) -> None:
    """A run that finds everything stored does not even say that it is there."""
    with Leases(store) as leases:
        assert not leases.claim([])
        assert [(0,)] == asked(store, "SELECT count(*) FROM lease_owner")
