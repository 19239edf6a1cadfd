"""A line for people goes where progress is shown."""

import pytest

from harness.locale.telling import TELLER, tell


def test_a_line_goes_to_whoever_shows_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To stderr where nobody does."""
    lines: list[str] = []
    monkeypatch.setattr(TELLER, "say", None)
    tell("one")
    monkeypatch.setattr(TELLER, "say", lines.append)
    tell("two")
    assert ("one\n", ["two"]) == (capsys.readouterr().err, lines)
