"""What is said while a model works: how fast, how much is left at most, and no more often than needed."""

import pytest

from harness.models.hf.progress import TokenMeter
from harness.testing import Clock


def test_a_line_now_and_then_says_rate_and_rest(capsys: pytest.CaptureFixture[str]) -> None:
    """4 rows of 50 tokens at 10 tokens a second: after ten seconds 100 of 200 are left, ten seconds more."""
    clock = Clock(100)
    meter = TokenMeter("base", 4, 200, clock=clock)
    for _ in range(25):
        clock.sleep(0.4)
        meter.passed(4)
    assert "  base: 100 tokens, 10 tokens/s, 4 answers to go, at most 10 s left\n" == capsys.readouterr().err
    clock.sleep(9)
    meter.passed(4)
    assert "" == capsys.readouterr().err


def test_an_answer_that_ends_early_leaves_less_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """One of two rows ended after its first token: 98 tokens are none of the rest."""
    clock = Clock(100)
    meter = TokenMeter("m", 2, 200, clock=clock)
    clock.sleep(10)
    meter.ended(98)
    meter.passed(2)
    assert "2 tokens, 0 tokens/s, 1 answers to go, at most 8 min 20 s left" in capsys.readouterr().err
