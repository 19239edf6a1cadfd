"""What every file comes to, and what is said of it."""

import pytest

from harness.tables.foreign import ForeignFile, ForeignRow, recognised, told
from harness.tables.foreign.records import number_score


@pytest.mark.parametrize(
    "cell", [float("nan"), float("inf"), True, "NaN", "1_0", "４", "", "x" * 100, {}, [4], "9" * 50]
)
def test_what_is_no_plain_number_is_no_score(cell: object) -> None:
    """It has a reason instead."""
    score = number_score("m", cell)
    assert (None, "rating_not_a_number", "the score is not a number") == (score.value, score.code, score.reason)


def test_a_number_in_a_text_is_one() -> None:
    """As inspect_ai writes grades."""
    assert [4.0, -0.5, 3.0] == [number_score("m", cell).value for cell in ("4", "-0.5", 3)]


def test_what_was_recognised_is_said() -> None:
    """Tool, answers, models (eight of them by name), tasks, repeats and metrics."""
    rows = [
        ForeignRow(path="p", place=number, model=f"m{number}", epoch=number % 2, scores=(number_score("s", 1),))
        for number in range(10)
    ]
    file = ForeignFile(tool="x", path="p", sha256="", rows=rows, cautions=("a", "b"))
    assert (
        "p: recognised as x: 10 answers, models: m0, m1, m2, m3, m4, m5, m6, m7 and 2 more, tasks: not named, "
        "repeats: 2, scores: s."
    ) == recognised(file)
    assert ["p: a.", "p: b."] == told(file)
