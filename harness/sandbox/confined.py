"""A template in a process of its own: limits on time and memory hold whatever it does."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from harness.sandbox.child import LOAD_SECONDS, MEMORY, SECONDS
from harness.sandbox.program import Doubt, Inspection, Source, TemplateFailure

WALL_SECONDS = 10.0
"""Seconds by the clock after which a child is ended, whatever it is doing, besides a hundredth of one per prompt."""
_SECONDS_PER_PROMPT = 0.01


class ConfinedProgram:
    """What `harness.sandbox.program.Program` is, for sources that nobody vouches for. Thread-safe.

    The child is started when it is needed, serves every later call, and ends with this object. One that was ended for
    using too much is replaced at the next call.
    """

    def __init__(self, sources: Sequence[Source], folder: Path) -> None:
        """Inspect and compile ``sources``, which may include files of ``folder``.

        Raises:
            TemplateFailure: they are no template, include what they may not, or take too long to compile.
        """
        self._lock = threading.Lock()
        self._sources = [asdict(source) for source in sources]
        self._child = _Child()
        weakref.finalize(self, _Child.end, self._child)
        [found] = self._child.ask({"sources": self._sources, "folder": str(folder.absolute())}, answers=1)
        self.inspection = Inspection(
            variables=frozenset(found["variables"]),
            parts=found["parts"],
            doubts=tuple(Doubt(line=line, text=text) for line, text in found["doubts"]),
        )

    def render_all(self, variables: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        """Return, for each of ``variables`` (JSON values; others become text), every source filled with it.

        Raises:
            TemplateFailure: whatever goes wrong, at the first prompt that it goes wrong in.
        """
        with self._lock:
            if not self._child.is_alive:
                list(self._child.ask({"sources": self._sources, "parts": dict(self.inspection.parts)}, answers=1))
            filled = [dict(filling) for filling in variables]
            return [answer["texts"] for answer in self._child.ask({"variables": filled}, answers=len(filled))]


class ConfinedChat:
    """A chat template that nobody vouches for. Thread-safe."""

    def __init__(self, template: str) -> None:
        """Compile ``template``.

        Raises:
            TemplateFailure: it is no template, or takes too long to compile.
        """
        self._lock = threading.Lock()
        self._load = {"chat": template}
        self._child = _Child()
        weakref.finalize(self, _Child.end, self._child)
        list(self._child.ask(self._load, answers=1))

    def render_all(self, variables: Sequence[Mapping[str, Any]], now: dt.datetime) -> list[str]:
        """Return the text for each of ``variables``, among them the ``messages``, written at the time ``now``.

        Raises:
            TemplateFailure: whatever goes wrong, at the first conversation that it goes wrong in.
        """
        with self._lock:
            if not self._child.is_alive:
                list(self._child.ask(self._load, answers=1))
            request = {"variables": [dict(filling) for filling in variables], "now": now.isoformat()}
            return [answer["texts"][0] for answer in self._child.ask(request, answers=len(variables))]


class _Child:
    """The process, started at the first question."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._timed_out = threading.Event()

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask(self, request: Mapping[str, Any], *, answers: int) -> Iterator[dict[str, Any]]:
        """Send a request and yield its answers; whatever ends the process becomes a `TemplateFailure`."""
        if not self.is_alive:
            self._start()
        assert self._process is not None
        self._timed_out.clear()
        timer = threading.Timer(WALL_SECONDS + _SECONDS_PER_PROMPT * answers, self._time_out, [self._process])
        timer.daemon = True
        timer.start()
        try:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            _send(self._process.stdin, request)
            for _ in range(answers):
                line = self._process.stdout.readline()
                if not line.endswith(b"\n"):
                    raise self._died()
                answer = json.loads(line)
                if "failure" in answer:
                    raise TemplateFailure(*answer["failure"])
                yield answer
        finally:
            timer.cancel()

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:  # a request that a dead process did not read
                    continue

    def _start(self) -> None:
        self.end()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "harness.sandbox.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # No keys or tokens: what is not there cannot be shown.
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0"},
        )

    def _time_out(self, process: subprocess.Popen[bytes]) -> None:
        self._timed_out.set()
        process.kill()

    def _died(self) -> TemplateFailure:
        assert self._process is not None
        code = self._process.wait()
        self.end()
        if code == -getattr(signal, "SIGPROF", 0):
            return TemplateFailure(
                "limit", f"more than {SECONDS:g} s of computing for one prompt ({LOAD_SECONDS:g} s to compile)"
            )
        if self._timed_out.is_set():
            return TemplateFailure("limit", f"more than {WALL_SECONDS:g} s")
        if code == -getattr(signal, "SIGKILL", 0):
            return TemplateFailure("limit", f"more than {MEMORY >> 20} MiB of memory")
        return TemplateFailure("failed", f"the process that renders it ended with code {code}")


def _send(stream: IO[bytes], request: Mapping[str, Any]) -> None:
    message = json.dumps(request, default=_plain).encode("ascii")
    try:
        stream.write(len(message).to_bytes(8, "big") + message)
        stream.flush()
    except BrokenPipeError:
        return  # the process has ended; reading its answer says why


def _plain(value: object) -> object:
    """Return a column's value as JSON has it: numpy scalars of a Parquet file as numbers, dates as text."""
    if isinstance(value, Mapping):
        return dict(value)
    return value.item() if hasattr(value, "item") else str(value)
