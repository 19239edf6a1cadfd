"""A run's A/B test: made anew from its rows by what its manifest keeps."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.runs.load import load_run
from harness.runs.manifest import PromptTest
from harness.runs.prompt_tests import prompt_tests, prompt_tests_document, prompt_tests_of, prompt_tests_text
from harness.runs.run import Run
from tests.conftest import RunCli


@pytest.fixture
def tested(run_cli: RunCli, task_file: Path) -> Run:
    """A finished A/B test `r` of two prompts by two judges."""
    ran = run_cli("ab", "--task", "five=five.jsonl", "--model", "echo", "--prompt", "plain.v1", "--prompt", "course.v1",
                  "--judge", "reference", "--judge", "rules", "--run", "r")  # fmt: skip
    assert 0 == ran.code, ran.err
    return load_run("r")


def test_every_judge_that_tells_prompts_apart_has_its_test(tested: Run) -> None:
    """On every task set; ratings of models alone would call every pair of prompts equal."""
    assert tested.manifest.ab is not None
    found = prompt_tests(tested.tables(), tested.manifest.ab)
    assert ["reference", "rules"] == [one.judge.name for one in found]
    assert {("plain.v1", "course.v1")} == {one.prompts for one in found}
    blind = [replace(table, judge=replace(table.judge, rates_models=True)) for table in tested.tables()]
    assert [] == prompt_tests(blind, tested.manifest.ab)


def test_what_the_manifest_keeps_decides_the_test(tested: Run) -> None:
    """The control and the confidence."""
    made = prompt_tests(tested.tables(), PromptTest(control="course.v1", confidence=0.9))
    assert {("course.v1", 0.9)} == {(one.control, one.confidence) for one in made}


def test_the_files_of_a_run_are_these(tested: Run) -> None:
    """ab.md, and the section of results.json."""
    tests = prompt_tests_of([tested])
    assert Path("runs/r/ab.md").read_text(encoding="utf-8") == prompt_tests_text(tests)
    assert ["reference", "rules"] == [one["judge"] for one in prompt_tests_document(tests)]


def test_runs_without_a_test_and_judges_that_nobody_asked_for_are_left_out(tested: Run) -> None:
    """Of several runs, each entry names its own."""
    plain = replace(tested, name="other", manifest=replace(tested.manifest, ab=None))
    assert [] == prompt_tests_of([plain]) == prompt_tests_of([tested], ["nobody"])
    [(run, [only])] = prompt_tests_of([tested, plain], ["rules"])
    assert ("r", "rules") == (run.name, only.judge.name)
    twice = prompt_tests_document(prompt_tests_of([tested, replace(tested, name="second")]))
    assert ["r", "r", "second", "second"] == [one["run"] for one in twice]
    assert all("run" not in one for one in prompt_tests_document(prompt_tests_of([tested])))
