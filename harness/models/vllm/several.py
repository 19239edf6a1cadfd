"""An engine on each of several GPUs, which are asked as one: sequences are dealt out, and come back as they end.

Each engine gets rows of every model, so that all have done about as much when the last answer comes, whatever models
answer at length. They start at the same time.
"""

import queue
from collections.abc import Iterator, Sequence

import torch

from harness.models.child_process import end_unused
from harness.models.places import Place
from harness.models.vllm.apart import EngineApart
from harness.models.vllm.engine import Ask, Said
from harness.models.vllm.plan import Plan

_ALIKE = 0.9


def with_room(places: Sequence[Place]) -> list[Place]:
    """Return the first place, and the others whose GPUs have about as much memory free: one plan is for all."""
    first, *others = places
    least = _ALIKE * free_bytes(first) if others else 0
    return [first, *(place for place in others if free_bytes(place) >= least)]


def free_bytes(place: Place) -> int:
    """Return how much memory is free on a place's GPU; 0 without one."""
    return 0 if place.gpu is None else int(torch.cuda.mem_get_info(place.gpu)[0])


def start_engines(plan: Plan, places: Sequence[Place]) -> "EngineApart | SeveralEngines":
    """Return a started engine, or one that is an engine at each of ``places`` where there are several.

    Raises:
        HarnessError: one of them cannot be started.
    """
    engine = SeveralEngines(plan, places) if len(places) > 1 else EngineApart(plan)
    try:
        end_unused()
    except BaseException:  # Ctrl-C
        engine.release()
        raise
    return engine.started()


class SeveralEngines:
    """Engines asked to start, one at each place; see `EngineApart`, which it stands for."""

    def __init__(self, plan: Plan, places: Sequence[Place]) -> None:
        self.checked = set[str]()
        self._failed = False
        self._ready: queue.SimpleQueue[EngineApart] = queue.SimpleQueue()
        self._engines: list[EngineApart] = []
        try:
            for place in places:
                self._engines.append(EngineApart(plan, place.environment, self._ready.put))
        except BaseException:
            self.release()
            raise

    def started(self) -> "SeveralEngines":
        """Return the engines once all have started.

        Raises:
            HarnessError: one could not.
        """
        try:
            for engine in self._engines:
                engine.started()
        except BaseException:
            self.release()
            raise
        return self

    @property
    def ended(self) -> bool:
        """Whether one of them has failed, after which none is asked any more."""
        return self._failed or any(engine.ended for engine in self._engines)

    @property
    def each(self) -> Sequence[EngineApart]:
        """The engines that answer."""
        return self._engines

    def run(self, asks: Sequence[Ask]) -> Iterator[tuple[int, Said]]:
        """Yield what came of each, with its place in ``asks``, as they end.

        Raises:
            HarnessError: an engine ended; the others are stopped.
        """
        self._check_all_there()
        count = len(self._engines)
        places = {engine: range(at, len(asks), count) for at, engine in enumerate(self._engines)}
        working = [engine for engine in self._engines if places[engine]]
        for engine in working:
            engine.begin([asks[place] for place in places[engine]])
        try:
            while working:
                engine, came = self._ready.get(), None
                try:
                    came = engine.next_said()
                finally:
                    if came is None:  # it is done, or failed
                        working.remove(engine)
                if came is not None:
                    yield places[engine][came[0]], came[1]
        except Exception:
            self._failed = True
            raise
        finally:
            for engine in working:  # another ended, or whoever asked went away
                engine.stop()

    def release(self) -> None:
        """End the processes, and with them free their memory; none is asked any more."""
        self._failed = True
        for engine in self._engines:
            engine.release()

    def _check_all_there(self) -> None:
        """Forget what was ready of earlier lists, which were worked off, and raise if a process has ended since."""
        while not self._ready.empty():
            self._ready.get()
        for engine in self._engines:
            while engine.gone:
                self._failed = True
                engine.next_said()  # raises
