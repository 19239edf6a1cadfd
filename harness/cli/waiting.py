"""A line that tells that something is under way which takes seconds: on a terminal its time counts on.

Loading the libraries of language models says nothing for as long as it takes: no line is to stand still meanwhile.
"""

import shutil
import sys
import threading
import time
from typing import Self

from harness.cli.say import said, say
from harness.locale import Text
from harness.locale.telling import TELLER

_RENEWED_EVERY = 0.5  # seconds


class Waiting:
    """Shows a message from `__enter__` to `end`, with the time that has passed; other lines stand above it."""

    def __init__(self, text: Text) -> None:
        self._text = said(text)
        self._began = time.monotonic()
        self._is_terminal = sys.stderr.isatty()
        self._outer = TELLER.say
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        if not self._is_terminal:
            say(self._text, err=True)
            return self
        self._outer, TELLER.say = TELLER.say, self._say
        self._show()
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Leave the message as it stands, and print below it from now on."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._is_terminal:
            self._ticker.join()
            TELLER.say = self._outer
            say(err=True)

    def _say(self, text: str) -> None:
        with self._lock:
            sys.stderr.write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")
            say(text, err=True)
            self._show()

    def _tick(self) -> None:
        while not self._ended.wait(_RENEWED_EVERY):
            with self._lock:
                self._show()

    def _show(self) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        sys.stderr.write(f"\r{minutes}:{seconds:02} {self._text}")
        sys.stderr.flush()
