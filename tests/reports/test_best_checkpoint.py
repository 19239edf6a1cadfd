"""What is said of the best checkpoint: both values with their signs, in both languages, and in results.json."""

from dataclasses import replace

import pytest

from harness.analysis.board import BestCheckpoint, Board
from harness.stats import BestOf
from harness.types import Estimate, RowKey
from reports.best_checkpoint import best_note, best_section
from reports.board_view import board_view
from reports.wording import LANGUAGES, Language, words
from tests.reports.conftest import small_report

BOARD = small_report().leaderboard.boards[0]
BASE, STEP = RowKey(model="base", prompt="p"), RowKey(model="mine/step-150", prompt="p")


def chosen(over: RowKey | None = BASE, value: float | None = 0.21, low: float | None = -0.05) -> Board:
    """Return a board with the best of eight checkpoints."""
    high = None if low is None else 0.47
    honest = Estimate(value=value, low=low, high=high, confidence=0.95, n=60, n_unscored=0, method="m")
    best = BestOf(place=2, naive=0.42, honest=honest, agreement=0.62, n_candidates=8, n_folds=3, cautions=())
    return replace(BOARD, best=(BestCheckpoint(training="mine", row=STEP, over=over, best=best),))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_it_looks_like_and_what_it_is_worth(language: Language) -> None:
    """Beside each other, on every report of a board."""
    board = chosen()
    text = best_note(board, words(language))
    for part in ("mine/step-150", "base", "+0.42", "+0.21", "-0.05 … +0.47", "62 %", "8"):
        assert part in text
    assert text == board_view(board, 0.95, words(language)).best


@pytest.mark.parametrize("language", LANGUAGES)
def test_means_have_no_sign(language: Language) -> None:
    """Where there is nothing to compare with."""
    text = best_note(chosen(over=None), words(language))
    assert "0.42" in text
    assert "+" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_an_interval_or_a_value(language: Language) -> None:
    """It is said that there is too little, and no figure is made up."""
    say = words(language)
    assert say.section("best")["unknown"] in best_note(chosen(value=None, low=None), say)
    text = best_note(chosen(low=None), say)
    assert "+0.21" in text
    assert "…" not in text


def test_nothing_is_said_of_boards_without_checkpoints() -> None:
    """Neither in words nor in results.json."""
    assert ("", []) == (best_note(BOARD, words("en")), best_section((BOARD,)))


def test_the_section_of_results_json() -> None:
    """One entry for each training, unrounded."""
    [found] = best_section((BOARD, chosen()))
    assert {"training": "mine", "model": "mine/step-150", "prompt": "p", "naive": 0.42, "honest": 0.21, "low": -0.05,
            "high": 0.47, "agreement": 0.62, "candidates": 8, "over": {"model": "base", "prompt": "p"}}.items() <= (
        found.items()
    )  # fmt: skip
