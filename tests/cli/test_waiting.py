"""A line whose time counts on while something loads, and lines above it."""

import io
import sys
import time

import pytest

from harness.cli import waiting as module
from harness.cli.waiting import Waiting
from harness.locale import tr
from harness.locale.telling import TELLER, during, tell


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_line_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told meanwhile stands above it; afterwards nothing is written over it."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(module, "_RENEWED_EVERY", 0.02)
    before = TELLER.say, TELLER.during
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
    assert before == (TELLER.say, TELLER.during)


def test_what_is_under_way_inside_has_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as it takes; no second line is drawn over the first."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(module, "_RENEWED_EVERY", 0.02)
    with Waiting(tr("Looking ...")):
        with during(tr("loading {name}", name="x")):
            time.sleep(0.1)
        time.sleep(0.1)
    shown = [part for part in screen.getvalue().replace("\n", "\r").split("\r") if part.strip()]
    kinds = [part.rstrip() for number, part in enumerate(shown) if part != shown[number - 1]]
    assert kinds[-2:] == ["0:00 Loading x", "0:00 Looking ..."]


def test_what_ends_soon_is_not_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A command whose libraries are there at once says nothing of loading them; neither does a file."""
    with Waiting(tr("Looking ..."), after=5.0):
        pass
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Waiting(tr("Looking ..."), after=5.0):
        time.sleep(0.02)
        tell("a line")
    assert "a line\n" == screen.getvalue() + capsys.readouterr().err


def test_elsewhere_it_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """As in a file."""
    with Waiting(tr("Looking ...")):
        pass
    assert "Looking ...\n" == capsys.readouterr().err
