"""What is to be done: requests and judgement keys from specs and samples. Pure: nothing is read, called or timed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.codec import digest, sample_digest
from harness.locale import tr
from harness.templates import Template
from harness.types import Generation, PlannedTask, RenderedPrompt, Request, Sample, Sampling, Scale, Verdict
from harness.unscored import Unscored

_NO_PROMPT = RenderedPrompt(messages=())


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedModel:
    """A model as the plan sees it. ``answers_exist``: ``repeats`` answers a sample come from a file."""

    label: str
    fingerprint: str
    answers_exist: bool = False
    repeats: int = 1


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

    Models whose answers exist already get one request per sample and answer of their file, without prompt.

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
                for repeat in range(model.repeats):
                    requests += (_existing(task.name, sample, model, sampling, repeat) for sample in task.samples)
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
    inputs = [sample.inputs for sample in task.samples]
    return {template.name: template.render_all(inputs) for template in templates}


def _existing(task: str, sample: Sample, model: PlannedModel, sampling: Sampling, repeat: int) -> Request:
    return Request(
        key=digest(["answer", model.fingerprint, task, sample.id, *([repeat] if repeat else [])]),
        task=task,
        sample_id=sample.id,
        model=model.label,
        prompt=None,
        repeat=repeat,
        rendered=_NO_PROMPT,
        sampling=sampling,
    )


def request_key(rendered: RenderedPrompt, sampling: Sampling, model_fingerprint: str, repeat: int) -> str:
    """Return the content key of a request: prompt, sampling, model and repeat, never a label."""
    return digest(["request", rendered, sampling, model_fingerprint, repeat])


def judgement_key(fingerprint: str, sample: str, text: str, *, repeat: int, judge_repeat: int) -> str:
    """Return the content key of a judgement: judge, sample (its `sample_digest`), answer text and both repeats."""
    return digest(["judgement", fingerprint, sample, text, repeat, judge_repeat])


def rating_key(fingerprint: str, row: Sequence[str | None], task: str, sample_id: str, *, repeat: int) -> str:
    """Return the key of a rating that was given to one model's answer to one task, whatever its text.

    ``row``: the model's label and, where ratings name it, the prompt.
    """
    return digest(["rating", fingerprint, *row, task, sample_id, repeat])


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleKey:
    """A sample with its digest, computed once."""

    sample: Sample
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJudge:
    """A judge as the plan sees it.

    ``fingerprint``: all that decides a score, a stranger's code included. ``kind`` and ``scored_by``: as declared.
    ``rates_models``: a score belongs to a model label and a task id, not to a text; ``rates_prompts``: and to a prompt.
    ``repeats``: verdicts per answer. ``version``: the only one of its versions whose verdicts count, None: any.
    """

    name: str
    fingerprint: str
    scale: Scale
    kind: str = "quality"
    scored_by: str | None = None
    rates_models: bool = False
    rates_prompts: bool = False
    repeats: int = 1
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPanel:
    """Several judges of a run that count as one; ``members`` by their names."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLess:
    """A judge that gave a row of a merged run fewer verdicts an answer than others, perhaps none (``repeats`` 0)."""

    judge: str
    task: str
    model: str
    prompt: str | None
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementItem:
    """One verdict to obtain on one request. ``verdict`` is set where none can be given: there is no answer."""

    request: Request
    judge: str
    judge_repeat: int
    key: str
    verdict: Verdict | None = None


def verdict_on(item: JudgementItem, verdicts: Mapping[str, Verdict]) -> Verdict:
    """Return the verdict on one item, of those given by judgement key, or why there is none."""
    return item.verdict or verdicts.get(item.key) or Verdict.unscored(Unscored("not_judged", tr("not judged")))


def judgement_items(
    request: Request,
    generation: Generation | None,
    sample: SampleKey,
    judges: Sequence[PlannedJudge],
) -> Iterator[JudgementItem]:
    """Yield the verdicts to obtain on one answer."""
    missing = None if generation is not None and generation.text is not None else _no_answer(generation)
    text = generation.text if generation is not None and generation.text is not None else ""
    for judge in judges:
        for judge_repeat in range(judge.repeats):
            if judge.rates_models:
                row = (request.model, request.prompt) if judge.rates_prompts else (request.model,)
                key = rating_key(judge.fingerprint, row, request.task, request.sample_id, repeat=request.repeat)
            else:
                key = judgement_key(
                    judge.fingerprint, sample.digest, text, repeat=request.repeat, judge_repeat=judge_repeat
                )
            yield JudgementItem(request=request, judge=judge.name, judge_repeat=judge_repeat, key=key, verdict=missing)


def items_of(
    tasks: Sequence[PlannedTask],
    requests: Sequence[Request],
    answers: Mapping[str, Generation],
    judges: Sequence[PlannedJudge],
    asked: Sequence[AskedLess] = (),
) -> Iterator[JudgementItem]:
    """Yield the verdicts to obtain on all answers (by request key), in plan order; ``asked`` says where fewer are."""
    samples = sample_keys(tasks) if judges else {}
    repeats = {(one.judge, one.task, one.model, one.prompt): one.repeats for one in asked}
    for request in requests if judges else ():
        for item in judgement_items(
            request, answers.get(request.key), samples[request.task, request.sample_id], judges
        ):
            most = repeats.get((item.judge, request.task, request.model, request.prompt))
            if most is None or item.judge_repeat < most:
                yield item


def sample_keys(tasks: Sequence[PlannedTask]) -> dict[tuple[str, str], SampleKey]:
    """Return every sample with its digest, by task name and sample id."""
    return {
        (task.name, sample.id): SampleKey(sample=sample, digest=sample_digest(sample))
        for task in tasks
        for sample in task.samples
    }


def plan_digest(tasks: Sequence[PlannedTask], requests: Sequence[Request]) -> str:
    """Return the digest under which a run's samples and requests are stored."""
    return digest(
        [
            [[task.name, task_hash(task.samples)] for task in tasks],
            [[row.key, row.task, row.sample_id, row.model, row.prompt, row.repeat] for row in requests],
        ]
    )


def _no_answer(generation: Generation | None) -> Verdict:
    if generation is None:
        return Verdict.unscored(Unscored("not_generated", tr("no answer was generated")))
    if generation.finish_reason == "error":
        return Verdict.unscored(Unscored("generation_failed", tr("generation failed: {error}", error=generation.error)))
    return Verdict.unscored(Unscored("no_answer", generation.error or tr("no answer")))
