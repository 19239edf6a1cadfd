"""What a judge of single answers asks."""

import pytest

from harness.errors import UsageError
from harness.templates import load_template, template_names
from harness.types import Sample
from judges.rubric.question import EMPTY_ANSWER, AnswerQuestion, shows_pairs


def question(rubric: str) -> AnswerQuestion:
    return AnswerQuestion(load_template(rubric, kind="judges"))


def test_only_the_rubric_for_pairs_shows_two() -> None:
    """Of the published ones."""
    shown = [name for name in template_names("judges") if shows_pairs(load_template(name, kind="judges"))]
    assert shown == ["pair.v1"]


def test_a_rubric_for_pairs_scores_no_answer() -> None:
    """It is refused when a judge is opened, not answer by answer."""
    with pytest.raises(UsageError, match=r"pair\.v1 compares two answers"):
        question("pair.v1")


def test_the_form_decides_schema_and_second_question() -> None:
    """JSON has a schema; a number has none and asks for a number again."""
    json_form, number_form = question("tv.v1"), question("digits.v1")
    assert json_form.schema() is not None
    assert number_form.schema(50) is None
    assert "JSON" in json_form.ask_again
    assert "JSON" not in number_form.ask_again


def test_an_empty_answer_needs_no_call() -> None:
    """It has the lowest score; anything else is asked about."""
    asked = question("tv.v1")
    found = asked.known(" \n")
    assert found is not None
    assert (found.score, found.rationale) == (1.0, EMPTY_ANSWER)
    assert asked.known("東京") is None


def test_notices_name_missing_references() -> None:
    """As the rubric shows one."""
    samples = [Sample(id="0", inputs={"input": "a"}), Sample(id="1", inputs={"input": "b"}, reference="r")]
    assert question("elyza.v1").notices("j", "t", samples) == [
        "j: 1 of 2 tasks of t have no reference; rubric elyza.v1 judges them without."
    ]
    assert question("tv.v1").notices("j", "t", samples) == []
