"""The confined process: ``python -P -m harness.sandbox.child`` compiles and fills one template as it is told.

Each message on standard input is 8 bytes of length and JSON; each line on standard output is JSON. Before it reads the
first of them the process gives up files, network and processes (`harness.sandbox.limits`). Whatever one prompt computes
is cut off by the kernel after `SECONDS`, even inside an operation that never returns to Python.
"""

import codecs
import datetime as dt
import html  # noqa: F401 - like the next ones loaded by some filter, when no file may be opened any more
import json
import pprint  # noqa: F401
import signal
import sys
import textwrap  # noqa: F401
import unicodedata  # noqa: F401
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import jinja2.debug  # noqa: F401 - loaded by the first failing template

from harness.locale import tr
from harness.locale.facts import fact_of
from harness.sandbox.chat_environment import ChatProgram
from harness.sandbox.limits import confine, held
from harness.sandbox.program import MissingPartsError, Program, TemplateFailure, TemplateSource, inspect

SECONDS = 0.5
"""Seconds of computing that one prompt may take; ordinary ones take a thousandth of that."""
LOAD_SECONDS = 1.0
"""Seconds of computing that reading and compiling may take."""
MEMORY = 512 << 20
"""Bytes of address space, besides what the variables need."""
MAX_REQUEST = 16 << 20
"""Bytes of one request: a call with more variables becomes several."""
_PER_INPUT_BYTE = 8  # JSON text becomes Python objects and answers of about its size
_HEADER = 8
_CODECS = ("unicode-escape", "ascii", "latin-1", "utf-8", "utf-16", "cp932")


def main() -> None:
    """Serve requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for codec in _CODECS:
        codecs.lookup(codec)  # found in a file of its own
    confine(MEMORY + _PER_INPUT_BYTE * MAX_REQUEST)
    program: Program | ChatProgram | None = None
    while (message := _read(sys.stdin.buffer)) is not None:
        request = json.loads(message)
        try:
            if "variables" in request:
                assert program is not None
                for line in _render(program, request):
                    _write(line)
            elif "chat" in request:
                program = _load_chat(request["chat"])
            elif "held" in request:
                _write({"held": held()})
            else:
                program = _load(request)
        except TemplateFailure as failure:
            _write({"failure": [failure.kind, fact_of(failure.message), failure.line]})
        except MemoryError:
            _write({"failure": ["limit", fact_of(tr("more memory than a template may use")), None]})
        _limit_time(0)
        sys.stdout.flush()


def _load(request: Mapping[str, Any]) -> Program | None:
    _limit_time(LOAD_SECONDS)
    sources = [TemplateSource(**source) for source in request["sources"]]
    try:
        found = inspect(sources, request["parts"])
    except MissingPartsError as error:
        _write({"wanted": [[name, by] for name, by in error.wanted.items()]})
        return None
    program = Program(sources, found.parts)
    doubts = [[doubt.line, fact_of(doubt.text)] for doubt in found.doubts]
    _write({"variables": sorted(found.variables), "parts": dict(found.parts), "doubts": doubts})
    return program


def _load_chat(template: str) -> ChatProgram:
    _limit_time(LOAD_SECONDS)
    program = ChatProgram(template)
    _write({})
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
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    main()
