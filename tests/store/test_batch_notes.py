"""Batches in the store: kept, renamed once the server has answered, forgotten."""

from dataclasses import replace

from harness.protocols import BatchNote
from harness.store.batch_notes import StoredBatchNotes
from harness.store.store import Store


def test_a_note_is_found_by_its_quota_in_another_process(store_url: str) -> None:
    """With the server's name once there is one, in the order of making, until it is dropped."""
    first = BatchNote(name="a", quota="gemini m 1", handle=None, keys=("k1", "k2"))
    second = replace(first, name="b", keys=("k3",))
    with Store(store_url) as store:
        notes = StoredBatchNotes(store)
        assert () == notes.known("gemini m 1")
        notes.keep(first)
        notes.keep(second)
        notes.keep(replace(first, handle="batches/7"))
    with Store(store_url) as store:
        notes = StoredBatchNotes(store)
        assert (replace(first, handle="batches/7"), second) == notes.known("gemini m 1")
        assert () == notes.known("another")
        notes.drop("a")
        assert (second,) == notes.known("gemini m 1")
