"""Printing in the language that was chosen, for our own messages and for click's."""

from collections.abc import Iterator

import pytest

from harness.cli.say import language, said, say, speak
from harness.locale import tr
from tests.conftest import RunCli


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    speak("en")


def test_results_go_to_stdout_and_the_rest_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """With or without a line end; what is no message is printed as it is."""
    say("result")
    say("progress", err=True, nl=False)
    say(3)
    assert ("result\n3\n", "progress") == capsys.readouterr()


def test_a_message_is_said_in_the_language_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Whenever it was made; text that is no message of ours stays."""
    message = tr("Note: {notice}", notice="x")
    assert ("en", "Note: x") == (language(), said(message))
    speak("ja")
    say(message)
    say("Note: x")
    translated, plain, _ = capsys.readouterr().out.split("\n")
    assert ("ja", "Note: x") == (language(), plain)
    assert translated == said(message) != plain


def test_click_speaks_it_too_and_no_longer_than_the_command(run_cli: RunCli) -> None:
    """A wrong option in Japanese, then one in English."""
    japanese, english = run_cli("--lang", "ja", "ls", "--nope").err, run_cli("ls", "--nope").err
    assert "No such option" in english
    assert "No such option" not in japanese
    assert "--nope" in japanese
