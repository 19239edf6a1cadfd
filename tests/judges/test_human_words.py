"""What is said of rows of a file of ratings."""

from pathlib import Path

import pytest

from harness.human.ratings import ROLES, read_file
from harness.locale import in_language
from harness.tables import read_table
from harness.types import LIKERT_5
from judges.human_words import by_problem, first_few, guessed, line_numbers


def test_what_is_wrong_is_told_once_with_its_lines(tmp_path: Path) -> None:
    """Rows with the same trouble stand together; good ones are not named."""
    path = tmp_path / "r.csv"
    path.write_text("model,task_id,score\na,0,\na,1,4\na,2,9\na,3,\na,4,\n", encoding="utf-8")
    said = by_problem(read_file(read_table(str(path), roles=ROLES), LIKERT_5).ratings)
    assert "3 blank (lines 2, 5, 6), 1 outside the 1-5 scale (line 4)" == said.replace("–", "-")
    assert "2、5、6" in in_language(said, "ja") or "2, 5, 6" in in_language(said, "ja")


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [("bsae", ["base", "tuned"], "'bsae' (did you mean 'base'?)"), ("点", ["base"], "'点'"), ("x", [], "'x'")],
)
def test_a_name_that_is_not_here_comes_with_the_one_that_may_be_meant(name: str, known: list[str], said: str) -> None:
    """Only one that looks like it."""
    assert said == guessed(name, known)


def test_long_lists_are_cut() -> None:
    """Eight names and the number of the others; lines as ranges."""
    assert "a, b" == first_few("ab")
    assert first_few("abcdefghijk").endswith(", h and 3 more")
    assert ("line 7", "line") == (line_numbers([7]), line_numbers([7])[:4])
    assert line_numbers([1, 2]).startswith("lines ")
