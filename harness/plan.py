"""What is to be done: requests and judgement keys from specs and samples. Pure: nothing is read, called or timed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.codec import digest
from harness.templates import Template
from harness.types import RenderedPrompt, Request, Sample, Sampling

_NO_PROMPT = RenderedPrompt(messages=())


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedModel:
    """A model as the plan sees it. ``answers_exist``: its answers come from a file, whatever the prompt."""

    label: str
    fingerprint: str
    answers_exist: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """A task's name with the samples to run, in order."""

    name: str
    samples: tuple[Sample, ...]


def task_hash(samples: Sequence[Sample]) -> str:
    """Return the sha256 of a task's content: equal for LF and CRLF copies, in whatever lines the file was laid out."""
    return digest(list(samples))


def plan_requests(
    tasks: Sequence[PlannedTask],
    models: Sequence[PlannedModel],
    templates: Sequence[Template],
    *,
    sampling: Sampling,
    repeats: int = 1,
) -> list[Request]:
    """Return every answer to obtain, ordered by task, model, prompt, repeat and sample.

    Models whose answers exist already get one request per sample, without prompt and without repeats.

    Raises:
        HarnessError: a template cannot be filled with a task's columns.
    """
    if sampling.temperature == 0:
        sampling = replace(sampling, seed=0)  # greedy decoding has no seed: a new one must not regenerate anything
    requests: list[Request] = []
    for task in tasks:
        rendered = _render(task, templates) if any(not model.answers_exist for model in models) else {}
        for model in models:
            if model.answers_exist:
                requests += (_existing(task.name, sample, model, sampling) for sample in task.samples)
                continue
            for template in templates:
                for repeat in range(repeats):
                    requests += (
                        Request(
                            key=request_key(prompt, sampling, model.fingerprint, repeat),
                            task=task.name,
                            sample_id=sample.id,
                            model=model.label,
                            prompt=template.name,
                            repeat=repeat,
                            rendered=prompt,
                            sampling=sampling,
                        )
                        for sample, prompt in zip(task.samples, rendered[template.name], strict=True)
                    )
    return requests


def _render(task: PlannedTask, templates: Sequence[Template]) -> dict[str, list[RenderedPrompt]]:
    return {template.name: [template.render(sample.inputs) for sample in task.samples] for template in templates}


def _existing(task: str, sample: Sample, model: PlannedModel, sampling: Sampling) -> Request:
    return Request(
        key=digest(["answer", model.fingerprint, task, sample.id]),
        task=task,
        sample_id=sample.id,
        model=model.label,
        prompt=None,
        repeat=0,
        rendered=_NO_PROMPT,
        sampling=sampling,
    )


def request_key(rendered: RenderedPrompt, sampling: Sampling, model_fingerprint: str, repeat: int) -> str:
    """Return the content key of a request: prompt, sampling, model and repeat, never a label."""
    return digest(["request", rendered, sampling, model_fingerprint, repeat])


def sample_digest(sample: Sample) -> str:
    """Return the sha256 of all that a judge may look at in a sample."""
    return digest([sample.inputs, sample.reference, sample.criteria, sample.rules])


def judgement_key(fingerprint: str, sample: str, text: str, *, repeat: int, judge_repeat: int) -> str:
    """Return the content key of a judgement: judge, sample (its `sample_digest`), answer text and both repeats."""
    return digest(["judgement", fingerprint, sample, text, repeat, judge_repeat])


def rating_key(fingerprint: str, model: str, sample_id: str, *, repeat: int) -> str:
    """Return the key of a rating that was given to one model's answer to one task, whatever its text."""
    return digest(["rating", fingerprint, model, sample_id, repeat])
