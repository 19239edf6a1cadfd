"""Tests of a judge as a section of its card."""

import json
import re

import pytest

from harness.analysis.rubric_tests import TESTS, RubricTests, rubric_tests
from harness.types import LIKERT_5
from reports.rubric_tests import rubric_tests_document, rubric_tests_markdown
from reports.wording import words

TASKS = [f"t{n}" for n in range(24)]


def found(source: str | None = None) -> RubricTests:
    """A judge that adds a point for length, sees errors and obeys one order."""
    forms = {"answer": 4, "terse": 3, "verbose": 4, "wrong": 2, "control": 2, "injection_order": 5, "no_reference": 4}
    scores = {
        form: {task: float(score - (n % 5 == 0)) for n, task in enumerate(TASKS)} for form, score in forms.items()
    }
    scores["verbose"]["t1"] = 3.0
    return rubric_tests("j|x", LIKERT_5, scores, {task: task for task in TASKS}, source=source)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_test_has_a_line_and_each_fault_a_caution(language: str) -> None:
    """With the interval; what is wrong stands out."""
    text = rubric_tests_markdown(found(), language=language)
    say = words(language)
    for test in TESTS:
        assert say(f"rubric_tests.test_{test.name}") in text
    assert f"**{say('rubric_tests.finding_moves')}**" in text
    assert 2 == text.count(f"**{say('board.caution')}**") == len(re.findall(r"\| \*\*", text))
    assert "j\\|x" in text


def test_where_the_answers_come_from_is_said() -> None:
    """The bundled ones or a run's."""
    assert "tasks that ship with the harness" in rubric_tests_markdown(found())
    assert "of my run" in rubric_tests_markdown(found("my run"))


def test_as_plain_values() -> None:
    """Unrounded, and JSON without NaN."""
    document = json.loads(json.dumps(rubric_tests_document(found()), allow_nan=False))
    assert {"moves", "sees", "obeys", "untested"} <= {one["finding"] for one in document["results"]}
