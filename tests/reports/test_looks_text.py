"""What is said of looks: how many tasks each saw, who stopped when, and nothing where there was one look."""

from dataclasses import replace

import pytest

from harness.analysis.looks import BoardLooks
from harness.engine.looks import Kind, Stop
from reports.looks_text import looks_note, looks_section
from reports.wording import LANGUAGES, Language, words
from tests.reports.conftest import small_report

BOARD = small_report().leaderboard.boards[0]
STOPS = (Stop(task="eight", model="slow", prompt="p", look=2), Stop(task="eight", model="last", prompt="p", look=2))


@pytest.mark.parametrize("kind", ["looks", "halving"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_sizes_and_stops_are_said_in_both_languages(kind: Kind, language: Language) -> None:
    """Those of one look together."""
    board = replace(BOARD, looks=BoardLooks(kind=kind, sizes=(20, 40, 80), reached=3, stops=STOPS))
    text = looks_note(board, words(language))
    for part in ("20, 40, 80", "40", "slow", "last"):
        assert part in text
    assert 1 == text.count("slow")
    bare = looks_note(
        replace(BOARD, looks=BoardLooks(kind=kind, sizes=(20, 40, 80), reached=3, stops=())), words(language)
    )
    assert "slow" not in bare
    assert len(bare) < len(text)


def test_looks_that_are_still_to_come_are_said() -> None:
    """Where money or a judge ended on the way."""
    board = replace(BOARD, looks=BoardLooks(kind="looks", sizes=(20, 40, 80), reached=2, stops=()))
    assert "So far look 2 of 3 was reached" in looks_note(board, words("en"))


def test_one_look_is_not_spoken_of() -> None:
    """Neither in words nor in results.json."""
    assert ("", []) == (looks_note(BOARD, words("en")), looks_section((BOARD,)))


def test_the_section_of_results_json() -> None:
    """One entry for each board that was looked at."""
    board = replace(BOARD, looks=BoardLooks(kind="looks", sizes=(20, 80), reached=1, stops=STOPS[:1]))
    [found] = looks_section((BOARD, board))
    assert {
        "task": "eight",
        "judge": BOARD.judge.name,
        "kind": "looks",
        "sizes": [20, 80],
        "reached": 1,
        "stops": [{"task": "eight", "model": "slow", "prompt": "p", "look": 2}],
    } == found
