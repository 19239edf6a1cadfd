"""What is said before anything begins, and whether it may begin."""

import io
import sys
from pathlib import Path

import click
import pytest

from harness.cli.say import speak
from harness.cli.try_judges import AtHand
from harness.cli.try_plan import ask_to_go_on, say_plan
from harness.cli.try_subject import Subject
from harness.errors import UsageError
from harness.runs.asking import evaluation_spec
from harness.runs.assemble import assemble
from harness.specs import Config
from tests.runs.test_asking import PLAIN


@pytest.fixture(autouse=True)
def _in_english() -> None:
    """Whatever language a command spoke last in this process."""
    speak("en")


class Terminal(io.StringIO):
    """Somebody who types something."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "goes_on"), [("y\n", True), ("\n", True), ("n\n", False)])
def test_who_is_there_is_asked(typed: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yes is what Enter means; no is no error."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    if goes_on:
        ask_to_go_on(yes=False)
        return
    with pytest.raises(click.exceptions.Exit) as ended:
        ask_to_go_on(yes=False)
    assert 0 == ended.value.exit_code


def test_without_a_terminal_nothing_begins_unless_it_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to add; --yes asks nobody."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError, match="Nothing was begun") as caught:
        ask_to_go_on(yes=False)
    assert "Add --yes to begin at once." == caught.value.hint
    ask_to_go_on(yes=True)


def test_the_plan_says_what_is_tried_and_what_cannot_be_told(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr; counts are those of the plan, and rules see no quality."""
    made = assemble(evaluation_spec(Config(), **PLAIN | {"models": ("mine=echo",), "limit": 3}), "r")
    subject = Subject(label="mine", spec="echo", base="hf:own/base")
    at_hand = AtHand(judges=("rules",), config=Config(), tells_quality=False, note=None)
    say_plan(made, subject, at_hand, f"sqlite:///{workplace}/none.sqlite")
    out, err = capsys.readouterr()
    assert "" == out
    for part in ("mine (echo) against hf:own/base", "bundled:ja-mini: 3 tasks", "3 to generate, 0 stored", "rules"):
        assert part in err
    assert "not whether they are right or helpful" in err
    assert not (workplace / "none.sqlite").exists()


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        (3, "free keys: between 20 and 500 calls a day; this needs 6\n"),
        (20, "free keys: between 20 and 500 calls a day; this needs 40, so 1 to 2 days\n"),
    ],
)
def test_a_quota_that_nobody_told_is_what_free_keys_had(
    limit: int, says: str, workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how many days that may be, and how to tell the own one; two models are judged on each task."""
    monkeypatch.setenv("GEMINI_API_KEY", "none")
    asked = PLAIN | {"models": ("mine=echo", "b=echo"), "limit": limit, "judges": ("gemini",)}
    made = assemble(evaluation_spec(Config(), **asked), "r")
    at_hand = AtHand(judges=("gemini",), config=Config(), tells_quality=True, note=None)
    say_plan(made, Subject(label="mine", spec="echo", base=None), at_hand, f"sqlite:///{workplace}/none.sqlite")
    err = capsys.readouterr().err
    assert says in "".join(f"{line.rstrip()}\n" for line in err.splitlines())
    assert "tell it with --requests-per-day" in err
