"""How `harness try` ends: one sentence that the board bears out, and the command that takes one further."""

import re
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from harness.analysis.leaderboard import Leaderboard, build_leaderboard
from harness.analysis.primary import Primary
from harness.cli.try_end import next_command, number_lines, primary_board, verdict_sentence
from harness.cli.try_judges import AtHand
from harness.cli.try_subject import Subject
from harness.specs import Config
from reports.board_text import method_note
from reports.wording import words
from tests.analysis.tables import table
from tests.analysis.test_over_tries import BASE, GAIN

SUBJECT = Subject(label="m1", spec="adapter:out/my adapter", base="hf:base")
BLIND = AtHand(judges=("rules",), config=Config(), tells_quality=False, note=None)
SEEING = replace(BLIND, tells_quality=True)


def board(gain: np.ndarray = GAIN, *, rows: int = 2) -> Leaderboard:
    """A leaderboard of a baseline and a candidate under its primary judge."""
    cells = np.array([BASE, BASE + gain])[:rows]
    return build_leaderboard(
        "r", [table(cells)], {}, baseline="m0", primary=Primary(judge="j", task=None, declared=True, late=False)
    )


@pytest.mark.parametrize(("gain", "word"), [(GAIN, "better"), (-GAIN, "worse")])
def test_the_sentence_is_that_of_the_board(gain: np.ndarray, word: str) -> None:
    """Its candidate and its word."""
    shown = board(gain)
    [comparison] = shown.boards[0].comparisons
    assert word == comparison.verdict.code
    sentence = verdict_sentence(SUBJECT, shown, tells_quality=True)
    assert ("m1" in sentence, bool(re.search(word, sentence))) == (True, True)


def test_what_cannot_be_told_is_not_told() -> None:
    """Not even where the form of answers differs clearly; and nothing is compared where there is one row."""
    blind = verdict_sentence(SUBJECT, board(), tells_quality=False)
    assert "cannot be told without a judge model" in blind
    assert "was scored by j, and compared with nothing" in verdict_sentence(SUBJECT, board(rows=1), tells_quality=True)
    nobody = replace(board(), boards=())
    assert (None, "Nothing was scored.") == (
        primary_board(nobody), verdict_sentence(SUBJECT, nobody, tells_quality=True),
    )  # fmt: skip


def test_the_next_command_goes_by_what_was_found() -> None:
    """Again what lacks something; a judge where none sees; the card where it is settled; quoted for a shell."""
    run = SimpleNamespace(name="my run", tasks=[SimpleNamespace(name="t", samples=[SimpleNamespace(id="7")])])
    [better] = board().boards[0].comparisons
    undecided = replace(better, verdict=replace(better.verdict, code="undecided"))
    small = SimpleNamespace(name="r", tasks=[SimpleNamespace(name="bundled:ja-mini", samples=[None] * 40)])
    found = [
        next_command(run, SUBJECT, better, SEEING, "harness try again"),  # type: ignore[arg-type]
        next_command(run, SUBJECT, better, BLIND, None),  # type: ignore[arg-type]
        next_command(run, SUBJECT, None, SEEING, None),  # type: ignore[arg-type]
        next_command(run, SUBJECT, undecided, SEEING, None),  # type: ignore[arg-type]
        next_command(small, SUBJECT, undecided, SEEING, None),  # type: ignore[arg-type]
        next_command(run, SUBJECT, better, SEEING, None),  # type: ignore[arg-type]
    ]
    assert [
        "harness try again",
        "harness judge 'my run' --judge gemini",
        "harness show 'my run' --task-id 7",
        "harness rate export 'my run'",
        "harness try 'adapter:out/my adapter' elyza-tasks-100",
        "harness card 'out/my adapter' --run 'my run'",
    ] == found


@pytest.mark.parametrize(("fours", "adds_up"), [((10, 20), False), ((15, 21), True)])
def test_numbers_that_do_not_add_up_as_they_are_shown_are_explained(fours: tuple[int, int], *, adds_up: bool) -> None:
    """3.33 → 3.67 is 0.34 for whoever subtracts, and +0.33 here: every figure is rounded for itself."""
    before, after = (np.array([4.0] * count + [3.0] * (30 - count)) for count in fours)
    leaderboard = build_leaderboard(
        "r", [table(np.array([before, after]))], {}, baseline="m0",
        primary=Primary(judge="j", task=None, declared=True, late=False),
    )  # fmt: skip
    [shown] = leaderboard.boards
    means, difference, *note = number_lines(shown, shown.comparisons[0])
    assert ["m0", "m1"] == re.findall(r"m\d", means), "the arrow leads from the baseline to the candidate"
    mean = {row: Decimal(text) for row, text in re.findall(r"(m\d) (\S+)", means)}
    apart = Decimal(re.findall(r"Difference (\S+),", difference)[0])
    assert adds_up == (mean["m1"] - mean["m0"] == apart)
    assert adds_up == (not note)
    assert ["rounded for itself" in line for line in note] == [True] * len(note)
    assert adds_up == ("rounded for itself" not in method_note(shown, words("en")))
