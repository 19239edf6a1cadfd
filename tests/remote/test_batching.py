"""Calls gathered into batches, on a client of the test's own."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from harness.protocols import BatchNote
from harness.remote import batching
from harness.remote.batching import Batching
from harness.remote.call import CallError, Prompt, Reply
from harness.types import Message


class Notes:
    """Notes in memory."""

    def __init__(self) -> None:
        self.held: dict[str, BatchNote] = {}

    def known(self, quota: str) -> list[BatchNote]:
        return [note for note in self.held.values() if note.quota == quota]

    def keep(self, note: BatchNote) -> None:
        self.held[note.name] = note

    def drop(self, name: str) -> None:
        self.held.pop(name, None)


class Server:
    """A client whose batches are done at the second look; prompts that say "drop" get no reply."""

    model = "m"
    quota = "q"
    identity: dict[str, Any] = {}  # noqa: RUF012 - a stand-in

    def __init__(self, fails: CallError | None = None) -> None:
        self.taken: dict[str, Mapping[str, Prompt]] = {}
        self.names: dict[str, str] = {}
        self.looks: dict[str, int] = {}
        self.fails = fails

    def submit(self, prompts: Mapping[str, Prompt], name: str) -> str:
        handle = f"h{len(self.taken)}"
        self.taken[handle], self.names[name] = prompts, handle
        return handle

    def find(self, name: str) -> str | None:
        return self.names.get(name)

    def fetch(self, handle: str) -> Mapping[str, Reply | CallError] | None:
        self.looks[handle] = self.looks.get(handle, 0) + 1
        if self.looks[handle] < 2:
            return None
        if self.fails:
            raise self.fails
        texts = {key: prompt.messages[0].content for key, prompt in self.taken[handle].items()}
        return {key: Reply(text=f"re: {text}") for key, text in texts.items() if text != "drop"}


def prompt(text: str) -> Prompt:
    return Prompt(messages=(Message(role="user", content=text),))


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "GATHER_SECONDS", 0.5)
    monkeypatch.setattr(batching, "FIRST_POLL", 0.01)


def asked(client: Batching, *texts: str) -> list[str]:
    """What each prompt got: its reply, or its trouble."""

    def ask(text: str) -> str:
        try:
            return client.send(prompt(text)).text
        except CallError as error:
            return error.trouble

    with ThreadPoolExecutor(len(texts)) as pool:
        return list(pool.map(ask, texts))


def test_one_batch_and_each_gets_its_own() -> None:
    """Equal prompts are one; what is dropped says so; afterwards the batch is forgotten."""
    server, notes = Server(), Notes()
    client = Batching(server, notes)  # type: ignore[arg-type]
    assert ["re: a", "re: b", "empty", "re: a"] == asked(client, "a", "b", "drop", "a")
    assert [3] == [len(batch) for batch in server.taken.values()]
    assert 1 == len(notes.held)
    client.done()
    assert {} == notes.held
    client.close()


@pytest.mark.parametrize("knows_handle", [True, False])
def test_another_process_fetches_and_asks_only_what_is_left(knows_handle: bool) -> None:
    """Found by the server's name, or by ours; what it brought no reply to goes into a batch of its own."""
    server, notes = Server(), Notes()
    first = Batching(server, notes)  # type: ignore[arg-type]
    asked(first, "a", "drop")
    first.close()
    if not knows_handle:
        notes.held = {name: replace(note, handle=None) for name, note in notes.held.items()}
    second = Batching(server, notes)  # type: ignore[arg-type]
    assert ["re: a", "re: b"] == asked(second, "a", "b")
    assert [2, 1] == [len(batch) for batch in server.taken.values()]
    second.close()


def test_a_note_that_was_never_handed_over_is_forgotten() -> None:
    """The process ended before the server heard of it."""
    server, notes = Server(), Notes()
    client = Batching(server, notes)  # type: ignore[arg-type]
    key = batching.digest(batching.asdict(prompt("a")))
    notes.keep(BatchNote(name="lost", quota="q", handle=None, keys=(key,)))
    assert ["re: a"] == asked(client, "a")
    assert "lost" not in notes.held
    client.close()


def test_a_batch_that_failed_is_told_to_all_of_it() -> None:
    """Once, and not tried again by itself."""
    server = Server(fails=CallError("request", "the batch ended as FAILED"))
    client = Batching(server, Notes())  # type: ignore[arg-type]
    assert ["request", "request"] == asked(client, "a", "b")
    assert 1 == len(server.taken)
    client.close()
