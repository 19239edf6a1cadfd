"""A job's judges as the plan sees them: what repeats, what rates models, what a key holds."""

import pytest

from harness.engine.job import Job, planned_judge
from harness.protocols import JudgeInfo
from harness.types import LIKERT_5, UNIT, Generation, Sample, Verdict


class Judge:
    """A judge that declares what it is told to."""

    def __init__(self, kind: str = "quality") -> None:
        self.info = JudgeInfo(name=f"a {kind} judge", scale=LIKERT_5, fingerprint="f-1", kind=kind, scored_by="program")  # type: ignore[arg-type]
        self.name, self.scale, self.fingerprint = self.info.name, self.info.scale, self.info.fingerprint

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        return Verdict.scored(3)


class Rater(Judge):
    """Ratings of models."""

    def for_model(self, label: str) -> Judge:
        return self


@pytest.mark.parametrize(
    ("judge", "repeats"),
    [(Judge(), 3), (Judge("checks"), 1), (Judge("similarity"), 1), (Rater("human"), 1), (Rater(), 1)],
)
def test_only_what_varies_is_asked_again(judge: Judge, repeats: int) -> None:
    """A check gives the same verdict each time, and a person's rating is looked up."""
    planned = planned_judge(judge, 3)
    assert (repeats, isinstance(judge, Rater), False) == (planned.repeats, planned.rates_models, planned.rates_prompts)
    assert (judge.name, LIKERT_5, judge.info.kind, "program") == (
        planned.name, planned.scale, planned.kind, planned.scored_by,
    )  # fmt: skip


def test_a_job_plans_its_judges_in_order() -> None:
    """With the repeats that it asks for."""
    job = Job(tasks=(), requests=(), models={}, judges=(Judge("checks"), Judge()), judge_repeats=2)
    assert [("a checks judge", 1), ("a quality judge", 2)] == [(one.name, one.repeats) for one in job.planned_judges]


def test_a_record_and_attributes_declare_the_same() -> None:
    """A plugin writes whichever it likes."""
    plain = Judge()
    del plain.info
    plain.kind, plain.scored_by = "quality", "program"  # type: ignore[attr-defined]
    assert planned_judge(plain) == planned_judge(Judge())
    plain.scale = UNIT
    assert planned_judge(plain) != planned_judge(Judge())
