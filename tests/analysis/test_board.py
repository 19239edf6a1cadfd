"""A board's records: which comparison is a row's own, and what a board knows of gaps and stops."""

import ast
from dataclasses import replace

from harness.analysis.board import Board
from harness.analysis.leaderboard import build_leaderboard
from harness.types import RowKey
from tests.analysis.test_leaderboard import table
from tests.conftest import ROOT

A, B, C = (RowKey(model=name, prompt="p") for name in "abc")


def board(family: str = "baseline") -> Board:
    scores = {"a": [1, 2, 3, 4, 5], "b": [2, 2, 4, 4, 5], "c": [3, 2, 3, 5, 5]}
    made = build_leaderboard("run", [table(scores)], {}, baseline="a", family=family)  # type: ignore[arg-type]
    return made.boards[0]


def test_a_row_has_a_comparison_of_its_own_unless_it_is_in_none_or_several() -> None:
    """The baseline is no candidate, and among all pairs no row has one comparison that stands for it."""
    shown = board()
    found = shown.comparison_of(B)
    assert found is not None
    assert (A, B) == (found.baseline, found.candidate)
    assert shown.against_baseline(B) is found.result
    assert None is shown.comparison_of(A) is shown.against_baseline(A)
    pairs = board("all-pairs")
    assert 3 == len(pairs.comparisons)
    assert None in [pairs.comparison_of(row) for row in (A, B, C)]


def test_what_is_over_every_try_is_shown_where_it_is_there() -> None:
    """The corrected result stands in for the run's own."""
    shown = board()
    first, *others = shown.comparisons
    corrected = replace(first, corrected=replace(first.result, p_adjusted=1.0))
    assert (False, True) == (first.is_over_tries, corrected.is_over_tries)
    assert 1.0 == replace(shown, comparisons=(corrected, *others)).against_baseline(first.candidate).p_adjusted  # type: ignore[union-attr]


def test_rows_that_were_not_asked_are_stops_and_no_gaps() -> None:
    """What a look left out has a code of its own."""
    shown = board()
    assert (False, False) == (shown.has_gaps, shown.has_stops)
    stopped = replace(shown, rows=(replace(shown.rows[0], n_not_asked=2), *shown.rows[1:]))
    assert (False, True) == (stopped.has_gaps, stopped.has_stops)
    assert {("not_asked", 2)} == {(reason.code, count) for reason, count in stopped.rows[0].not_asked.items()}
    assert {} == dict(shown.rows[0].not_asked)


def test_no_records_of_the_analysis_need_each_other_to_be_typed() -> None:
    """A module that names another for the type checker alone hides a circle."""
    for path in (ROOT / "harness" / "analysis").glob("*.py"):
        names = {
            node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)
        }
        assert "TYPE_CHECKING" not in names, path
