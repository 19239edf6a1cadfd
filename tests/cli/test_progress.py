"""Progress where stderr is no terminal: what there is to do, now and then how far it is, and never a flood."""

from datetime import UTC, datetime, timedelta

import pytest

from harness.cli.progress import ConsoleProgress, local_time
from harness.models.live import LIVE
from harness.testing import Clock
from harness.types import Generation, RenderedPrompt, Request, Sampling, Verdict

REQUEST = Request(
    key="k", task="t", sample_id="0", model="m", prompt="p", repeat=0, rendered=RenderedPrompt(messages=()),
    sampling=Sampling(),
)  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    """The time of the progress."""
    return Clock(1000)


def answer(shown: ConsoleProgress, clock: Clock, count: int, seconds: float, tokens: int = 10) -> None:
    """Answers that take so many seconds each."""
    for _ in range(count):
        clock.sleep(seconds)
        shown.answered(REQUEST, Generation(request_key="k", text="x", tokens_out=tokens))


def test_a_run_says_what_there_is_to_do_and_then_a_line_now_and_then(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of 100 answers in 50 seconds: as many left, and at most one line in ten seconds."""
    with ConsoleProgress(clock=clock) as shown:
        shown.planned(answers=100, answers_stored=0, verdicts=100)
        answer(shown, clock, 50, 1.0)
    first, *lines = capsys.readouterr().err.splitlines()
    assert "100 answers (0 stored, 100 to generate), 100 verdicts" == first
    assert 5 == len(lines)
    assert "  0:50 50 of 100 answers and 0 of 100 verdicts done. 10 tokens/s, about 50 s left" == lines[-1]


def test_the_first_few_answers_say_nothing_of_the_rest(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """A batch comes at once after a long wait."""
    shown = ConsoleProgress(clock=clock)
    shown.planned(answers=100, answers_stored=0, verdicts=0)
    answer(shown, clock, 1, 60.0)
    assert "left" not in capsys.readouterr().err.splitlines()[-1]


def test_the_time_left_counts_down_between_batches(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half is done after 20 s: 20 s are left, then 12; and once they are over, no more than is known is said."""
    shown = ConsoleProgress(clock=clock)
    shown.planned(answers=20, answers_stored=0, verdicts=0)
    answer(shown, clock, 10, 2.0)
    told = []
    for seconds, most in ((0, None), (8, None), (11.5, None), (30, None), (0, 4.0)):
        clock.sleep(seconds)
        monkeypatch.setattr(LIVE, "label", "base")
        monkeypatch.setattr(LIVE, "most_left", most)
        capsys.readouterr()
        shown._say_line(clock())
        told.append(capsys.readouterr().err.partition("tokens/s")[2].strip(", \n"))
    assert ["about 20 s left", "about 12 s left", "", "", "base takes at most 4 s more"] == told


@pytest.mark.parametrize(("left", "told"), [(30.0, "base takes at most 30 s more"), (0.0, None), (0.4, None)])
def test_no_time_at_all_is_never_said_to_be_left(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, left: float, told: str | None
) -> None:
    """The last tokens of a batch are there, and its answers are not yet."""
    monkeypatch.setattr(LIVE, "label", "base")
    monkeypatch.setattr(LIVE, "most_left", left)
    shown = ConsoleProgress(clock=clock)
    shown.planned(answers=100, answers_stored=0, verdicts=0)
    answer(shown, clock, 1, 60.0)
    line = capsys.readouterr().err.splitlines()[-1]
    assert "at most" not in line if told is None else line.endswith(told)


def test_stored_rows_count_as_done_and_not_as_fast(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Time left goes by what was made anew, and money by what was paid now."""
    shown = ConsoleProgress(clock=clock)
    shown.planned(answers=10, answers_stored=10, verdicts=30)
    for _ in range(10):
        shown.judged(Verdict.scored(3, cost=1.0), stored=True)
    for _ in range(10):
        clock.sleep(6)
        shown.judged(Verdict.failed("x", cost=0.25), stored=False)
    assert "10 of 10 answers and 20 of 30 verdicts done." == str(shown.done)
    last = capsys.readouterr().err.splitlines()[-1]
    assert "10 unscored" in last
    assert "$2.50" in last
    assert last.endswith("about 1 min left")


def test_what_stops_is_said_at_once(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Models, judges, and why nothing happens; one is not many."""
    shown = ConsoleProgress(clock=clock)
    shown.model_failed("m", "out of memory")
    shown.judge_stopped("j", "no key")
    shown.waiting("answers", 1)
    shown.waiting("verdicts", 3)
    assert [
        "Error: Model 'm' stopped: out of memory",
        "Error: Judge 'j' stopped: no key",
        "Waiting for 1 answer that another process is at work on.",
        "Waiting for 3 verdicts that another process is at work on.",
    ] == capsys.readouterr().err.splitlines()


def test_a_moment_has_its_day_unless_it_is_today() -> None:
    """In the machine's own time zone."""
    now = datetime.now(UTC)
    assert f"{now.astimezone():%H:%M}" == local_time(now)
    later = now + timedelta(days=2)
    assert f"{later.astimezone():%Y-%m-%d %H:%M}" == local_time(later)
