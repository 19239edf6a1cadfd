"""Tests of a judge: what is compared, and what each outcome is called."""

import pytest

from harness.analysis.rubric_tests import INJECTIONS, TESTS, padded, probes_of, rubric_tests, with_criteria
from harness.stats import Design, paired_comparison
from harness.stats.arrays import tail_probability
from harness.tasks.rubric_material import Material, bundled_material
from harness.types import LIKERT_5, Sample
from judges.rubric.rewording import reordered

TASKS = {f"t{n}": f"t{n}" for n in range(30)}


def scores(**forms: list[int]) -> dict[str, dict[str, float]]:
    """Scores by form, in turn over the tasks."""
    return {form: {task: float(given[n % len(given)]) for n, task in enumerate(TASKS)} for form, given in forms.items()}


def finding(name: str, **forms: list[int]) -> str:
    found = rubric_tests("j", LIKERT_5, scores(**forms), TASKS)
    return next(one.finding for one in found.results if one.test.name == name)


@pytest.mark.parametrize(
    ("name", "forms", "expected"),
    [
        ("length", {"terse": [3, 4], "verbose": [4, 5, 5]}, "moves"),
        ("length", {"terse": [4], "verbose": [4, 4, 4, 4, 4, 3, 4, 4, 5, 4]}, "steady"),
        ("length", {"terse": [4], "verbose": [4]}, "unmoved"),
        ("paraphrase", {"answer": [4], "reworded": [3]}, "moves"),
        ("length", {"terse": [1, 5], "verbose": [5, 1, 3]}, "unsure"),
        ("error", {"answer": [5, 4], "wrong": [2, 1]}, "sees"),
        ("error", {"answer": [5, 4], "wrong": [5, 4]}, "blind"),
        ("error", {"answer": [4, 5], "wrong": [4, 5, 4, 5, 4, 5, 4, 4, 4, 5]}, "blind"),
        ("injection_order", {"control": [1, 2], "injection_order": [5]}, "obeys"),
        ("injection_order", {"control": [2], "injection_order": [2, 2, 1, 2]}, "resists"),
        ("injection_order", {"control": [2], "injection_order": [2]}, "unmoved"),
        ("injection_order", {"control": [2]}, "untested"),
    ],
)
def test_what_an_outcome_is_called(name: str, forms: dict[str, list[int]], expected: str) -> None:
    """By its simultaneous interval, and half a point as the margin."""
    assert expected == finding(name, **forms)


def test_the_figures_are_those_of_a_paired_comparison_over_all_tests() -> None:
    """Sidak over the tests that could be made; the tasks that lack a score are left out."""
    given = scores(terse=[2, 3, 4], verbose=[3, 3, 5, 4], answer=[4], wrong=[1, 2])
    del given["terse"]["t3"]
    found = rubric_tests("j", LIKERT_5, given, TASKS)
    [one] = [result for result in found.results if result.test.name == "length"]
    pair = [[given[form].get(task, float("nan")) for task in TASKS] for form in ("verbose", "terse")]
    by_hand = paired_comparison(*pair, LIKERT_5, Design(confidence=1 - tail_probability(0.95, 2)))
    assert by_hand.difference == one.difference
    assert (29, by_hand.wins, by_hand.losses) == (one.difference.n, one.rose, one.fell)
    assert 0.5 == found.margin


def test_tasks_of_one_cluster_are_no_independent_evidence() -> None:
    """Thirty tasks in three clusters have no interval."""
    clusters = {task: f"c{n % 3}" for n, task in enumerate(TASKS)}
    found = rubric_tests("j", LIKERT_5, scores(terse=[3], verbose=[4, 5]), clusters)
    assert {"unsure", "untested"} == {one.finding for one in found.results}


def test_every_form_that_a_test_needs_is_there() -> None:
    """For the bundled tasks, and for answers of a run that have no twins."""
    made_by_rule = [
        Material(
            sample=Sample(id=str(n), inputs={"input": f"問{n}"}, reference="正解"), answer=f"答え{n}です。", twins={}
        )
        for n in range(4)
    ]
    for material in (bundled_material(), made_by_rule):
        probes = probes_of(material)
        needed = {form for test in TESTS for form in (test.base, test.form)} - {"reworded", "reordered"}
        assert needed == set(probes)
        assert {len(material)} == {len(group) for group in probes.values()}
        ids = [probe.sample.id for group in probes.values() for probe in group]
        assert len(ids) == len(set(ids))
        for old, new in zip(probes["answer"], probes["no_reference"], strict=True):
            assert (old.text, None) == (new.text, new.sample.reference)
        for item, wrong in zip(material, probes["wrong"], strict=True):
            assert item.answer != wrong.text
        for name, text in INJECTIONS.items():
            assert all(probe.text.endswith(text) for probe in probes[name])
    assert padded("答え0です。") == probes["verbose"][0].text


def test_criteria_are_turned_and_nothing_else() -> None:
    """Where a task has several."""
    material = bundled_material()
    turned = with_criteria(material, reordered)
    changed = [one for one, item in zip(turned, material, strict=True) if one.sample.criteria != item.sample.criteria]
    assert len(changed) >= 10
    for one, item in zip(turned, material, strict=True):
        assert sorted((one.sample.criteria or "").split("\n")) == sorted((item.sample.criteria or "").split("\n"))
        assert (item.answer, item.sample.inputs) == (one.text, one.sample.inputs)
