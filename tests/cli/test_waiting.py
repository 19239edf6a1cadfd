"""A line whose time counts on while something loads, and lines above it."""

import io
import sys
import time

import pytest

from harness.cli import waiting as module
from harness.cli.waiting import Waiting
from harness.locale import tr
from harness.locale.telling import TELLER, tell


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_line_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told meanwhile stands above it; afterwards nothing is written over it."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(module, "_RENEWED_EVERY", 0.02)
    before = TELLER.say
    with Waiting(tr("Looking ...")) as waiting:
        time.sleep(0.1)
        tell("no network")
        waiting.end()
        written = screen.getvalue()
        time.sleep(0.06)
        assert written == screen.getvalue()
    assert written.count("\r0:00 Looking ...") >= 3
    lines = [line.rpartition("\r")[2].rstrip() for line in written.split("\n")]
    assert ["no network", "0:00 Looking ...", ""] == lines
    assert TELLER.say is before


def test_elsewhere_it_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """As in a file."""
    with Waiting(tr("Looking ...")):
        pass
    assert "Looking ...\n" == capsys.readouterr().err
