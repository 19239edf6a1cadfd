"""The calls of a day in the store: for every process, one after another and side by side."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from harness.store.call_counts import StoredCallCounts
from harness.store.store import Store
from tests.conftest import ROOT

_TAKE = """
import sys
from harness.store.call_counts import StoredCallCounts
from harness.store.store import Store
with Store(sys.argv[1]) as store:
    counts = StoredCallCounts(store)
    print(sum(counts.take("q", "2026-11-26", 25) for _ in range(20)))
"""


def test_the_count_survives_its_process(tmp_path: Path) -> None:
    """A second process finds what the first has used, and gets the rest alone; reading makes no table."""
    path = str(tmp_path / "store.sqlite")
    with Store(path) as store:
        assert 0 == StoredCallCounts(store).used("q", "2026-11-26")
    made = [
        int(subprocess.run([sys.executable, "-c", _TAKE, path], check=True, capture_output=True, cwd=ROOT).stdout)
        for _ in range(2)
    ]
    assert [20, 5] == made
    with Store(path) as store:
        counts = StoredCallCounts(store)
        assert (25, 0) == (counts.used("q", "2026-11-26"), counts.used("q", "2026-11-27"))


def test_threads_do_not_take_more_than_there_is(tmp_path: Path) -> None:
    """Of 40 that want one at once, exactly as many get one as the day allows."""
    with Store(str(tmp_path / "store.sqlite")) as store, ThreadPoolExecutor(8) as pool:
        counts = StoredCallCounts(store)
        assert 13 == sum(pool.map(lambda _: counts.take("q", "d", 13), range(40)))


def test_a_store_without_the_table_gets_it(tmp_path: Path) -> None:
    """One that an older program made is used as it is."""
    path = tmp_path / "store.sqlite"
    Store(str(path)).close()
    with closing(sqlite3.connect(path)) as older:
        older.execute("DROP TABLE call_count")
        older.commit()
    with Store(str(path)) as store:
        counts = StoredCallCounts(store)
        assert (0, True, 1) == (counts.used("q", "d"), counts.take("q", "d", 2), counts.used("q", "d"))
