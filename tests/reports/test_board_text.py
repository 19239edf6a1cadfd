"""What is said about one board: on tiny ones too, and in both languages."""

import re

import pytest

from harness.analysis.board import Board
from reports.board_text import resolution
from reports.board_view import board_view
from reports.verdict import verdict_lines
from reports.wording import LANGUAGES, Language, words
from tests.reports.test_gaps import made


def board(*scores: list[float]) -> Board:
    [found] = made({f"m{place}": one for place, one in enumerate(scores)})[0].boards
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_compared_is_not_called_compared_with_nothing(language: Language) -> None:
    """Rows that never differ, and one task, have been compared; one row alone has not."""
    say = words(language)
    for compared in (board([1.0] * 9, [1.0] * 9), board([1.0], [2.0]), board([2.0] * 3, [2.0] * 3, [2.0] * 3)):
        assert say("board.too_little") == resolution(compared, say)
    assert say("board.alone") == resolution(board([1.0, 2.0]), say)


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("tasks", [1, 2, 3])
def test_tiny_boards_have_no_plural_of_one(rows: int, tasks: int) -> None:
    """Whatever is said of them: neither "1 tasks" nor "1 of 1 rows", and in Japanese no count of one row out of one."""
    scores = [[float(1 + (row + task) % 5) for task in range(tasks)] for row in range(rows)]
    scores[-1][0] = float("nan")
    for language in LANGUAGES:
        view = board_view(board(*scores), 0.95, words(language))
        verdict = verdict_lines(made({f"m{place}": one for place, one in enumerate(scores)})[0], words(language))
        said = " ".join([*verdict, view.resolution, view.noise, view.method, *(text for _, text in view.cautions)])
        assert not re.search(r"\b1 (tasks|rows|models|answers|comparisons)\b|1行中", said), said
