"""Progress while nothing comes: a line that renews itself on a terminal, a line now and then elsewhere; time left."""

import io
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from harness.cli import progress as module
from harness.cli.progress import ConsoleProgress, said_duration
from harness.locale.telling import TELLER, tell
from harness.models.hf.progress import TokenMeter
from harness.models.live import LIVE, at_work
from harness.types import Generation, RenderedPrompt, Request, Sampling, Verdict
from tests.patience import PATIENCE


class Screen(io.StringIO):
    """A stderr that is a terminal, or not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def shown(self) -> list[str]:
        """Return the lines as they stand at the end: a carriage return begins a line anew."""
        lines = []
        for line in self.getvalue().split("\n"):
            cells: list[str] = []
            for part in line.split("\r"):
                cells[: len(part)] = part
            lines.append("".join(cells).rstrip())
        return lines


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Renew fifty times a second, and leave no model at work behind."""
    monkeypatch.setattr(module, "_RENEWED_EVERY", 0.02)
    monkeypatch.setattr(module, "_QUIET_EVERY", 0.02)
    monkeypatch.setenv("COLUMNS", "90")
    yield
    LIVE.label, LIVE.most_left, TELLER.say = "", None, None


def request(key: str) -> Request:
    return Request(
        key=key, task="t", sample_id=key, model="m", prompt=None, repeat=0, rendered=RenderedPrompt(messages=()),
        sampling=Sampling(),
    )  # fmt: skip


def answer(shown: ConsoleProgress, n: int) -> None:
    for key in range(n):
        shown.answered(request(str(key)), Generation(request_key=str(key), text="x", tokens_out=3))


def until(so: Callable[[], bool]) -> None:
    """Wait for what a thread is going to show."""
    deadline = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Clock:
    """A tenth of a second passes with each look, and more when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


@pytest.mark.parametrize("terminal", [True, False])
def test_signs_of_life(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    """Even if nothing comes, something is said; messages stand on lines of their own; the end is clean."""
    screen = Screen(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    clock = Clock()
    with ConsoleProgress(clock=clock) as shown:
        shown.planned(answers=4, answers_stored=0, verdicts=4)
        clock.now = 3000.0
        until(lambda: "nothing new for" in screen.getvalue())
        tell("a notice")
        answer(shown, 3)
        shown.judged(Verdict.scored(1), stored=False)
        until(lambda: "3 of 4 answers and 1 of 4 verdicts done." in screen.getvalue())
        until(lambda: "about 17 min left" in screen.getvalue())
    lines = [line for line in screen.shown() if line]
    assert "4 answers (0 stored, 4 to generate), 4 verdicts" == lines[0]
    assert "a notice" in lines
    if terminal:
        assert ["4 answers (0 stored, 4 to generate), 4 verdicts", "a notice"] == lines


def test_the_bound_of_a_batch_until_enough_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before answers end, the time that they may take at most; from a tenth of them on, the pace."""
    screen = Screen(terminal=False)
    monkeypatch.setattr(sys, "stderr", screen)
    clock = Clock()
    with ConsoleProgress(clock=clock) as shown:
        shown.planned(answers=20, answers_stored=0, verdicts=0)
        meter = TokenMeter("mine", 20, 20 * 100)
        time.sleep(0.05)
        meter.passed(20)
        until(lambda: "mine takes at most " in screen.getvalue())
        clock.now = 500.0
        answer(shown, 2)
        until(lambda: "about " in screen.getvalue())
        before = screen.getvalue().rindex("about ")
        until(lambda: "about " in screen.getvalue()[before + 1 :])
        assert "at most" not in screen.getvalue()[before:]


def test_the_bound_shrinks_with_answers_that_end_early() -> None:
    """Ten rows of 100 tokens at a step a second, of which nine end after one: the tenth takes 99 s more."""
    now = iter(float(second) for second in range(10_000))
    meter = TokenMeter("m", 10, 1000, clock=lambda: next(now))
    meter.passed(10)
    assert pytest.approx(99) == LIVE.most_left
    for _ in range(9):
        meter.ended(99)
    for _ in range(40):
        meter.passed(1)
    assert pytest.approx(59) == LIVE.most_left
    meter.ended(59)
    assert ("", None) == (LIVE.label, LIVE.most_left)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (61, "2 min"), (3599, "60 min"), (5400, "1.5 h")]
)
def test_durations(seconds: float, text: str) -> None:
    """Seconds, whole minutes rounded up, hours."""
    assert text == said_duration(seconds)


def test_what_is_at_work_gives_way_to_what_is_inside_it() -> None:
    """And stands again afterwards, also where that fails."""
    with at_work("loading"):
        with pytest.raises(ZeroDivisionError), at_work("converting"):
            assert 1 / (LIVE.label != "converting")
        assert "loading" == LIVE.label
    assert "" == LIVE.label
