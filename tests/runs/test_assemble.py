"""From a spec to a job: what is opened, what is refused before anything is generated, and what is said."""

import json
from pathlib import Path

import pytest

from harness.engine.plan import plan_digest
from harness.errors import HarnessError, UnknownNameError, UsageError
from harness.runs.asking import evaluation_spec
from harness.runs.assemble import Evaluation, assemble, open_judges, open_task
from harness.specs import Config, parse_judge
from harness.types import PlannedTask, Sample, TaskSpec
from tests.runs.test_asking import PLAIN


def assembled(**options: object) -> Evaluation:
    """An evaluation in the current folder."""
    return assemble(evaluation_spec(Config(), **PLAIN | options), None)


@pytest.fixture
def five(task_file: Path) -> tuple[str, ...]:
    """A task of five rows and, beside it, answers of two models to it."""
    rows = [{"model": model, "task_id": n, "output": f"{model}{n}"} for model in "ab" for n in range(5)]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return (f"five={task_file}",)


def test_models_times_prompts_and_answer_files_once(five: tuple[str, ...]) -> None:
    """Two templates for what generates; a file's models have no prompt."""
    made = assembled(models=("echo", "outputs:answers.jsonl"), tasks=five, prompts=("course.v1", "plain.v1"))
    rows = {(request.model, request.prompt) for request in made.job.requests}
    assert {("echo", "course.v1"), ("echo", "plain.v1"), ("a", None), ("b", None)} == rows
    assert (20, ["echo", "a", "b"], "echo") == (len(made.job.requests), list(made.job.models), made.baseline)
    assert plan_digest(made.job.tasks, made.job.requests) == made.plan_digest
    assert 3 == len(assembled(models=("echo",), tasks=five, limit=3).job.requests)


def test_the_baseline_is_base_or_the_first_or_what_is_said(five: tuple[str, ...]) -> None:
    """A label that is none has its nearest."""
    assert "base" == assembled(models=("x=echo", "base=echo"), tasks=five).baseline
    assert "x" == assembled(models=("x=echo", "y=echo"), tasks=five).baseline
    assert "y" == assembled(models=("x=echo", "y=echo"), tasks=five, baseline="y").baseline
    with pytest.raises(UnknownNameError, match="No model label named 'z'"):
        assembled(models=("x=echo",), tasks=five, baseline="z")


def test_labels_are_told_apart_also_those_within_a_file(five: tuple[str, ...]) -> None:
    """One model of the file is called like another spec."""
    with pytest.raises(UsageError, match="'a'"):
        assembled(models=("a=echo", "outputs:answers.jsonl"), tasks=five)


@pytest.mark.parametrize(
    ("judges", "message"),
    [
        (["reference", "reference"], "Two judges are named 'reference'"),
        (["rules", "no-such"], "No judge named 'no-such'"),
    ],
)
def test_judges_are_told_apart_and_known(judges: list[str], message: str) -> None:
    """Before any of them is asked."""
    task = PlannedTask(name="t", samples=(Sample(id="0", inputs={"input": "x"}, reference="y"),))
    with pytest.raises(HarnessError, match=message):
        open_judges([parse_judge(name, Config()) for name in judges], [task], [("m", None)])


def test_a_judge_that_can_judge_nothing_ends_it_and_one_task_without_is_said(tmp_path: Path) -> None:
    """Ratings of another task than the only one; of one of two tasks they are of use."""
    rated, other = (
        PlannedTask(name=name, samples=(Sample(id="0", inputs={"input": name}),)) for name in ("rated", "other")
    )
    (tmp_path / "h.csv").write_text("model,task,task_id,score\nm,rated,0,4\n", encoding="utf-8")
    people = [parse_judge(f"human:{tmp_path}/h.csv", Config())]
    with pytest.raises(HarnessError, match=r"h\.csv"):
        open_judges(people, [other], [("m", None)])
    judges, notices = open_judges(people, [other, rated], [("m", None)])
    assert (1, True) == (len(judges), any("other" in notice for notice in notices))


def test_a_task_has_samples_with_ids_of_their_own(tmp_path: Path) -> None:
    """An empty file and a doubled id are refused by name."""
    path = tmp_path / "t.jsonl"
    path.write_text('{"task_id": 1, "input": "x"}\n{"task_id": 1, "input": "y"}\n', encoding="utf-8")
    with pytest.raises(HarnessError, match="1"):
        open_task(TaskSpec(name="t", source=str(path)))
    path.write_text("", encoding="utf-8")
    with pytest.raises(HarnessError, match=r"t\.jsonl"):
        open_task(TaskSpec(name="t", source=str(path)))
