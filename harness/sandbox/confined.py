"""A template in a process of its own: limits on time and memory hold whatever it does."""

import datetime as dt
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.sandbox.parts import read_part
from harness.sandbox.process import ConfinedProcess, said
from harness.sandbox.program import Doubt, Inspection, TemplateSource


class ConfinedProgram:
    """What `harness.sandbox.program.Program` is, for sources that nobody vouches for. Thread-safe.

    The process is started when it is needed, serves every later call, and ends with this object. One that was ended for
    using too much is replaced at the next call.
    """

    def __init__(self, sources: Sequence[TemplateSource], folder: Path) -> None:
        """Inspect and compile ``sources``, which may include files of ``folder``.

        Raises:
            TemplateFailure: they are no template, include what they may not, or take too long to compile.
        """
        self._lock = threading.Lock()
        self._sources = [asdict(source) for source in sources]
        self._child = ConfinedProcess()
        weakref.finalize(self, ConfinedProcess.end, self._child)
        parts: dict[str, str] = {}
        # The process opens no file: it says what it wants, and is told.
        while "wanted" in (found := self._child.ask({"sources": self._sources, "parts": parts})):
            parts |= {name: read_part(name, folder, by) for name, by in found["wanted"]}
        self.inspection = Inspection(
            variables=frozenset(found["variables"]),
            parts=found["parts"],
            doubts=tuple(Doubt(line=line, text=said(text)) for line, text in found["doubts"]),
        )

    def render_all(self, variables: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        """Return, for each of ``variables`` (JSON values; others become text), every source filled with it.

        Raises:
            TemplateFailure: whatever goes wrong, at the first prompt that it goes wrong in.
        """
        with self._lock:
            if not self._child.is_alive:
                self._child.ask({"sources": self._sources, "parts": dict(self.inspection.parts)})
            return list(self._child.render(variables, len(self._sources)))


class ConfinedChat:
    """A chat template that nobody vouches for. Thread-safe."""

    def __init__(self, template: str) -> None:
        """Compile ``template``.

        Raises:
            TemplateFailure: it is no template, or takes too long to compile.
        """
        self._lock = threading.Lock()
        self._load = {"chat": template}
        self._child = ConfinedProcess()
        weakref.finalize(self, ConfinedProcess.end, self._child)
        self._child.ask(self._load)

    def render_all(self, variables: Sequence[Mapping[str, Any]], now: dt.datetime) -> list[str]:
        """Return the text for each of ``variables``, among them the ``messages``, written at the time ``now``.

        Raises:
            TemplateFailure: whatever goes wrong, at the first conversation that it goes wrong in.
        """
        with self._lock:
            if not self._child.is_alive:
                self._child.ask(self._load)
            return [text for [text] in self._child.render(variables, 1, now=now.isoformat())]


def protections() -> dict[str, bool]:
    """Return what a template is kept from on this machine, by name: each was tried in the confined process.

    >>> sorted(protections())
    ['files', 'limits', 'network', 'processes']
    """
    child = ConfinedProcess()
    try:
        held: dict[str, bool] = child.ask({"held": True})["held"]
    finally:
        child.end()
    return held
