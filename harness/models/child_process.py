"""A Python process of ours that works for this one: records of ours go to and fro, pickled, through its pipes."""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

_PATIENCE = 5.0  # seconds that a process has to end by itself
_LAST_WORDS = 2_000  # bytes of what it printed last


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Instead of a message: the process has ended. ``said``: its last words."""

    code: int
    said: str


class Sender:
    """Writes messages to a pipe, whole ones, from several threads."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, message: object) -> None:
        """Write a message.

        Raises:
            OSError: nobody reads any more.
        """
        with self._lock:
            pickle.dump(message, self._pipe)
            self._pipe.flush()


def received(pipe: BinaryIO) -> Any:  # noqa: ANN401 - whatever the other side sent
    """Return the next message, or None at the end: a message cut off by a process that was killed is none."""
    try:
        return pickle.load(pipe)  # noqa: S301 - from a process that we started ourselves
    except (EOFError, OSError, pickle.UnpicklingError):
        return None


class ChildProcess:
    """A process started with a module of ours. ``hear`` is called with each of its messages, at last with `Gone`.

    It is in a process group of its own, so that Ctrl-C reaches the parent alone; it ends when its pipe is closed, which
    the system does for a parent that is killed. What it prints is kept for its last words, or shown if it is ``heard``.
    """

    def __init__(
        self, command: list[str], environment: Mapping[str, str], hear: Callable[[Any], None], *, heard: bool = False
    ) -> None:
        self._hear = hear
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if heard else self._printed,
            env=os.environ | {"PYTHONPATH": path, **environment},
            start_new_session=True,
        )
        self.pid = self._process.pid
        assert self._process.stdin is not None
        self._sender = Sender(self._process.stdin)  # type: ignore[arg-type]  # a buffered writer is one
        threading.Thread(target=self._listen, name=f"child-{self.pid}", daemon=True).start()

    def give(self, message: object) -> None:
        """Hand a message over; to a process that has ended, in vain: `Gone` says so."""
        with contextlib.suppress(OSError, ValueError):  # a pipe without a reader, or one that we closed
            self._sender.send(message)

    def close(self) -> None:
        """End the process, whatever it is at."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            while (message := received(self._process.stdout)) is not None:  # type: ignore[arg-type]  # likewise
                self._hear(message)
        finally:  # also after a message that cannot be read: whoever waits must not wait for ever
            self.close()
            self._hear(Gone(code=self._process.returncode, said=self._last_line()))

    def _last_line(self) -> str:
        size = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, size - _LAST_WORDS))
        lines = self._printed.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


class Parent:
    """The other side, in the process itself: its messages come through `orders`, and `send` writes to the parent.

    What was the standard output is the pipe to the parent, so whatever else is printed goes to the standard error.
    Without a parent there is nothing left to do: the process ends.
    """

    def __init__(self) -> None:
        out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self.sender = Sender(out)
        self.orders: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            while (order := received(sys.stdin.buffer)) is not None:
                self.orders.put(order)
        except Exception:  # noqa: BLE001 - a message that cannot be read: whoever sent it must not wait for ever
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
