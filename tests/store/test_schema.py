"""The tables of a store: set up once, whoever comes first, and those of earlier versions."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.store.store import Store
from harness.types import Generation, Judgement, Verdict


def judgement(key: str, verdict: Verdict) -> Judgement:
    return Judgement(key=key, request_key="r", judge="j", judge_fingerprint="f", repeat=0, verdict=verdict)


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


def damaged_by(store: Store, statement: str) -> None:
    with closing(sqlite3.connect(store.url.removeprefix("sqlite:///"))) as other:
        other.execute(statement)
        other.commit()


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
