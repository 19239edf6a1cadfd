"""The processes of a crew as their parent sees them: started, given orders, listened to, and never left behind."""

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
from typing import IO

from harness.models.hf.crew.channel import Gone, Message, Order, Sender, received
from harness.models.hf.crew.places import Place

COMMAND = [sys.executable, "-m", "harness.models.hf.crew.worker"]
_PATIENCE = 5.0  # seconds that a process has to end by itself
_LAST_WORDS = 2_000  # bytes of what it printed last


class Process:
    """A worker at a place. Whatever it says goes to ``events`` together with itself, at last that it is gone.

    It is in a process group of its own, so that Ctrl-C reaches the parent alone; it ends when its pipe is closed, which
    the system does for a parent that is killed.
    """

    def __init__(self, place: Place, events: "queue.SimpleQueue[tuple[Process, Message]]") -> None:
        self.place = place
        self.pid = 0
        self._events = events
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            env=os.environ | {"PYTHONPATH": path, **place.environment},
            start_new_session=True,
        )
        self.pid = self._process.pid
        assert self._process.stdin is not None
        self._sender = Sender(self._process.stdin)  # type: ignore[arg-type]  # a buffered writer is one
        threading.Thread(target=self._listen, name=f"crew-{self.pid}", daemon=True).start()

    def give(self, order: Order) -> None:
        """Hand an order over; to a process that has ended, in vain: `Gone` says so."""
        with contextlib.suppress(OSError):
            self._sender.send(order)

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
        while (message := received(self._process.stdout)) is not None:  # type: ignore[arg-type]  # likewise
            self._events.put((self, message))
        code = self._process.wait()
        self._events.put((self, Gone(code=code, said=self._last_line())))

    def _last_line(self) -> str:
        size = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, size - _LAST_WORDS))
        lines = self._printed.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""
