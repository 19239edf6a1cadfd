"""Judging in batches through the whole program and the real SDKs: half the price, nothing bought twice or mixed up."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.remote import batching
from harness.testing.servers.batches import Batches
from harness.testing.servers.loopback import serve
from tests.cli.test_served_judging import FAST, configure, evaluate, rows_in_store, run, scored, turns, write_tasks
from tests.conftest import ROOT, RunCli, reasons_of, results_of
from tests.judges.served import number_of, score_of

__all__ = ["run"]  # the fixture

NAMES = ["gemini", "openai"]


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "GATHER_SECONDS", 1.5)
    monkeypatch.setattr(batching, "FIRST_POLL", 0.05)


def batches(name: str, **more: object) -> Batches:
    return Batches(lambda call: scored(name, number_of(turns(name, call)[0])), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_one_batch_holds_all_and_each_answer_gets_its_own_score(run: RunCli, name: str) -> None:
    """Replies come in another order than they were asked; a rerun asks nothing, and the batch is forgotten."""
    write_tasks(40)
    script = batches(name, looks=2)
    with serve(script) as server:
        configure(server, name)
        ran = evaluate(run, f"{name}:test-model", "--batch")
        assert 0 == ran.code, ran.err
        assert (1, 0) == (script.handed_over, script.single)
        assert 0 == evaluate(run, f"{name}:test-model", "--batch").code
        assert (1, 0) == (script.handed_over, script.single)
    [row] = results_of(Path(), "r")["rows"]
    assert (40, pytest.approx(sum(score_of(number) for number in range(40)) / 40)) == (row["n"], row["mean"])
    assert "half the price" in ran.err
    with sqlite3.connect("runs/store.sqlite") as store:
        assert [(0,)] == store.execute("SELECT count(*) FROM batch_note").fetchall()


@pytest.mark.parametrize("name", NAMES)
def test_what_the_server_drops_is_asked_again_by_the_same_command(run: RunCli, name: str) -> None:
    """Two of twelve without a reply: unscored with the reason, then asked in a batch of their own."""
    write_tasks(12)
    script = batches(name, dropped=("課題(3)", "課題(7)"))
    with serve(script) as server:
        configure(server, name)
        first = evaluate(run, f"{name}:test-model", "--batch")
        row = results_of(Path(), "r")["rows"][0]
        assert (3, 10, 2) == (first.code, row["n"], row["n_unscored"])
        assert any("the batch brought no reply to it" in reason for reason in reasons_of(row))
        script.dropped = ()
        assert 0 == evaluate(run, f"{name}:test-model", "--batch").code
        assert (2, 12) == (script.handed_over, len(rows_in_store(f"{name}:test-model")))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("forget", [False, True])
def test_a_killed_command_fetches_the_batch_that_it_handed_over(run: RunCli, name: str, forget: bool) -> None:
    """Killed (-9) while waiting, and between handing over and noting the server's name: no second submission."""
    write_tasks(6)
    script = batches(name, looks=10**6)
    with serve(script) as server:
        configure(server, name)
        command = [
            sys.executable, "-c", "from harness.cli.main import main; main()", "eval", "--task", "mine=tasks.jsonl",
            "--model", "echo", "--judge", f"{name}:test-model", "--run", "r", "--batch",
        ]  # fmt: skip
        started = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not noted():
            time.sleep(0.1)
        assert noted()
        started.send_signal(signal.SIGKILL)
        started.wait()
        if forget:
            with sqlite3.connect("runs/store.sqlite") as store:
                store.execute("UPDATE batch_note SET handle = NULL")
        for kept in script._batches.values():
            kept["looks"] = 0
        ran = evaluate(run, f"{name}:test-model", "--batch")
        assert 0 == ran.code, ran.err
        assert (1, 0) == (script.handed_over, script.single)
    assert 6 == results_of(Path(), "r")["rows"][0]["n"]


def noted() -> bool:
    """Whether the server's name for a batch is in the store."""
    try:
        with sqlite3.connect("runs/store.sqlite") as store:
            return store.execute("SELECT count(*) FROM batch_note WHERE handle IS NOT NULL").fetchone()[0] > 0
    except sqlite3.Error:
        return False


def test_half_the_price(run: RunCli) -> None:
    """100 tokens in and 20 out at 1 and 5 dollars a million are 0.0002 each, in a batch 0.0001."""
    write_tasks(10)
    Path("prices.toml").write_text('["test-model"]\ninput = 1.0\noutput = 5.0\n')
    with serve(batches("gemini")) as server:
        configure(server, "gemini", FAST + 'prices = "prices.toml"\n')
        ran = evaluate(run, "gemini:test-model", "--batch")
        assert 0 == ran.code, ran.err
    assert "for $0.0010" in ran.err


def test_a_cost_limit_and_batches_do_not_go_together(run: RunCli) -> None:
    """It is said before anything is judged."""
    write_tasks(2)
    with serve(batches("gemini")) as server:
        configure(server, "gemini")
        Path("prices.toml").write_text('["test-model"]\ninput = 1.0\noutput = 5.0\n')
        configure(server, "gemini", FAST + 'prices = "prices.toml"\n')
        ran = evaluate(run, "gemini:test-model", "--batch", "--max-cost", "1")
        assert (2, []) == (ran.code, server.calls)
    assert "--batch cannot keep --max-cost" in ran.err
