"""How long a model still takes at most: by the speed of now, less with each answer that ends early."""

from collections.abc import Iterator

import pytest

from harness.locale.telling import TELLER
from harness.models.hf.progress import TokenMeter, say
from harness.models.live import LIVE
from harness.testing import Clock


@pytest.fixture(autouse=True)
def _nobody_at_work() -> Iterator[None]:
    yield
    LIVE.label, LIVE.most_left, TELLER.say = "", None, None


def test_the_rest_goes_by_the_speed() -> None:
    """4 rows of 50 tokens at 10 tokens a second: after ten seconds 100 of 200 are left, ten seconds more."""
    clock, before = Clock(100), LIVE.tokens
    meter = TokenMeter("base", 4, 200, clock=clock)
    assert ("base", None) == (LIVE.label, LIVE.most_left)
    for _ in range(25):
        clock.sleep(0.4)
        meter.passed(4)
    assert (100, pytest.approx(10)) == (LIVE.tokens - before, LIVE.most_left)


def test_the_speed_is_that_of_the_last_half_minute() -> None:
    """Slow at first, then a token a second for a minute: the first ones are forgotten."""
    clock = Clock()
    meter = TokenMeter("m", 1, 1000, clock=clock)
    for seconds in (*[20.0] * 5, *[1.0] * 60):
        clock.sleep(seconds)
        meter.passed(1)
    assert pytest.approx(1000 - 65) == LIVE.most_left


def test_an_answer_that_ends_early_leaves_less_to_do() -> None:
    """One of two rows ended after its first token: 99 tokens are none of the rest; at the end nobody is at work."""
    clock = Clock()
    meter = TokenMeter("m", 2, 200, clock=clock)
    clock.sleep(1)
    meter.passed(2)
    meter.ended(99)
    clock.sleep(1)
    meter.passed(1)
    assert pytest.approx((200 - 3 - 99) / 1.5) == LIVE.most_left
    meter.ended(98)
    assert ("", None) == (LIVE.label, LIVE.most_left)


def test_a_line_goes_where_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """To stderr where nothing is."""
    lines: list[str] = []
    say("one")
    TELLER.say = lines.append
    say("two")
    assert ("one\n", ["two"]) == (capsys.readouterr().err, lines)
