"""What a run keeps of the ledger: which p-value counts for a candidate, and several runs' boards as one."""

from dataclasses import replace

import pytest

from harness.analysis.tried import BoardLedger, TriedRow, merged_boards
from harness.types import RowKey

KEY = RowKey(model="a", prompt="p")


def board(p_value: float | None = 0.04, *, earlier: int = 3, **fields: object) -> BoardLedger:
    """A board of one candidate, the fourth of four."""
    row = TriedRow(model="a", prompt="p", place=4, p_value=p_value)
    known = {"task": "t", "judge": "j", "date": "2026-11-01", "taskset": "s", "baseline": "b", "tries": 4}
    return BoardLedger(**known | {"earlier": earlier, "rows": (row,)} | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "own", "expected"),
    [
        (board(0.04), (0.01, 0.02), 0.04),
        (board(0.04), (0.06, 0.07), 0.06),  # never smaller than the uncorrected one
        (board(None, earlier=0), (0.01, 0.02), 0.02),  # the first of all: its own correction
        (board(None), (0.01, 0.02), None),
        (board(0.04, is_merged=True), (0.01, 0.05), 0.05),
        (board(0.04), (None, 0.02), None),
        (board(0.04), (0.01, None), None),
        (board(0.04, rows=()), (0.01, 0.02), None),
    ],
)
def test_the_p_value_over_every_try(
    entry: BoardLedger, own: tuple[float | None, float | None], expected: float | None
) -> None:
    """Of the board's own, uncorrected and corrected over the board, and of the ledger's."""
    assert expected == entry.p_value(KEY, p_value=own[0], p_adjusted=own[1])


def test_a_panels_disagreement_counts_too() -> None:
    """Signs alone do not show it."""
    assert 0.05 == board(0.04).p_value(KEY, p_value=0.01, p_adjusted=0.05, at_least_own=True)


def test_a_row_is_found_by_model_and_prompt() -> None:
    """Another prompt is another candidate."""
    assert 4 == board().row(KEY).place  # type: ignore[union-attr]
    assert None is board().row(RowKey(model="a", prompt=None))


def test_boards_of_two_runs_keep_their_figures_under_their_new_labels() -> None:
    """The number of tries is the later one's, and what is on the board now is not earlier."""
    later = board(0.2, date="2026-11-02", tries=5, rows=(TriedRow(model="a", prompt="p", place=5, p_value=0.2),))
    labels = {("one", KEY): "a (one)", ("two", KEY): "a (two)"}
    [found] = merged_boards([("one", [board()]), ("two", [later])], labels)
    assert (5, 3, True, "2026-11-02") == (found.tries, found.earlier, found.is_merged, found.date)
    assert {"a (one)": 0.04, "a (two)": 0.2} == {row.model: row.p_value for row in found.rows}


@pytest.mark.parametrize("other", [{"baseline": "another"}, {"taskset": "another"}])
def test_unlike_boards_have_no_figures_together(other: dict[str, str]) -> None:
    """Only their number is known."""
    [found] = merged_boards([("one", [board()]), ("two", [replace(board(), **other)])], {})
    assert ((), 4, 4) == (found.rows, found.tries, found.earlier)


def test_boards_of_other_tasks_or_judges_stay_apart() -> None:
    """Each merged by itself."""
    found = merged_boards([("one", [board(), board(judge="k"), board(task="u")])], {})
    assert [("t", "j"), ("t", "k"), ("u", "j")] == [(one.task, one.judge) for one in found]
