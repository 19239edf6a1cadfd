"""The store: what it keeps, what it serves, and how it fails."""

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, event

from harness.engine.plan import PlannedModel, plan_digest, plan_requests
from harness.errors import StoreError
from harness.store.store import Store
from harness.templates import load_template
from harness.types import Generation, Judgement, PlannedTask, Sample, Sampling, Verdict


def judgement(key: str, verdict: Verdict) -> Judgement:
    return Judgement(key=key, request_key="r", judge="j", judge_fingerprint="f", repeat=0, verdict=verdict)


def test_failures_are_kept_but_not_served(store: Store) -> None:
    """A failed answer and an unscored verdict are seen only by those who ask for failures."""
    failed = Generation(request_key="a", text=None, finish_reason="error", error="no memory")
    unscored = judgement("k", Verdict.unscored("no verdict", raw="?"))
    store.write(generations=[failed], judgements=[unscored])
    assert ({}, {}) == (store.generations(["a"]), store.judgements(["k"]))
    assert {"a": failed} == store.generations(["a"], failures=True)
    assert {"k": unscored} == store.judgements(["k"], failures=True)


def test_a_success_replaces_a_failure_and_nothing_replaces_a_success(store: Store) -> None:
    """The first success stays, whatever is written later."""
    failed = Generation(request_key="a", text=None, finish_reason="error", error="no memory")
    good = Generation(request_key="a", text="答え")
    later = Generation(request_key="a", text="別の答え")
    scored = judgement("k", Verdict.scored(4, rationale="よい", raw="4", version="v1", cost=0.01))
    for generation in (failed, good, failed, later):
        store.write(generations=[generation])
    for verdict in (judgement("k", Verdict.failed("timeout")), scored, judgement("k", Verdict.scored(1))):
        store.write(judgements=[verdict])
    assert {"a": good} == store.generations(["a"])
    assert {"k": scored} == store.judgements(["k"])


def test_more_keys_than_one_statement_takes(store: Store) -> None:
    """Looking up 2,000 keys among 1,500 rows finds the 1,500."""
    rows = [Generation(request_key=str(number), text="x") for number in range(1500)]
    store.write(generations=rows)
    assert 1500 == len(store.generations([str(number) for number in range(2000)]))


def test_a_plan_comes_back_in_order(store: Store) -> None:
    """Samples with every field, and requests, are what was saved."""
    sample = Sample(
        id="a",
        inputs={"input": "問", "level": 3},
        reference="答",
        criteria="基準",
        rules=({"type": "json"},),
        tags=("x",),
    )
    task = PlannedTask(name="t\udcff", samples=(sample, Sample(id="\ud800", inputs={"input": "\ud800"}, cluster="c")))
    models = [PlannedModel(label=label, fingerprint=label) for label in ("m2", "m1")]
    templates = [load_template("course.v1"), load_template("chat.v1")]
    requests = plan_requests([task], models, templates, sampling=Sampling(temperature=0.7, seed=3), repeats=2)
    digest = plan_digest([task], requests)
    assert not store.has_plan(digest)
    store.save_plan(digest, {task.name: task.samples}, requests)
    store.save_plan(digest, {task.name: task.samples}, requests)
    assert store.has_plan(digest)
    assert ({task.name: task.samples}, requests) == store.load_plan(digest)
    store.save_samples("kept", {"kept": task.samples[::-1]})
    assert ({"kept": task.samples[::-1]}, {}) == (store.load_samples("kept"), store.load_samples("none"))


def test_a_plan_that_was_cut_off_is_not_there_and_is_completed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written in portions: whoever comes next neither reads a part nor leaves it at that."""
    monkeypatch.setattr("harness.store.store._PORTION", 2)
    task = PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": f"問{n}"}) for n in range(5)))
    models = [PlannedModel(label="m", fingerprint="m")]
    requests = plan_requests([task], models, [load_template("plain.v1")], sampling=Sampling())
    add, tables = store._add_new, []

    def cut_off(table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        tables.append(table.name)
        add(table, list(rows)[:3] if table.name == "plan_request" else rows)

    monkeypatch.setattr(store, "_add_new", cut_off)
    store.save_plan("plan", {"t": task.samples}, requests)
    assert "plan_request" == tables[-1]
    assert not store.has_plan("plan")
    with pytest.raises(StoreError):
        store.load_plan("plan")
    monkeypatch.undo()
    store.save_plan("plan", {"t": task.samples}, requests)
    assert store.has_plan("plan")
    assert ({"t": task.samples}, requests) == store.load_plan("plan")


def test_an_unknown_plan_is_an_error(store: Store) -> None:
    """A run whose rows are elsewhere is named as such."""
    with pytest.raises(StoreError, match="does not hold this run"):
        store.load_plan("0" * 64)


def test_a_locked_store_says_so(store: Store) -> None:
    """While another process keeps the lock for too long, writing fails with the reason and loses nothing."""
    row = Generation(request_key="a", text="x")
    with (
        Store(store.url) as other,
        other.transaction(write=True),
        Store(store.url, lock_timeout=0.2) as waiting,
        pytest.raises(StoreError, match="is locked: another process"),
    ):
        waiting.write(generations=[row])
    store.write(generations=[row])
    assert {"a": row} == store.generations(["a"])


def test_a_full_disk_says_so_and_keeps_what_was_written(tmp_path: Path) -> None:
    """SQLite's own 'database or disk is full' becomes a sentence; earlier rows stay."""
    with Store(str(tmp_path / "small.sqlite")) as store:
        store.write(generations=[Generation(request_key="a", text="x")])
        store._engine.dispose()

        @event.listens_for(store._engine, "connect")
        def _limit(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute("PRAGMA max_page_count = 40")

        with pytest.raises(StoreError, match="No space left to write"):
            store.write(generations=[Generation(request_key=str(n), text="y" * 1000) for n in range(1000)])
        assert ["a"] == list(store.generations(["a", "0", "999"]))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "must be a SQLite file or a PostgreSQL database"),
        ("sqlite:///:memory:", "must be a SQLite file"),
        ("mysql://h/db", "must be a SQLite file or a PostgreSQL database"),
        ("what is this://", "is not a store URL"),
    ],
)
def test_urls_that_are_no_store(url: str, message: str) -> None:
    """Only a SQLite file is a store; everything else is named."""
    with pytest.raises(StoreError, match=message):
        Store(url)


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """A path that is a folder is refused with SQLite's reason."""
    with pytest.raises(StoreError, match="cannot be opened as a file"):
        Store(str(tmp_path))
