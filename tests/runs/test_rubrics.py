"""The rubrics of a run's judges: kept with the run, filled with its tasks, and never with another text."""

from pathlib import Path

from harness.runs.manifest import JudgeRubric
from harness.runs.rubrics import judge_prompts, rubrics_of
from harness.templates import load_template
from harness.types import LIKERT_5, Generation, PlannedTask, Sample, Verdict
from reports.run_view import SLOT

TASKS = [PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": f"課題{n}"}) for n in range(2)))]


class Rubric:
    """A judge with a rubric."""

    name, scale, fingerprint, kind = "j", LIKERT_5, "f", "quality"

    def __init__(self, variant: str | None) -> None:
        self.variant = variant

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        return Verdict.scored(3)


def test_a_published_rubric_is_filled_with_each_task() -> None:
    """What the judge was sent, with one place for the answer."""
    kept = rubrics_of([Rubric("tv.v1")])
    assert {"j": JudgeRubric(name="tv.v1", sha256=load_template("tv.v1", kind="judges").sha256)} == kept
    first, second = judge_prompts(kept, TASKS)["j"]["t"]
    assert ("課題0" in first, "課題1" in second, first.count(SLOT)) == (True, True, 1)
    assert "{{" not in first


def test_a_rubric_of_ones_own_stands_unfilled_until_it_is_changed(tmp_path: Path) -> None:
    """Another text under the same path is not what the judge was shown."""
    path = tmp_path / "mine.j2"
    path.write_text(
        "---\nname: mine\nversion: 1\n---\n{{ input }} {{ fence }} {{ answer }} {{ fence }}", encoding="utf-8"
    )
    kept = rubrics_of([Rubric(str(path))])
    [text, _] = judge_prompts(kept, TASKS)["j"]["t"]
    assert "{{ input }}" in text
    path.write_text(path.read_text(encoding="utf-8") + "!", encoding="utf-8")
    assert {} == judge_prompts(kept, TASKS)


def test_judges_without_a_rubric_have_none() -> None:
    """Nor has one of another package, which names its variants otherwise."""
    assert {} == rubrics_of([Rubric(None), Rubric("a variant of theirs")])
