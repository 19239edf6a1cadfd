"""A crew at work: units are handed out to whoever is free, and what a process leaves undone another one does."""

import queue
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.locale import Text, listing, tr, trn
from harness.locale.telling import tell
from harness.models.child_process import Gone, end_unused
from harness.models.hf.crew.channel import Answered, AtWork, Finished, Message, Order, Told
from harness.models.hf.crew.dealing import Unit, deal
from harness.models.hf.crew.processes import Process
from harness.models.live import LIVE
from harness.models.places import Place
from harness.notices import Notice
from harness.protocols import ModelStopped
from harness.types import Generation, ModelSpec, Request

_MOST_FAILURES = 2  # processes that may end over one unit

Event = Generation | ModelStopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Enlisted:
    """A model that a crew answers for: how it is opened, what it must be, and who hears what is to be said of it."""

    spec: ModelSpec
    fingerprint: str
    hear: Callable[[Sequence[Notice]], None]


class Crew:
    """Processes that share the requests to some models, each at a place of its own.

    They start with the first requests and stay until `close`, with the base in memory, unless ``stays`` is False: then
    they end whenever nothing is left to do.
    """

    def __init__(self, places: Sequence[Place], models: Mapping[str, Enlisted], *, stays: bool = True) -> None:
        self._places = places
        self._models = models
        self._stays = stays
        self._events: queue.SimpleQueue[tuple[Process, Message]] = queue.SimpleQueue()
        self._idle: deque[Process] = deque()
        self._at_work: dict[Process, dict[str, Request]] = {}
        self._units: dict[Process, Unit] = {}
        self._shown: dict[Process, AtWork] = {}
        self._last_words = ""

    def answers(self, asked: Mapping[str, Sequence[Request]]) -> Iterator[Event]:
        """Yield the answers to requests by model label as they come; a model that fails is told of once.

        Ended early, by Ctrl-C or because nobody wants more, it ends the processes; what they had answered by then is
        yielded first if that can be.
        """
        waiting = deque(deal(asked, len(self._places)))
        self._start(min(len(waiting), len(self._places)))
        stopped: set[str] = set()
        done = False
        try:
            while waiting or self._at_work:
                while waiting and self._idle:
                    self._hand_over(waiting.popleft())
                if not self._at_work:
                    yield from self._all_gone(waiting, stopped)
                    break
                yield from self._after(*self._events.get(), waiting, stopped)
            done = True
        except KeyboardInterrupt:
            yield from self._finished_meanwhile()
            raise
        finally:
            LIVE.label, LIVE.most_left = "", None
            if not done or not self._stays:
                self.close()

    def close(self) -> None:
        """End every process."""
        for process in (*self._idle, *self._at_work):
            process.close()
        self._idle.clear()
        self._at_work.clear()
        self._units.clear()
        self._shown.clear()
        self._events = queue.SimpleQueue()

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that are there."""
        return [process.pid for process in (*self._idle, *self._at_work)]

    def _start(self, count: int) -> None:
        """Start processes at places without one, until so many are there."""
        taken = {process.place.name for process in (*self._idle, *self._at_work)}
        free = [place for place in self._places if place.name not in taken]
        new = free[: max(0, count - len(taken))]
        for place in new:
            self._idle.append(Process(place, self._events))
        end_unused()
        if new:
            LIVE.label = trn("starting {n} process", "starting {n} processes", len(new))

    def _hand_over(self, unit: Unit) -> None:
        process = self._idle.popleft()
        enlisted = self._models[unit.model]
        self._at_work[process] = {request.key: request for request in unit.requests}
        self._units[process] = unit
        process.give(
            Order(label=unit.model, spec=enlisted.spec, fingerprint=enlisted.fingerprint, requests=unit.requests)
        )

    def _after(self, process: Process, message: Message, waiting: deque[Unit], stopped: set[str]) -> Iterator[Event]:
        """Take note of a message, and yield what comes of it."""
        match message:
            case Answered(generation=generation):
                self._at_work[process].pop(generation.request_key, None)
                yield generation
            case AtWork():
                self._show(process, message)
            case Told(text=text):
                tell(tr("{place}: {text}", place=process.place.name, text=text.strip()))
            case Finished(notices=notices, stopped=reason):
                unit = self._units.pop(process)
                self._models[unit.model].hear(notices)
                del self._at_work[process]
                self._idle.append(process)
                if reason is not None:
                    yield from self._stop(unit.model, reason, waiting, stopped)
            case Gone():
                yield from self._replace(process, message, waiting)

    def _stop(self, model: str, reason: str, waiting: deque[Unit], stopped: set[str]) -> Iterator[Event]:
        """Ask a model no more, of whom a process says that it cannot go on."""
        for unit in [unit for unit in waiting if unit.model == model]:
            waiting.remove(unit)
        if model not in stopped:
            stopped.add(model)
            yield ModelStopped(model=model, reason=reason)

    def _replace(self, process: Process, gone: Gone, waiting: deque[Unit]) -> Iterator[Event]:
        """Put what a process that ended had still to do back for the others, unless it ended others, too."""
        process.close()
        self._shown.pop(process, None)
        if process in self._idle:
            self._idle.remove(process)
        left, unit = self._at_work.pop(process, {}), self._units.pop(process, None)
        self._last_words = _how(gone)
        others = len(self._idle) + len(self._at_work)
        rows = trn("{n} answer", "{n} answers", len(left))
        words = {"place": process.place.name, "how": self._last_words, "rows": rows}
        if not left or unit is None:
            tell(tr("{place}: its process ended ({how}); nothing is lost.", **words))
            return
        failures = unit.failures + 1
        if failures >= _MOST_FAILURES:
            tell(tr("{place}: its process ended ({how}), as another over the same {rows}: they are given up.", **words))
            yield from (
                Generation(request_key=key, text=None, finish_reason="error", error=_ended(self._last_words))
                for key in left
            )
            return
        waiting.appendleft(replace(unit, requests=tuple(left.values()), failures=failures))
        if others:
            tell(tr("{place}: its process ended ({how}); the others make its {rows}. Nothing is lost.", **words))

    def _all_gone(self, waiting: deque[Unit], stopped: set[str]) -> Iterator[Event]:
        """Say of every model that is still asked that nobody is there to answer."""
        for model in dict.fromkeys(unit.model for unit in waiting):
            yield from self._stop(model, _ended(self._last_words), waiting, stopped)

    def _finished_meanwhile(self) -> Iterator[Generation]:
        """Yield the answers that have come and were not looked at yet."""
        while not self._events.empty():
            _, message = self._events.get()
            if isinstance(message, Answered):
                yield message.generation

    def _show(self, process: Process, now: AtWork) -> None:
        """Bring the line of progress up to date: what all of them are doing."""
        before = self._shown.get(process)
        LIVE.tokens += now.tokens - (before.tokens if before else 0)
        self._shown[process] = now
        busy = [shown for one, shown in self._shown.items() if one in self._at_work and shown.label]
        states = dict.fromkeys(
            shown.label if isinstance(shown.label, Text) else tr("{label} is answering", label=shown.label)
            for shown in busy
        )
        if busy:
            LIVE.label = trn("{n} process: {states}", "{n} processes: {states}", len(busy), states=listing(states))
        known = [shown.most_left for shown in busy if shown.most_left is not None]
        LIVE.most_left = max(known, default=None)


def _how(gone: Gone) -> str:
    """Return how a process ended."""
    if gone.code < 0:
        return tr("signal {number}", number=-gone.code)
    return tr("code {code}: {said}", code=gone.code, said=gone.said) if gone.said else tr("code {code}", code=gone.code)


def _ended(how: str) -> Text:
    return tr("the process that answered ended ({how}); the same command goes on", how=how)
