"""The store: what it keeps, what it serves, and how it fails."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from harness.engine.plan import PlannedModel, plan_digest, plan_requests
from harness.errors import StoreError
from harness.store.store import Store
from harness.templates import load_template
from harness.types import Generation, Judgement, PlannedTask, Sample, Sampling, Verdict

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)  # lone surrogates and NUL among them


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/deep/down/store.sqlite", lock_timeout=0.2) as opened:
        yield opened


def judgement(key: str, verdict: Verdict) -> Judgement:
    return Judgement(key=key, request_key="r", judge="j", judge_fingerprint="f", repeat=0, verdict=verdict)


@given(text=ANY_TEXT, error=st.none() | ANY_TEXT)
def test_any_text_comes_back_whole(text: str, error: str | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every Python string survives the database, lone surrogates and NUL included."""
    with Store(str(tmp_path_factory.getbasetemp() / "any-text.sqlite")) as store:
        key = f"{len(text)} {hash((text, error))}"
        row = Generation(request_key=key, text=text, error=error, tokens_in=1, tokens_out=2, seconds=0.5)
        store.write(generations=[row])
        assert {key: row} == store.generations([key])


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


def test_an_unknown_plan_is_an_error(store: Store) -> None:
    """A run whose rows are elsewhere is named as such."""
    with pytest.raises(StoreError, match="does not hold this run"):
        store.load_plan("0" * 64)


def test_a_new_store_waits_for_another_process_that_sets_it_up(tmp_path: Path) -> None:
    """Two processes may make the same store at once: the later one waits instead of failing."""
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor() as pool:
            opening = pool.submit(Store, str(path))
            time.sleep(0.1)
            waited = not opening.done()
            other.execute("COMMIT")
            with opening.result(timeout=30) as opened:
                assert {} == opened.generations(["a"])
    assert waited


def test_a_new_store_that_stays_locked_says_so(tmp_path: Path) -> None:
    """The wait for the one that sets it up has an end and a reason."""
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked: another process"):
            Store(str(path), lock_timeout=0.1)


def test_a_locked_store_says_so(store: Store) -> None:
    """While another process keeps the lock for too long, writing fails with the reason and loses nothing."""
    row = Generation(request_key="a", text="x")
    other = sqlite3.connect(store.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="is locked: another process"):
        store.write(generations=[row])
    other.execute("ROLLBACK")
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
        ("sqlite://", "must be a SQLite file"),
        ("sqlite:///:memory:", "must be a SQLite file"),
        ("mysql://h/db", "must be a SQLite file"),
        ("what is this://", "is not a store URL"),
    ],
)
def test_urls_that_are_no_store(url: str, message: str) -> None:
    """Only a SQLite file is a store; everything else is named."""
    with pytest.raises(StoreError, match=message):
        Store(url)


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """A path that is a folder is refused with SQLite's reason."""
    with pytest.raises(StoreError, match="unable to open"):
        Store(str(tmp_path))


def damaged_by(store: Store, statement: str) -> None:
    with closing(sqlite3.connect(store.url.removeprefix("sqlite:///"))) as other:
        other.execute(statement)
        other.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE generation SET text = '別の答え'",
        "UPDATE generation SET tokens_out = 7",
        "UPDATE generation SET finish_reason = 'length'",
        "UPDATE judgement SET score = 3",
        "UPDATE judgement SET rationale = NULL",
        "UPDATE judgement SET judge = 'another'",
        "UPDATE judgement SET score = 'four'",
        "UPDATE request SET body = replace(body, '0.7', '0.9')",
        "UPDATE request SET body = substr(body, 2), checksum = NULL",
        r"UPDATE sample SET body = replace(body, '\u554f', '\u7b54')",
        "UPDATE plan_request SET model = 'another'",
        "UPDATE plan_request SET model = 'another', task = 'another', checksum = NULL",
        "DELETE FROM plan_request WHERE position = 0",
        "DELETE FROM plan_sample",
    ],
)
def test_a_row_that_is_not_what_was_written_is_refused(store: Store, statement: str) -> None:
    """Whatever changed it: a text, a score or a prompt that nobody wrote is never served."""
    task = PlannedTask(
        name="t", samples=(Sample(id="a", inputs={"input": "問"}), Sample(id="b", inputs={"input": "二"}))
    )
    model = PlannedModel(label="m", fingerprint="m")
    requests = plan_requests([task], [model], [load_template("plain.v1")], sampling=Sampling(temperature=0.7))
    store.save_plan("plan", {task.name: task.samples}, requests)
    odd = Generation(request_key="a", text="答え\ud800\x00", tokens_in=1, tokens_out=2, seconds=0.1)
    scored = judgement("k", Verdict.scored(4, rationale="よい", raw="4", version="v1", cost=1e-7))
    store.write(generations=[odd], judgements=[scored])

    def read() -> tuple[object, ...]:
        return store.generations(["a"]), store.judgements(["k"]), store.load_plan("plan")

    assert ({"a": odd}, {"k": scored}, ({"t": task.samples}, requests)) == read()
    damaged_by(store, statement)
    with pytest.raises(StoreError, match="is damaged"):
        read()


def test_rows_that_may_still_change_have_no_checksum(store: Store) -> None:
    """An earlier program may replace a failure: its row must not look damaged then."""
    store.write(
        generations=[Generation(request_key="a", text=None, finish_reason="error", error="x")],
        judgements=[judgement("k", Verdict.failed("timeout"))],
    )
    damaged_by(store, "UPDATE generation SET text = 'later', finish_reason = 'stop', error = NULL")
    damaged_by(store, "UPDATE judgement SET status = 'scored', score = 2, reason = NULL")
    assert "later" == store.generations(["a"])["a"].text
    assert 2 == store.judgements(["k"])["k"].verdict.score


def test_a_store_of_an_earlier_version_is_read_and_checked_from_now_on(tmp_path: Path) -> None:
    """Its rows have no checksum and are believed; new ones get one; read only, it stays as it is."""
    path = tmp_path / "old.sqlite"
    with Store(str(path)) as store:
        store.write(generations=[Generation(request_key="a", text="x")])
    with closing(sqlite3.connect(path)) as old:
        for table in ("generation", "judgement", "request", "plan_request"):
            old.execute(f"ALTER TABLE {table} DROP COLUMN checksum")
        old.commit()
    with Store(str(path), read_only=True) as store:
        assert ["a"] == list(store.generations(["a"]))
    with Store(str(path)) as store:
        assert ["a"] == list(store.generations(["a"]))
        with closing(sqlite3.connect(path)) as looked_at:
            assert "checksum" not in looked_at.execute("SELECT group_concat(sql) FROM sqlite_schema").fetchone()[0]
        store.write(generations=[Generation(request_key="b", text="y")])
        damaged_by(store, "UPDATE generation SET text = 'z'")
        assert "z" == store.generations(["a"])["a"].text
        with pytest.raises(StoreError, match="is damaged: a row of 'generation' is not what was written"):
            store.generations(["b"])
