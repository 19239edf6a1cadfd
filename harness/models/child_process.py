"""A Python process of ours that works for this one: records of ours go to and fro, pickled, through its pipes.

One can be begun before anybody needs it: it imports its libraries meanwhile, and waits.
"""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

_PATIENCE = 5.0  # seconds that a process has to end by itself
_LAST_WORDS = 2_000  # bytes of what it printed last
_HEADER = 8  # bytes that say how many follow


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
        pickled = pickle.dumps(message)
        with self._lock:
            self._pipe.write(len(pickled).to_bytes(_HEADER, "big") + pickled)
            self._pipe.flush()


def received(pipe: BinaryIO) -> Any:  # noqa: ANN401 - whatever the other side sent
    """Return the next message, or None at the end: a message cut off by a process that was killed is none."""
    pickled = _pickled(pipe)
    return None if pickled is None else pickle.loads(pickled)  # noqa: S301 - from a process that we started ourselves


def _pickled(pipe: BinaryIO) -> bytes | None:
    with contextlib.suppress(OSError, ValueError):  # a pipe that broke, or that we closed
        header = pipe.read(_HEADER)
        pickled = pipe.read(size := int.from_bytes(header, "big"))
        if len(header) == _HEADER and len(pickled) == size:
            return pickled
    return None


def command_of(module: str) -> list[str]:
    """Return the command that serves this process with a module of ours: its ``serve`` is called with a `Parent`."""
    return [sys.executable, "-m", "harness.models.child", module]


@dataclass(frozen=True, slots=True)
class _Begun:
    """A process that runs, and the file that it prints to."""

    process: subprocess.Popen[bytes]
    printed: IO[bytes]

    def abandon(self) -> None:
        """End it, which has done nothing yet."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.printed):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()


_Key = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
_unused: dict[_Key, list[_Begun]] = {}


def begin_ahead(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Begin a process that the next `ChildProcess` with this command and environment takes over."""
    _unused.setdefault(_key(command, environment), []).append(_begin(command, environment, heard=False))


def end_unused() -> None:
    """End the processes that were begun ahead and that nobody took over."""
    while _unused:
        for begun in _unused.popitem()[1]:
            begun.abandon()


@contextlib.contextmanager
def none_left_unused() -> Iterator[None]:
    """Have no process left that was begun ahead and not taken over, however the block ends."""
    try:
        yield
    finally:
        end_unused()


def _key(command: Sequence[str], environment: Mapping[str, str]) -> _Key:
    return tuple(command), tuple(sorted(environment.items()))


def _begun_ahead(command: Sequence[str], environment: Mapping[str, str]) -> _Begun | None:
    """Return a process that was begun ahead and is still there."""
    waiting = _unused.get(_key(command, environment), [])
    while waiting:
        begun = waiting.pop()
        if begun.process.poll() is None:
            return begun
        begun.abandon()
    return None


def _begin(command: Sequence[str], environment: Mapping[str, str], *, heard: bool) -> _Begun:
    printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
    path = os.pathsep.join(entry for entry in sys.path if entry)
    process = subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if heard else printed,
        env=os.environ | {"PYTHONPATH": path, **environment},
        start_new_session=True,
    )
    return _Begun(process, printed)


class ChildProcess:
    """A process started with a module of ours. ``hear`` is called with each of its messages, at last with `Gone`.

    It is in a process group of its own, so that Ctrl-C reaches the parent alone; it ends when its pipe is closed, which
    the system does for a parent that is killed. What it prints is kept for its last words, or shown if it is ``heard``.
    One that was begun ahead (`begin_ahead`) is taken over, unless it is to be heard.
    """

    def __init__(
        self, command: list[str], environment: Mapping[str, str], hear: Callable[[Any], None], *, heard: bool = False
    ) -> None:
        self._hear = hear
        ahead = None if heard else _begun_ahead(command, environment)
        begun = ahead or _begin(command, environment, heard=heard)
        self._process, self._printed = begun.process, begun.printed
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
        self.orders = Orders()
        self._pipe = os.fdopen(
            os.dup(sys.stdin.fileno()), "rb"
        )  # Python aborts where a thread reads its own at the end
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while (pickled := _pickled(self._pipe)) is not None:
            self.orders.put(pickled)
        os._exit(0)


class Orders:
    """Messages that wait, pickled: to read one imports its module, which only whoever asks for it may do.

    Two threads that import at once can wait for each other for ever.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def put(self, pickled: bytes) -> None:
        """Add one."""
        self._waiting.put(pickled)

    def get(self) -> Any:  # noqa: ANN401 - whatever the parent sent
        """Wait for the next one and return it."""
        return pickle.loads(self._waiting.get())  # noqa: S301 - from the process that started this one

    def empty(self) -> bool:
        """Return whether none waits."""
        return self._waiting.empty()
