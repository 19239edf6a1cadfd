"""The calls of a day in the store: for every process, one after another and side by side."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from harness.store.call_counts import StoredCallCounts
from harness.store.store import Store
from tests.conftest import ROOT
from tests.store.conftest import changed

_TAKE = """
import sys
from harness.store.call_counts import StoredCallCounts
from harness.store.store import Store
with Store(sys.argv[1]) as store:
    counts = StoredCallCounts(store)
    print(sum(counts.take("q", "2026-11-26", 25) for _ in range(20)))
"""


def test_the_count_survives_its_process(store_url: str) -> None:
    """A second process finds what the first has used, and gets the rest alone; reading makes no table."""
    with Store(store_url) as store:
        assert 0 == StoredCallCounts(store).used("q", "2026-11-26")
    made = [
        int(subprocess.run([sys.executable, "-c", _TAKE, store_url], check=True, capture_output=True, cwd=ROOT).stdout)
        for _ in range(2)
    ]
    assert [20, 5] == made
    with Store(store_url) as store:
        counts = StoredCallCounts(store)
        assert (25, 0) == (counts.used("q", "2026-11-26"), counts.used("q", "2026-11-27"))


def test_threads_do_not_take_more_than_there_is(store_url: str) -> None:
    """Of 40 that want one at once, exactly as many get one as the day allows."""
    with Store(store_url) as store, ThreadPoolExecutor(8) as pool:
        counts = StoredCallCounts(store)
        assert 13 == sum(pool.map(lambda _: counts.take("q", "d", 13), range(40)))


def test_a_store_without_the_table_gets_it(store_url: str) -> None:
    """One that an older program made is used as it is."""
    with Store(store_url) as store:
        changed(store, "DROP TABLE call_count")
    with Store(store_url) as store:
        counts = StoredCallCounts(store)
        assert (0, True, 1) == (counts.used("q", "d"), counts.take("q", "d", 2), counts.used("q", "d"))
