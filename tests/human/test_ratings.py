"""The one record of what people say, and the one reader of files of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError, UnknownNameError, UsageError
from harness.human.ratings import RatingsFile, matched_prompts, number_in, rating_scale, read_file
from harness.tables import read_table
from harness.types import LIKERT_5, Sample, Scale


@pytest.fixture
def read(tmp_path: Path):  # noqa: ANN201 - a function of lines
    """Return a function that reads CSV lines as ratings."""

    def read(*lines: str, scale: Scale = LIKERT_5) -> RatingsFile:
        path = tmp_path / "ratings.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return read_file(read_table(path), scale)

    return read


def test_a_row_is_a_rating_with_its_line(read) -> None:  # noqa: ANN001
    """Every column that is known; blanks are none, and an item is none where nothing was drawn."""
    found = read(
        "model,task_id,score,prompt,rater,comment,judge,kind,item", "a,3,４点,p,田中,よい,j,HUMAN,i-7", "a,4,5,p,,,j,,"
    )
    first, second = found.ratings
    assert (2, "a", "3", 4.0, "p", "田中", "よい", "j", "human", None, None) == (
        first.line, first.model, first.task_id, first.score, first.prompt, first.rater, first.comment, first.judge,
        first.kind, first.item, first.problem,
    )  # fmt: skip
    assert (None, None, None) == (second.rater, second.comment, second.kind)
    assert not found.has_tasks


@pytest.mark.parametrize(
    ("cell", "problem"),
    [("", "blank"), ("  ", "blank"), ("good", "not a number"), ("4/5", "not a number"), ("6", "outside the 1-5 scale"),
     ("0", "outside the 1-5 scale"), ("nan", "not a number"), ("inf", "not a number")],
)  # fmt: skip
def test_what_is_no_score_has_a_problem_and_none(read, cell: str, problem: str) -> None:  # noqa: ANN001
    """Never a number near it."""
    [found] = read("model,task_id,score", f"a,1,{cell}").ratings
    assert (None, problem) == (found.score, found.problem)


def test_rows_without_a_model_or_a_task_are_counted_by_line(read) -> None:  # noqa: ANN001
    """And an id column is as good as task_id."""
    found = read("model,id,score", "a,1,5", ",2,5", "a,,5")
    assert ([3, 4], ["1"]) == (list(found.nameless), [one.task_id for one in found.ratings])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("model,score", "a,1"), "no column 'task_id'"),
        (("task_id,score", "1,1"), "no column 'model'"),
        (("model,task_id", "a,1"), "no column 'score'"),
        (("model,task_id,score", ",,5"), "no row has both a model and a task_id"),
        (("model,task_id,score", "a,1,5", "a,1,4"), "a second rating of model 'a' on task '1', after line 2"),
        (("model,task_id,score,rater", "a,1,5,x", "a,1,4,x"), "a second rating by rater 'x' of model 'a'"),
        (("model,task_id,score,prompt", "a,1,5,p", "a,2,4,"), "no prompt, though other rows of model 'a' name one"),
        (("model,task_id,score,judge", "a,1,5,j", "a,2,4,"), "no judge, in a file with a judge column"),
        (("model,task_id,score,kind", "a,1,5,person"), "kind 'person' is none of quality, checks, similarity, human"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(read, lines: tuple[str, ...], message: str) -> None:  # noqa: ANN001
    """With the line, where one is to blame."""
    with pytest.raises(InputError) as caught:
        read(*lines)
    assert message in caught.value.message


def test_several_raters_and_several_prompts_are_no_doubles(read) -> None:  # noqa: ANN001
    """Each of them may rate the same answer."""
    assert 4 == len(
        read("model,task_id,score,rater,prompt", "a,1,5,x,p", "a,1,4,y,p", "a,1,5,x,q", "a,1,4,y,q").ratings
    )


def test_ids_that_two_tasks_share_cannot_be_told_apart(read) -> None:  # noqa: ANN001
    """Unless the file says which task."""
    samples = [Sample(id="1", inputs={"input": "x"})]
    plain = read("model,task_id,score", "a,1,5")
    plain.meet("t", samples)
    with pytest.raises(InputError, match="task id '1' is in t and in u"):
        plain.meet("u", samples)
    named = read("model,task,task_id,score", "a,t,1,5")
    named.meet("t", samples)
    named.meet("u", samples)
    assert ["t", "u"] == named.tasks_with(samples[0])


def test_a_rating_fits_the_prompt_that_it_names(read) -> None:  # noqa: ANN001
    """By the run's name or the file's; any will do until the run's rows are known."""
    found = read("model,task_id,score,prompt", "a,1,5,mine", "b,1,5,other")
    first, second = found.ratings
    assert found.fits(first)
    found.meet_rows([("a", "./prompts/mine.j2"), ("a", "course.v1"), ("b", "course.v1")])
    assert (True, False) == (found.fits(first), found.fits(second))


@pytest.mark.parametrize(
    ("named", "run", "expected"),
    [
        (["course.v1"], ["course.v1"], {"course.v1": "course.v1"}),
        (["mine"], ["a/mine.j2", "b/mine.j2"], {}),
        (["a/x.j2"], ["./a/x.j2", "x.j2"], {"./a/x.j2": "a/x.j2"}),
        (["a/x.j2"], ["b/x.j2"], {}),
        (["x", "x.j2"], ["a/x.j2"], {}),
    ],
)
def test_a_prompt_is_found_where_one_alone_is_meant(named: list[str], run: list[str], expected: dict) -> None:
    """Two that could be meant are none."""
    assert expected == matched_prompts(named, run)


@given(st.floats(-1e6, 1e6).map(lambda number: round(number, 3)))
def test_numbers_are_read_however_they_are_written(number: float) -> None:
    """As digits, as wide digits, with points behind; what is no number is none."""
    text = f"{number:.3f}"
    wide = "".join(chr(ord(mark) + 0xFEE0) for mark in text)
    assert number == number_in(text) == number_in(wide) == number_in(f" {text} 点") == number_in(number)


@pytest.mark.parametrize("cell", [None, True, "", "４つ", "1e3", "4,5", "--3", float("nan"), float("inf"), [4]])
def test_what_is_no_number(cell: object) -> None:
    """A truth value, an exponent, a decimal comma, infinity."""
    assert None is number_in(cell)


def test_a_scale_from_settings() -> None:
    """1 to 5 in whole steps, unless they say otherwise."""
    assert LIKERT_5 == rating_scale({}, "[judges.human]")
    assert Scale(low=0, high=10, step=0.5) == rating_scale({"scale": [0, 10], "step": 0.5}, "[judges.human]")
    for wrong in ({"scale": [5, 1]}, {"scale": 5}, {"scale": [1, 2, 3]}, {"step": 0}, {"step": True}, {"step": 3}):
        with pytest.raises(UsageError, match=r"\[judges\.human\]"):
            rating_scale(wrong, "[judges.human]")
    with pytest.raises(UnknownNameError, match="No setting of \\[judges\\.human\\] named 'scales'"):
        rating_scale({"scales": [1, 5]}, "[judges.human]")
