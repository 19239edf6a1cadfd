"""Which task an answer is to: what was asked decides, and ids that count otherwise shift nothing."""

import pytest

from harness.errors import InputError
from harness.tables.foreign import ForeignRow, match_rows, same_text
from harness.types import Sample

SAMPLES = [Sample(id=str(number), inputs={"input": text}) for number, text in enumerate(("いろ", "は", "に", "に"))]


def row(place: int, task_id: str | None, *inputs: str, task: str | None = None) -> ForeignRow:
    return ForeignRow(path="a", place=place, task_id=task_id, inputs=inputs, task=task)


def ids(*rows: ForeignRow) -> dict[int, str]:
    return {place: found for (_, place), found in match_rows(rows, "t", SAMPLES).ids.items()}


def test_ids_that_count_from_one_shift_nothing() -> None:
    """The text decides, and how many ids differ is counted."""
    rows = [row(1, "1", "いろ"), row(2, "2", " は\r\n")]
    assert {1: "0", 2: "1"} == ids(*rows)
    assert 2 == match_rows(rows, "t", SAMPLES).renamed


def test_an_id_settles_which_of_two_equal_tasks_is_meant() -> None:
    """And without one the answer could be to either."""
    assert {1: "3", 2: "2"} == ids(row(1, "3", "に"), row(2, "2", "に"))
    for task_id in (None, "9"):
        with pytest.raises(InputError, match="asks what 2 tasks of t ask"):
            ids(row(1, task_id, "に"))


def test_a_prompt_around_the_task_is_looked_through() -> None:
    """That of the row's id, else the longest; what holds none of them is a stray among those that do."""
    assert {1: "1", 2: "0"} == ids(row(1, "1", "問：いろは\n答："), row(2, "7", "問：いろは\n答："))
    matched = match_rows([row(1, "0", "いろ"), row(2, "1", "xyz")], "t", SAMPLES)
    assert [2] == [stray.place for stray in matched.strays]


def test_an_id_alone_counts_where_nothing_was_said_of_the_question() -> None:
    """Where another question was asked it does not."""
    assert {1: "1"} == ids(row(1, "1"))
    assert {} == ids(row(1, "1", "xyz"), row(2, None))


def test_rows_of_another_task_of_the_tool_are_no_strays() -> None:
    """They belong to another set of the run."""
    matched = match_rows([row(1, "0", "いろ", task="a"), row(2, "0", "xyz", task="b")], "t", SAMPLES)
    assert ([("a", 1)], []) == (list(matched.ids), list(matched.strays))


def test_blanks_and_line_ends_make_no_other_text() -> None:
    """Anything else does."""
    assert same_text("a\r\nb ") == same_text("\na\nb") != same_text("a b")
