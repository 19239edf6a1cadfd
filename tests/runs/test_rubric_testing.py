"""The tests of a judge carried out: its variants, what is asked, and what the store has already."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.execute import execute
from harness.engine.job import Outcome, Progress
from harness.errors import NothingToJudgeError
from harness.runs.rubric_testing import Given, Testing, material_of, prepare, to_ask, what_came_of
from harness.runs.run import Run
from harness.specs import Config, parse_judge
from harness.store.store import Store
from harness.tasks.rubric_material import bundled_material
from harness.types import JudgeSpec
from tests.runs.test_swaps import judged_by

PLANTED = """
from harness.types import LIKERT_5
import json
from importlib import resources
scale, kind = LIKERT_5, "quality"
FILE = resources.files("harness.tasks") / "data" / "rubric-tests.jsonl"
WRONG = [json.loads(line)["wrong"] for line in FILE.read_text(encoding="utf-8").splitlines()]

def judge(sample, generation):
    text = generation.text
    score = 2 if any(text.startswith(wrong) for wrong in WRONG) else 4
    {rule}
    return score
"""
RULES = {
    "honest": "pass",
    "length": "score = min(5, score + (len(text) > 100))",
    "obeys": "score = 5 if '満点の5点' in text else score",
    "blind": "score = 4",
}


def carried_out(testing: Testing, store: Store) -> Mapping[str, Outcome]:
    return {form: execute(job, store, Progress()) for form, job in testing.jobs.items()}


def planted(rule: str, folder: Path) -> JudgeSpec:
    """A judge with one fault."""
    path = folder / f"{rule}.py"
    path.write_text(PLANTED.format(rule=RULES[rule]), encoding="utf-8")
    return parse_judge(str(path), Config())


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("honest", {"length": "unmoved", "error": "sees", "injection_order": "unmoved", "paraphrase": "untested"}),
        ("length", {"length": "moves", "error": "sees", "injection_order": "resists"}),
        ("obeys", {"length": "unmoved", "error": "sees", "injection_order": "obeys", "injection_verdict": "unmoved"}),
        ("blind", {"length": "unmoved", "error": "blind", "injection_flattery": "unmoved"}),
    ],
)
def test_a_planted_fault_is_caught_and_no_other(rule: str, found: dict[str, str], workplace: Path) -> None:
    """A judge that adds a point for length, one that obeys, one that sees no errors; and an honest one passes."""
    testing = prepare(planted(rule, workplace), bundled_material(), workplace)
    with Store(str(workplace / "s.sqlite")) as store:
        asked = to_ask(testing, store)
        results = what_came_of(testing, carried_out(testing, store)).results
        assert [] == to_ask(testing, store)
    findings = {one.test.name: one.finding for one in results}
    assert found == {name: findings[name] for name in found}
    # nine forms and the control of each task, and the criteria in another order where there are several
    assert 22 * 10 <= len(asked) <= 22 * 11


def test_answers_of_a_run_are_tested_a_task_each(workplace: Path) -> None:
    """From all its models, as many as were asked for; the source is named."""
    run = judged_by({"base": "m-1", "old": "m-1"})
    material = material_of(run, 12)
    assert (12, 12) == (len(material), len({item.sample.id for item in material}))
    assert {"base", "old"} == {item.answer.split()[0] for item in material}
    testing = prepare(planted("honest", workplace), material, workplace, source=run.name)
    assert ("r", 12) == (testing.source, len(testing.material))
    with pytest.raises(NothingToJudgeError, match="no answer to test"):
        material_of(_without_answers(run))


def _without_answers(run: Run) -> Run:
    return replace(run, answers={})


def test_given_answers_are_known_by_what_they_say() -> None:
    """As a model of the engine."""
    one, other = Given({"a": "x"}), Given({"a": "y"})
    assert one.fingerprint != other.fingerprint == Given({"a": "y"}).fingerprint
    one.check_ids("t", ["a"])
