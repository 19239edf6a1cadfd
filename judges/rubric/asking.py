"""What a rubric judge shows a model, and what it says beforehand of a rubric and of samples that do not fit it."""

from collections.abc import Sequence

from harness.errors import HarnessError
from harness.locale import tr
from harness.notices import Notice
from harness.templates import Template
from harness.types import Message, Role, Sample, Scale
from judges.rubric.prompt import variables


def rubric_messages(rubric: Template, sample: Sample, answer: str, scale: Scale) -> tuple[Message, ...]:
    """Return a rubric filled with one answer, as the turns of a conversation: its system text, if any, and the rest."""
    rendered = rubric.render_text(**variables(sample, answer, scale))
    system = rubric.meta.get("system")
    turns: list[tuple[Role, str]] = [("system", str(system))] if system else []
    return tuple(Message(role=role, content=text) for role, text in [*turns, ("user", rendered)])


def rubric_notices(name: str, rubric: Template, scale: Scale, task: str, samples: Sequence[Sample]) -> list[Notice]:
    """Return notices if answers are shown without a fence, or a reference is shown that some samples lack.

    ``name``: of the judge.
    """
    notices: list[Notice] = []
    if not _fences_the_answer(rubric, scale):
        notices.append(
            Notice(
                "rubric_without_fence",
                tr(
                    "{judge}: rubric {rubric} shows the answer without {{{{ fence }}}} before and after it, so that an "
                    "answer can pass for the rubric's own words; see docs/templates.md.",
                    judge=name,
                    rubric=rubric.name,
                ),
            )
        )
    return [*notices, *reference_notice(name, rubric, task, samples)]


def reference_notice(name: str, rubric: Template, task: str, samples: Sequence[Sample]) -> list[Notice]:
    """Return a notice if a rubric shows a reference that some samples lack; ``name``: of the judge."""
    missing = sum(not (sample.reference or "").strip() for sample in samples)
    if "reference" not in rubric.variables or not missing:
        return []
    count = tr(
        "{missing} of {n_samples} tasks of {task} have no reference",
        missing=missing,
        n_samples=len(samples),
        task=task,
    )
    return [
        Notice(
            "judged_without_reference",
            tr("{name}: {count}; rubric {name_2} judges them without.", name=name, count=count, name_2=rubric.name),
        ),
    ]


def _fences_the_answer(rubric: Template, scale: Scale) -> bool:
    """Return whether the rubric has its fence on both sides of the answer."""
    answer = "採点する回答"
    values = variables(Sample(id="0", inputs={"input": "課題"}, reference="正解", criteria="基準"), answer, scale)
    try:
        before, shown, after = rubric.render_text(**values).rpartition(answer)
    except HarnessError:
        return True  # it cannot be rendered at all, which its first use says better
    return not shown or all(values["fence"] in side for side in (before, after))
