"""Frozen answers to compare with: those of another run, or of a file, taken over by their content."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.codec import digest, sample_digest
from harness.engine.pairing import Anchors
from harness.engine.plan import PlannedModel, plan_digest, plan_requests
from harness.errors import UsageError
from harness.locale import tr
from harness.protocols import AnswerFile
from harness.runs.assemble import open_model
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.unpacking import is_bundle
from harness.types import Generation, ModelSpec, PlannedTask, Request, Sampling

_PREFIX = "anchors:"


def anchors_of(against: str, tasks: Sequence[PlannedTask], runs: str) -> Anchors | None:
    """Return the anchors that ``anchors:RUN_OR_FILE`` names, on the tasks of a run; None for another choice.

    Raises:
        UsageError: nothing is named, or none of its answers is to these tasks.
        HarnessError: the run or file cannot be read.
    """
    if not against.startswith(_PREFIX):
        return None
    source = against.removeprefix(_PREFIX).strip()
    if not source:
        raise UsageError(tr("--pairs anchors: names no run or file."), hint=tr("Write --pairs anchors:RUN_OR_FILE."))
    is_run = is_bundle(source) or RunFolder(runs, source).path.is_dir() or not Path(source).is_file()
    texts = _of_run(source, tasks, runs) if is_run else _of_file(source, tasks)
    if not texts:
        raise UsageError(
            tr("{source} holds no answer to the tasks of this run.", source=source),
            hint=tr("Anchors are answers to the very same tasks, by the same names."),
        )
    requests = [request for request, _ in texts]
    answers = {request.key: Generation(request_key=request.key, text=text) for request, text in texts}
    kept = {task.name: task.samples for task in tasks}
    return Anchors(
        plan=digest(["anchors", plan_digest(tasks, requests)]), samples=kept, requests=tuple(requests), answers=answers
    )


def _of_run(source: str, tasks: Sequence[PlannedTask], runs: str) -> list[tuple[Request, str]]:
    """Return the first answers of another run to samples that are the same."""
    run = load_run(source, runs)
    known = {(task.name, sample.id): sample_digest(sample) for task in run.tasks for sample in task.samples}
    same = {
        (task.name, sample.id)
        for task in tasks
        for sample in task.samples
        if known.get((task.name, sample.id)) == sample_digest(sample)
    }
    found = []
    for request in run.requests:
        text = _text(run.answers, request)
        if request.repeat == 0 and (request.task, request.sample_id) in same and text is not None:
            found.append(_anchor(request, f"{request.model}@{run.name}", request.prompt, text))
    return found


def _of_file(source: str, tasks: Sequence[PlannedTask]) -> list[tuple[Request, str]]:
    """Return the answers of a file, as `outputs:` reads them."""
    label = Path(source).stem
    found: list[tuple[Request, str]] = []
    opened = open_model(ModelSpec(text=f"outputs:{source}", label=label, backend="outputs", target=source))
    for name, backend in opened.items():
        for task in tasks:
            if isinstance(backend, AnswerFile):
                backend.check_ids(task.name, [sample.id for sample in task.samples])
        planned = PlannedModel(label=name, fingerprint=backend.fingerprint, answers_exist=True)
        requests = plan_requests(tasks, [planned], (), sampling=Sampling())
        answers = {one.request_key: one for one in backend.generate(requests)}
        shown = f"{'' if name == label else name.removeprefix(f'{label}/')}@{label}"
        found += [
            (_anchor(request, shown, None, text))
            for request in requests
            if (text := _text(answers, request)) is not None
        ]
    return found


def _text(answers: Mapping[str, Generation], request: Request) -> str | None:
    generation = answers.get(request.key)
    return None if generation is None else generation.text


def _anchor(request: Request, label: str, prompt: str | None, text: str) -> tuple[Request, str]:
    key = digest(["anchor", request.task, request.sample_id, text])
    return (
        Request(
            key=key,
            task=request.task,
            sample_id=request.sample_id,
            model=label,
            prompt=prompt,
            repeat=0,
            rendered=request.rendered,
            sampling=request.sampling,
        ),
        text,
    )
