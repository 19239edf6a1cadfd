"""The confined process: ``python -P -m harness.sandbox.child`` compiles and fills one template as it is told.

Each message on standard input is 8 bytes of length and JSON; each line on standard output is JSON. Whatever one prompt
computes is cut off by the kernel after `SECONDS`, even inside an operation that never returns to Python.
"""

import contextlib
import datetime as dt
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import jinja2.debug  # noqa: F401 - loaded by the first failing template, when no file may be opened any more

from harness.sandbox.chat_environment import ChatProgram
from harness.sandbox.program import Inspection, Program, Source, TemplateFailure, inspect

try:
    import resource
except ImportError:  # no such limits on Windows: there the clock of the parent alone ends a template
    resource = None  # type: ignore[assignment]

SECONDS = 0.5
"""Seconds of computing that one prompt may take; ordinary ones take a thousandth of that."""
LOAD_SECONDS = 1.0
"""Seconds of computing that reading and compiling may take."""
MEMORY = 512 << 20
"""Bytes of address space, besides what the variables need."""
_PER_INPUT_BYTE = 8  # JSON text becomes Python objects and answers of about its size
_HEADER = 8


def main() -> None:
    """Serve requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    if resource is not None:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
    program: Program | ChatProgram | None = None
    while (message := _read(sys.stdin.buffer)) is not None:
        request = json.loads(message)
        _limit_memory(len(message))
        try:
            if "variables" in request:
                assert program is not None
                for line in _render(program, request):
                    _write(line)
            elif "chat" in request:
                program = _load_chat(request["chat"])
            else:
                program = _load(request)
        except TemplateFailure as failure:
            _write({"failure": [failure.kind, failure.message, failure.line]})
        except MemoryError:
            _write({"failure": ["limit", "more memory than a template may use", None]})
        _limit_time(0)
        sys.stdout.flush()


def _load(request: Mapping[str, Any]) -> Program:
    _limit_time(LOAD_SECONDS)
    sources = [Source(**source) for source in request["sources"]]
    if "parts" in request:
        found = Inspection(variables=frozenset(), parts=request["parts"], doubts=())
    else:
        found = inspect(sources, Path(request["folder"]))
    program = Program(sources, found.parts)
    doubts = [[doubt.line, doubt.text] for doubt in found.doubts]
    _write({"variables": sorted(found.variables), "parts": dict(found.parts), "doubts": doubts})
    _close_files()
    return program


def _load_chat(template: str) -> ChatProgram:
    _limit_time(LOAD_SECONDS)
    program = ChatProgram(template)
    _write({})
    _close_files()
    return program


def _render(program: Program | ChatProgram, request: Mapping[str, Any]) -> Iterator[Mapping[str, object]]:
    for filling in request["variables"]:
        _limit_time(SECONDS)
        if isinstance(program, ChatProgram):
            yield {"texts": [program.render(filling, dt.datetime.fromisoformat(request["now"]))]}
        else:
            yield {"texts": program.render(filling)}


def _read(stream: BinaryIO) -> bytes | None:
    header = stream.read(_HEADER)
    return stream.read(int.from_bytes(header, "big")) if len(header) == _HEADER else None


def _write(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")


def _limit_time(seconds: float) -> None:
    """Have the kernel end this process after so many seconds of its own computing; 0: no longer."""
    if resource is not None:
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory(input_bytes: int) -> None:
    if resource is not None:
        _lower(resource.RLIMIT_AS, MEMORY + _PER_INPUT_BYTE * input_bytes)
        _lower(resource.RLIMIT_CORE, 0)


def _close_files() -> None:
    """Allow no further file to be opened: all that the template needs is here."""
    if resource is not None:
        _lower(resource.RLIMIT_NOFILE, 3)


def _lower(what: int, value: int) -> None:
    """Set a limit, or leave the one that somebody else has set lower."""
    _, hard = resource.getrlimit(what)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses to limit the address space
        resource.setrlimit(what, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    main()
