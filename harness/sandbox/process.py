"""The confined process as its parent sees it: started, asked, ended, and never believed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from harness.locale import is_message, tr
from harness.locale.facts import text_of
from harness.sandbox.child import LOAD_SECONDS, MAX_REQUEST, MEMORY, SECONDS
from harness.sandbox.environment import MAX_TEXT
from harness.sandbox.program import TemplateFailure

WALL_SECONDS = 10.0
"""Seconds by the clock after which a child is ended, whatever it is doing, besides a hundredth of one per prompt."""
_SECONDS_PER_PROMPT = 0.01
_PROMPTS = 5_000  # in one request
_BUSY_SECONDS = 200.0  # by the clock, after which a child is replaced: the kernel ends it at CPU_SECONDS of computing
_ANSWER = 16 * MAX_TEXT  # bytes of one answer: a character is at most twelve in JSON

_NO_ANSWER = tr("the process that renders it answered what is no answer")


def said(fact: object) -> str:
    """Return a message that the process sent; one that is not in the catalogue is text and is not filled.

    >>> said({"code": "nested too deeply", "values": {}, "text": "nested too deeply"})
    'nested too deeply'
    """
    if isinstance(fact, Mapping) and not _is_ours(fact):
        return str(fact.get("text"))
    return text_of(fact)


def _is_ours(fact: Mapping[str, Any]) -> bool:
    values = fact.get("values")
    inner = values.values() if isinstance(values, Mapping) else ()
    return is_message(str(fact.get("code"))) and all(_is_ours(value) for value in inner if isinstance(value, Mapping))


class ConfinedProcess:
    """A process, started at the first question."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._timed_out = threading.Event()
        self._busy = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether a process is there that knows what it was told before."""
        return self._process is not None and self._process.poll() is None and self._busy < _BUSY_SECONDS

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return its answer; whatever ends the process becomes a `TemplateFailure`."""
        [answer] = self._ask(_encoded(request), answers=1)
        return answer

    def render(self, variables: Sequence[Mapping[str, Any]], texts: int, **more: object) -> Iterator[list[str]]:
        """Yield the answer to each of ``variables``: so many ``texts``.

        Raises:
            TemplateFailure: at the first one that it goes wrong in.
        """
        end = b"".join(b',"%s":%s' % (name.encode(), _encoded(value)) for name, value in more.items()) + b"}"
        encoded = (_encoded(dict(filling)) for filling in variables)
        for fillings in _batches(encoded):
            message = b'{"variables":[' + b",".join(fillings) + b"]" + end
            for answer in self._ask(message, answers=len(fillings)):
                yield _texts(answer, texts)

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

    def _ask(self, message: bytes, *, answers: int) -> Iterator[dict[str, Any]]:
        if not self.is_alive:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._timed_out.clear()
        timer = threading.Timer(WALL_SECONDS + _SECONDS_PER_PROMPT * answers, self._time_out, [self._process])
        timer.daemon = True
        timer.start()
        began = time.monotonic()
        try:
            _send(self._process.stdin, message)
            for _ in range(answers):
                yield self._answer(self._process.stdout.readline(_ANSWER))
        finally:
            timer.cancel()
            self._busy += time.monotonic() - began

    def _answer(self, line: bytes) -> dict[str, Any]:
        if not line.endswith(b"\n"):
            raise self._died()
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            self.end()
            raise TemplateFailure("failed", _NO_ANSWER)
        if "failure" in answer:
            raise _failure(answer["failure"])
        return answer

    def _start(self) -> None:
        self.end()
        self._busy = 0.0
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
        if self._process.poll() is None and not self._timed_out.is_set():
            self._process.kill()  # it writes a line without end
        code = self._process.wait()
        self.end()
        if code == -getattr(signal, "SIGPROF", 0):
            return TemplateFailure(
                "limit",
                tr(
                    "more than {seconds:g} s of computing for one prompt ({compiling:g} s to compile)",
                    seconds=SECONDS,
                    compiling=LOAD_SECONDS,
                ),
            )
        if self._timed_out.is_set():
            return TemplateFailure("limit", tr("more than {seconds:g} s", seconds=WALL_SECONDS))
        if code == -getattr(signal, "SIGKILL", 0):
            return TemplateFailure("limit", tr("more than {most} MiB of memory", most=MEMORY >> 20))
        return TemplateFailure("failed", tr("the process that renders it ended with code {code}", code=code))


def _failure(told: object) -> TemplateFailure:
    if not isinstance(told, list) or len(told) != 3:  # noqa: PLR2004 - kind, message, line
        return TemplateFailure("failed", _NO_ANSWER)
    kind, message, line = told
    return TemplateFailure(str(kind), said(message), line if isinstance(line, int) else None)


def _texts(answer: Mapping[str, Any], count: int) -> list[str]:
    texts = answer.get("texts")
    if not isinstance(texts, list) or len(texts) != count or not all(isinstance(text, str) for text in texts):
        raise TemplateFailure("failed", _NO_ANSWER)
    return texts


def _batches(encoded: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yield what goes into one request each.

    Raises:
        TemplateFailure: one prompt's variables alone are too many.
    """
    batch: list[bytes] = []
    size = 0
    for filling in encoded:
        if len(filling) > MAX_REQUEST // 2:
            most = MAX_REQUEST // 2 >> 20
            raise TemplateFailure("limit", tr("more than {most} MiB of variables for one prompt", most=most))
        if batch and (size + len(filling) > MAX_REQUEST // 2 or len(batch) == _PROMPTS):
            yield batch
            batch, size = [], 0
        batch.append(filling)
        size += len(filling) + 1
    if batch:
        yield batch


def _send(stream: IO[bytes], message: bytes) -> None:
    try:
        stream.write(len(message).to_bytes(8, "big") + message)
        stream.flush()
    except BrokenPipeError:
        return  # the process has ended; reading its answer says why


def _encoded(value: object) -> bytes:
    return json.dumps(value, default=_plain).encode("ascii")


def _plain(value: object) -> object:
    """Return a column's value as JSON has it: numpy scalars of a Parquet file as numbers, dates as text."""
    if isinstance(value, Mapping):
        return dict(value)
    return value.item() if hasattr(value, "item") else str(value)
