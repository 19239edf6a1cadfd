"""A crew: whoever is free takes the next unit, and what a process leaves undone another one does."""

import queue
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from harness.locale import tr
from harness.locale.telling import TELLER
from harness.models.child_process import Gone
from harness.models.hf.crew import crew as crew_module
from harness.models.hf.crew.channel import Answered, AtWork, Finished, Order, Told
from harness.models.hf.crew.crew import Crew, Enlisted
from harness.models.live import LIVE
from harness.models.places import Place, process_places
from harness.notices import Notice
from harness.protocols import ModelStopped
from harness.types import Generation, ModelSpec, Request

Ask = Callable[..., Request]
HALVED = Notice("batch_halved", "halved")


class Scripted:
    """A process that answers at once, unless ``script`` says how it fails at a model: after so many rows, and how."""

    script: dict[str, tuple[int, object]] = {}  # noqa: RUF012 - set by each test
    began: list["Scripted"] = []  # noqa: RUF012 - likewise

    def __init__(self, place: Place, events: "queue.SimpleQueue[Any]") -> None:
        self.place, self.events, self.pid, self.closed = place, events, len(self.began), False
        self.orders: list[Order] = []
        self.began.append(self)

    def give(self, order: Order) -> None:
        self.orders.append(order)
        rows, end = self.script.get(order.label, (len(order.requests), Finished(notices=(HALVED,))))
        self.events.put((self, AtWork(label=order.label, tokens=10 * len(self.orders), most_left=5.0)))
        for request in order.requests[:rows]:
            self.events.put((self, Answered(generation=Generation(request_key=request.key, text=order.label))))
        self.events.put((self, end))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is told; processes are scripted."""
    monkeypatch.setattr(crew_module, "Process", Scripted)
    monkeypatch.setattr(Scripted, "script", {})
    monkeypatch.setattr(Scripted, "began", [])
    lines: list[str] = []
    monkeypatch.setattr(TELLER, "say", lines.append)
    before = LIVE.tokens
    yield lines
    LIVE.label, LIVE.most_left, LIVE.tokens = "", None, before


def _crew(count: int, models: Sequence[str] = ("a", "b"), **options: Any) -> tuple[Crew, list[Notice]]:
    heard: list[Notice] = []
    spec = ModelSpec(text="x", label="x", backend="hf")
    enlisted = {model: Enlisted(spec=spec, fingerprint=model, hear=heard.extend) for model in models}
    return Crew(process_places(count), enlisted, **options), heard


def _asked(ask: Ask, counts: dict[str, int]) -> dict[str, list[Request]]:
    return {model: [ask("問", key=f"{model}{row}") for row in range(count)] for model, count in counts.items()}


def test_every_request_is_answered_once_by_processes_that_stay(said: list[str], ask: Ask) -> None:
    crew, heard = _crew(2)
    asked = _asked(ask, {"a": 4, "b": 4})
    first = [event.request_key for event in crew.answers(asked) if isinstance(event, Generation)]
    second = list(crew.answers(_asked(ask, {"a": 1})))
    assert sorted(first) == sorted(request.key for requests in asked.values() for request in requests)
    assert len(second) == 1
    assert [len(process.orders) for process in Scripted.began] == [2, 1], "no process was started anew"
    assert heard == [HALVED] * 3
    assert not any(process.closed for process in Scripted.began)
    crew.close()
    assert all(process.closed for process in Scripted.began)
    assert (LIVE.label, said) == ("", [])


def test_no_more_processes_start_than_there_is_work(said: list[str], ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    labels: list[str] = []
    give = Scripted.give
    crew, _ = _crew(4)
    events = crew.answers(_asked(ask, {"a": 2}))
    monkeypatch.setattr(Scripted, "give", lambda process, order: labels.append(str(LIVE.label)) or give(process, order))
    list(events)
    assert len(Scripted.began) == 2
    assert labels[0] == "starting 2 processes"


def test_a_crew_that_does_not_stay_ends_its_processes_when_all_is_answered(said: list[str], ask: Ask) -> None:
    crew, _ = _crew(2, stays=False)
    list(crew.answers(_asked(ask, {"a": 2})))
    assert [process.closed for process in Scripted.began] == [True, True]


def test_the_line_of_progress_is_about_all_processes(said: list[str], ask: Ask) -> None:
    crew, _ = _crew(2)
    before = LIVE.tokens
    events = crew.answers(_asked(ask, {"a": 2, "b": 2}))
    next(events)
    assert LIVE.label == "1 process: a is answering"
    crew._show(Scripted.began[1], AtWork(label=tr("loading {name}", name="b"), tokens=3, most_left=9.0))
    assert LIVE.label == "2 processes: a is answering, loading b"
    assert LIVE.most_left == 9.0
    list(events)
    assert LIVE.tokens - before == 20, "counted once, whoever said it last"
    assert LIVE.label == ""


def test_what_a_killed_process_left_undone_another_does_and_a_sentence_says_so(said: list[str], ask: Ask) -> None:
    crew, _ = _crew(2)
    events = crew.answers(_asked(ask, {"a": 3, "b": 3}))
    found: list[Any] = [next(events)]
    victim = next(process for process in Scripted.began if process.orders[0].label == "b")
    crew._events = _killed(crew._events, victim)
    found += list(events)
    assert sorted(event.request_key for event in found) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert said == ["process 1: its process ended (signal 9); the others make its 3 answers. Nothing is lost."]


def _killed(events: "queue.SimpleQueue[Any]", victim: Scripted) -> "queue.SimpleQueue[Any]":
    """Return the events with those of a process replaced by its end."""
    left: queue.SimpleQueue[Any] = queue.SimpleQueue()
    while not events.empty():
        process, message = events.get()
        if process is not victim:
            left.put((process, message))
    left.put((victim, Gone(code=-9, said="")))
    for process in Scripted.began:
        process.events = left
    return left


def test_requests_that_end_two_processes_fail_and_the_others_go_on(said: list[str], ask: Ask) -> None:
    Scripted.script = {"a": (0, Gone(code=1, said="CUDA error: device-side assert"))}
    crew, _ = _crew(3, models=("a", "b", "c"))
    found = {}
    for event in crew.answers(_asked(ask, {"a": 2, "b": 2, "c": 2})):
        assert isinstance(event, Generation)
        found[event.request_key] = event
    assert [found[key].text for key in ("b0", "b1", "c0", "c1")] == ["b", "b", "c", "c"]
    assert {found[key].error for key in ("a0", "a1")} == {
        "the process that answered ended (code 1: CUDA error: device-side assert); the same command goes on"
    }
    assert said[-1].endswith("as another over the same 2 answers: they are given up.")


def test_when_all_processes_are_gone_every_model_left_is_told_of(said: list[str], ask: Ask) -> None:
    Scripted.script = {"a": (1, Gone(code=-9, said="")), "b": (1, Gone(code=-9, said=""))}
    crew, _ = _crew(1)
    events = list(crew.answers(_asked(ask, {"a": 2, "b": 2})))
    stopped = {event.model: event.reason for event in events if isinstance(event, ModelStopped)}
    assert [event.request_key for event in events if isinstance(event, Generation)] == ["a0"]
    assert stopped == dict.fromkeys("ab", "the process that answered ended (signal 9); the same command goes on")


def test_a_model_that_cannot_go_on_stops_and_no_other(said: list[str], ask: Ask) -> None:
    Scripted.script = {"a": (0, Finished(notices=(), stopped="it has no effect"))}
    crew, _ = _crew(2, models=("a", "b", "c"))
    events = list(crew.answers(_asked(ask, {"a": 4, "b": 1, "c": 3})))
    assert [event for event in events if isinstance(event, ModelStopped)] == [
        ModelStopped(model="a", reason="it has no effect")
    ]
    assert sum(isinstance(event, Generation) for event in events) == 4


def test_after_ctrl_c_what_was_answered_is_handed_over_and_every_process_ends(
    said: list[str], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew, _ = _crew(2)
    events = crew.answers(_asked(ask, {"a": 3, "b": 3}))
    found = [next(events)]

    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(crew, "_after", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _collect(events, found)
    assert len(found) >= 5, "all that lay in the queue, but the one that was just taken out"
    assert all(process.closed for process in Scripted.began)


def _collect(events: Iterator[Any], found: list[Any]) -> None:
    for event in events:
        found.append(event)  # noqa: PERF402 - what came before an exception counts


def test_what_a_process_tells_names_its_place(said: list[str], ask: Ask) -> None:
    crew, _ = _crew(1)
    events = crew.answers(_asked(ask, {"a": 2}))
    next(events)
    crew._events.put((Scripted.began[0], Told(text="  out of memory")))
    list(crew._after(Scripted.began[0], Told(text="  m: halved"), None, None))  # type: ignore[arg-type]
    assert said == ["process 0: m: halved"]
