"""Calls that go out together: a client that gathers prompts, hands them over as one batch, and waits for the replies.

Whoever calls `Batching.send` waits until the reply is there, hours perhaps, so that judging, parsing and storing are
those of single calls. A batch is noted before it is handed over, with the server's name for it afterwards: a command
that goes on after a crash finds both, and fetches instead of buying again. Replies are matched by the prompt's digest.
"""

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from harness.codec import digest
from harness.locale import tr
from harness.protocols import BatchNote, BatchNotes
from harness.remote.call import CallError, Client, Prompt, Reply

GATHER_SECONDS = 2.0
"""Without another prompt, until a batch is handed over."""

FIRST_POLL, LAST_POLL = 5.0, 60.0
"""Seconds between two looks at a batch: at first, and after a while."""

AT_ONCE = 1000
"""Most prompts of one batch: each waits in a thread of its own."""

Outcome = Reply | CallError


class BatchClient(Client, Protocol):
    """A client whose server takes batches."""

    def submit(self, prompts: Mapping[str, Prompt], name: str) -> str:
        """Hand a batch over under a name of ours; return the server's name for it, or raise CallError."""

    def find(self, name: str) -> str | None:
        """Return the server's name for a batch that was handed over under ours, None if it has none."""

    def fetch(self, handle: str) -> Mapping[str, Outcome] | None:
        """Return the replies by the prompts' keys, None while they are not ready; raise CallError if it failed."""


class Batching:
    """A client that sends in batches; see the module. Thread-safe."""

    def __init__(self, client: BatchClient, notes: BatchNotes) -> None:
        self.model = client.model
        self.quota = client.quota
        self._client = client
        self._notes = notes
        self._waiting: dict[str, Prompt] = {}
        self._changed = time.monotonic()
        self._outcomes: dict[str, Outcome] = {}
        self._news = threading.Condition()
        self._closed = threading.Event()
        self._finished: set[str] = set()
        self._thread: threading.Thread | None = None

    @property
    def identity(self) -> Mapping[str, Any]:
        """As of the client: a batch answers as single calls do."""
        return self._client.identity

    def hurried(self, seconds: float) -> Client:
        """Return the client for single calls."""
        return self._client.hurried(seconds)

    def models(self) -> Sequence[str]:
        """Return the server's models."""
        return self._client.models()

    def send(self, prompt: Prompt) -> Reply:
        """Return the reply once its batch is done.

        Raises:
            CallError: there is none, or the wait was cut short.
        """
        key = digest(asdict(prompt))
        with self._news:
            if key not in self._outcomes and key not in self._waiting:
                self._waiting[key] = prompt
                self._changed = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
                self._thread.start()
            while key not in self._outcomes:
                if self._closed.is_set():
                    raise CallError("stopped")
                self._news.wait(1.0)
            outcome = self._outcomes[key]
        if isinstance(outcome, CallError):
            raise outcome
        return outcome

    def close(self) -> None:
        """End every wait; batches stay with the server, and are found again."""
        self._closed.set()
        with self._news:
            self._news.notify_all()

    def done(self) -> None:
        """Forget the batches whose replies were fetched: what they said is stored."""
        for name in self._finished:
            self._notes.drop(name)
        self._finished.clear()

    def _work(self) -> None:
        while not self._closed.is_set():
            with self._news:
                ready = bool(self._waiting) and time.monotonic() - self._changed >= GATHER_SECONDS
                prompts = dict(list(self._waiting.items())[:AT_ONCE]) if ready else {}
            if not prompts:
                self._closed.wait(GATHER_SECONDS / 10)
                continue
            try:
                found = self._obtain(prompts)
            except CallError as error:
                found = dict.fromkeys(prompts, error)
            except Exception as error:  # noqa: BLE001 - the store's, say: whoever waits must hear of it
                found = dict.fromkeys(prompts, CallError("request", f"{type(error).__name__}: {error}"))
            with self._news:
                for key in prompts:
                    self._outcomes[key] = found.get(key) or CallError("empty", tr("the batch brought no reply to it"))
                    del self._waiting[key]
                self._news.notify_all()

    def _obtain(self, prompts: Mapping[str, Prompt]) -> dict[str, Outcome]:
        """Return what earlier batches and a new one say to these prompts."""
        found: dict[str, Outcome] = {}
        for note in self._notes.known(self.quota):
            if not set(note.keys) & set(prompts) or note.name in self._finished:
                continue
            handle = note.handle or self._client.find(note.name)
            if handle is None:  # it was never handed over
                self._notes.drop(note.name)
                continue
            replies = self._wait_for(handle)
            self._finished.add(note.name)
            found |= {key: reply for key, reply in replies.items() if isinstance(reply, Reply)}
        if left := {key: prompt for key, prompt in prompts.items() if key not in found}:
            note = BatchNote(name=f"ja-harness-{uuid.uuid4().hex}", quota=self.quota, handle=None, keys=tuple(left))
            self._notes.keep(note)
            handle = self._client.submit(left, note.name)
            self._notes.keep(replace(note, handle=handle))
            replies = self._wait_for(handle)
            self._finished.add(note.name)
            found |= replies
        return found

    def _wait_for(self, handle: str) -> Mapping[str, Outcome]:
        pause, troubles = FIRST_POLL, 0
        while True:
            try:
                if (replies := self._client.fetch(handle)) is not None:
                    return replies
                troubles = 0
            except CallError as error:
                troubles += 1
                if not error.may_pass or troubles > 20:  # noqa: PLR2004 - some twenty minutes
                    raise
            if self._closed.wait(pause):
                raise CallError("stopped")
            pause = min(2 * pause, LAST_POLL)
