"""A line whose time counts on while something loads, and lines above it."""

import io
import re
import sys
import time
from collections.abc import Callable

import pytest

from harness.cli import waiting as module
from harness.cli.waiting import Waiting
from harness.locale import tr
from harness.locale.telling import TELLER, during, tell
from tests.patience import PATIENCE


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def until(so: Callable[[], bool]) -> None:
    """Wait for what a thread is going to show."""
    deadline = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_on_a_terminal_the_line_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told meanwhile stands above it; afterwards nothing is written over it."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(module, "_RENEWED_EVERY", 0.02)
    before = TELLER.say, TELLER.during
    with Waiting(tr("Looking ...")) as waiting:
        until(lambda: screen.getvalue().count("Looking ...") >= 3)
        tell("no network")
        waiting.end()
        written = screen.getvalue()
        time.sleep(0.06)
        assert written == screen.getvalue()
    lines = [line.rpartition("\r")[2].rstrip() for line in re.sub(r"\d:\d\d", "0:00", written).split("\n")]
    assert ["no network", "0:00 Looking ...", ""] == lines
    assert before == (TELLER.say, TELLER.during)


def test_what_is_under_way_inside_has_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as it takes; no second line is drawn over the first."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(module, "_RENEWED_EVERY", 0.02)
    with Waiting(tr("Looking ...")):
        with during(tr("loading {name}", name="x")):
            until(lambda: "Loading x" in screen.getvalue())
        seen = len(screen.getvalue())
        until(lambda: "Looking ..." in screen.getvalue()[seen:])
    written = re.sub(r"\d:\d\d", "0:00", screen.getvalue())
    shown = [part for part in written.replace("\n", "\r").split("\r") if part.strip()]
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
