"""A vLLM in a process of its own, as the rest of the harness sees it: sequences go in, and come out as they end."""

import logging
import os
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.locale import tr
from harness.models.ahead import ENGINE
from harness.models.child_process import ChildProcess, Gone
from harness.models.vllm.engine import Ask, Said, engine_ended
from harness.models.vllm.messages import Came, Done, Run, Start, Stop
from harness.models.vllm.plan import Plan

COMMAND = ENGINE
_PATIENCE = 10.0  # seconds in which an engine must hear that nobody wants the rest: a step takes a fraction of one


class EngineApart:
    """A vLLM elsewhere, asked to start. ``checked``: the digests of adapters whose effect was seen in it.

    ``ended``: whether it, or its process, has failed, after which it answers no more. ``environment``: what is
    different there; ``told`` is called with the engine whenever it has said something.

    With the process the memory of its GPU is free, whatever vLLM holds on to.
    """

    def __init__(
        self,
        plan: Plan,
        environment: Mapping[str, str] | None = None,
        told: Callable[["EngineApart"], None] | None = None,
    ) -> None:
        self.checked = set[str]()
        self.ended = False
        self.gone = False
        self._told = told
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        heard = logging.getLogger().isEnabledFor(logging.DEBUG) or "VLLM_LOGGING_LEVEL" in os.environ
        self._process = ChildProcess(COMMAND, environment or {}, self._hear, heard=heard)
        self._process.give(Start(plan=plan))

    @property
    def each(self) -> "Sequence[EngineApart]":
        """The engines that answer: this one."""
        return (self,)

    def started(self) -> "EngineApart":
        """Return the engine once it has started.

        Raises:
            HarnessError: it could not.
        """
        try:
            list(self._until_done())
        except BaseException:
            self.release()
            raise
        return self

    def run(self, asks: Sequence[Ask]) -> Iterator[tuple[int, Said]]:
        """Yield what came of each, with its place in ``asks``, as they end; all are in the engine at once.

        Raises:
            HarnessError: the engine ended.
        """
        self.begin(asks)
        try:
            yield from self._until_done()
        except (GeneratorExit, KeyboardInterrupt):  # whoever asked went away
            self.stop()
            raise
        except Exception:
            self.ended = True
            raise

    def begin(self, asks: Sequence[Ask]) -> None:
        """Have it work off a list, of which `next_said` tells."""
        self._process.give(Run(asks=tuple(asks)))

    def next_said(self) -> tuple[int, Said] | None:
        """Wait for what comes of the next sequence, with its place in the list; None: it is done.

        Raises:
            HarnessError: it could not be done, or its process ended.
        """
        match self._messages.get():
            case Came(place=place, said=said):
                return place, said
            case Done(error=error):
                if error is not None:
                    raise error
                return None
            case Gone(code=code, said=said):
                self._messages.put(Gone(code=code, said=said))  # so that whoever asks again hears it, too
                raise engine_ended(_how(code, said))
            case other:
                raise TypeError(other)

    def release(self) -> None:
        """End the process, and with it free its memory."""
        self._process.close()

    def stop(self) -> None:
        """Leave the rest of a list, which nobody wants."""
        self._process.give(Stop())
        try:
            while not isinstance(message := self._messages.get(timeout=_PATIENCE), Done | Gone):
                pass
        except queue.Empty:
            self.release()
            self.ended = True
            return
        if isinstance(message, Gone):
            self.ended = True
            self._messages.put(message)  # so that whoever asks next hears it

    def _hear(self, message: object) -> None:
        self.gone = self.gone or isinstance(message, Gone)
        self._messages.put(message)
        if self._told is not None:
            self._told(self)

    def _until_done(self) -> Iterator[tuple[int, Said]]:
        while (came := self.next_said()) is not None:
            yield came


def _how(code: int, said: str) -> str:
    how = tr("signal {number}", number=-code) if code < 0 else tr("code {code}", code=code)
    if not said:
        return tr("its process ended ({how})", how=how)
    return tr("its process ended ({how}): {said}", how=how, said=said)
