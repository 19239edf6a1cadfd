"""What judges by rubric were shown: the run keeps which rubric each had, and it is filled anew for whoever reads."""

from collections.abc import Iterable, Mapping, Sequence

from harness.errors import HarnessError
from harness.plugins import judge_info
from harness.protocols import Judge
from harness.runs.manifest import JudgeRubric
from harness.templates import Template, load_template
from harness.types import PlannedTask, Sample
from judges.rubric.question import AnswerQuestion
from reports.run_view import SLOT


def rubrics_of(judges: Iterable[Judge]) -> dict[str, JudgeRubric]:
    """Return the rubric of every judge that has one, as it is now."""
    found = {}
    for judge in judges:
        variant = judge_info(judge).variant
        template = None if variant is None else _loaded(variant)
        if template is not None:
            found[judge.name] = JudgeRubric(name=template.name, sha256=template.sha256)
    return found


def judge_prompts(
    rubrics: Mapping[str, JudgeRubric], tasks: Sequence[PlannedTask]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return, by judge and task set, what the judge was sent about each sample, with `SLOT` for the answer.

    A rubric of the user's own stands unfilled. One that is gone, or was changed since, is left out.
    """
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for judge, kept in rubrics.items():
        template = _loaded(kept.name)
        if template is not None and template.sha256 == kept.sha256:
            found[judge] = {task.name: _prompts(template, task.samples) for task in tasks}
    return found


def _prompts(template: Template, samples: Sequence[Sample]) -> tuple[str, ...]:
    if template.source is not None:  # a stranger's template is filled in a process with limits, one by one
        return (template.text,) * len(samples)
    try:
        question = AnswerQuestion(template)
    except HarnessError:
        return (template.text,) * len(samples)
    messages = [question.messages(sample, SLOT) for sample in samples]
    return tuple("\n\n".join(message.content for message in turns) for turns in messages)


def _loaded(name: str) -> Template | None:
    try:
        return load_template(name, kind="judges")
    except HarnessError:  # a judge of another package may name its variants otherwise
        return None
