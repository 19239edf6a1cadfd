"""``harness submit``: the competition's answer file from a run, or a check of one that exists."""

from pathlib import Path

import click

from harness.cli.options import common_options
from harness.cli.say import say
from harness.errors import SubmissionError, UnknownNameError, UnwritableError, UsageError
from harness.locale import tr, trn
from harness.locale.system import system_said
from harness.runs.load import load_run
from harness.runs.run import Run
from harness.specs import load_config
from harness.tables.files import read_bytes
from harness.types import Request
from reports.submission import IDS, SubmittedAnswer, answer_notes, check_submission, submission_text

_COMPETITION = "elyza-tasks-100-tv"
_SHOWN = 30
_LARGEST = 100_000_000  # bytes of a file to check: a hundred answers


@click.command(
    "submit",
    short_help="Write the competition's answer file, or check one.",
    epilog="\b\nExamples:\n  harness submit tv --model adapter:out --output submission.jsonl\n"
    "  harness submit --check submission.jsonl",
)
@click.argument("run", required=False)
@click.option("--model", metavar="LABEL", help="Whose answers.")
@click.option("--prompt", metavar="NAME", help="Under which prompt, if the run has several.")
@click.option("--task", metavar="NAME", help="The task set, if the run has several.  [default: elyza-tasks-100-tv]")
@click.option("--output", metavar="FILE", help="Where the file goes.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")
@click.option("--check", metavar="FILE", help="Check this file, line by line, and write nothing.")
@common_options
def submit(
    *,
    run: str | None,
    model: str | None,
    prompt: str | None,
    task: str | None,
    output: str | None,
    overwrite: bool,
    check: str | None,
    config: str | None,
    store: str | None,
) -> int:
    """Write the 100 answers of one model as the competition's JSONL, or check a file that somebody made."""
    if check is not None:
        if run is not None:
            raise UsageError(tr("--check looks at a file, not at a run."), hint=tr("Leave the run out."))
        return _check(check)
    if run is None or output is None:
        raise UsageError(
            tr("A run and --output FILE are needed, or --check FILE."),
            hint=tr("For example: harness submit RUN --model LABEL --output submission.jsonl"),
        )
    stored = load_run(run, load_config(config).runs, store)
    write_submission(stored, Path(output).expanduser(), model=model, prompt=prompt, task=task, overwrite=overwrite)
    return 0


def write_submission(
    run: Run,
    path: Path,
    *,
    model: str | None = None,
    prompt: str | None = None,
    task: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write the answers of one model as the competition's file, checked, and say what stands out in them.

    Raises:
        HarnessError: they are not one answer, not empty, to each of the ids, or the file cannot be written.
    """
    requests = _requests(run, model, prompt, task)
    answers = _answers(run, requests)
    _refuse_prompts(requests, answers)
    _write(path, submission_text(answers), overwrite=overwrite)
    cut = sum(run.answers[request.key].finish_reason == "length" for request in requests)
    for note in answer_notes(answers, cut):
        say(tr("Note: {note}", note=note), err=True)
    say(
        tr(
            "{output}: {n_answers} answers of {model}, ready to hand in.",
            output=path,
            n_answers=len(answers),
            model=requests[0].model,
        )
    )


def _check(path: str) -> int:
    data = read_bytes(path, most=_LARGEST)
    problems = check_submission(data)
    errors = [problem for problem in problems if problem.is_error]
    for problem in [*errors, *(problem for problem in problems if not problem.is_error)][:_SHOWN]:
        where = f"{path}:{problem.line}" if problem.line is not None else path
        level = tr("error") if problem.is_error else tr("note")
        say(tr("{where}: {level}: {text}", where=where, level=level, text=problem.message))
    if len(problems) > _SHOWN:
        say(tr("... and {n_problems} more.", n_problems=len(problems) - _SHOWN))
    if errors:
        counted = trn("{n} error", "{n} errors", len(errors))
        say(tr("{path}: {errors}; it cannot be handed in like this.", path=path, errors=counted))
        return 1
    say(tr("{path}: {n_ids} answers, ready to hand in.", path=path, n_ids=len(IDS)))
    return 0


def _requests(run: Run, model: str | None, prompt: str | None, task: str | None) -> list[Request]:
    """Return the requests of one row, in plan order.

    Raises:
        HarnessError: there is no such row, or the options leave several.
    """
    tasks = [known.name for known in run.tasks]
    chosen = task or (tasks[0] if len(tasks) == 1 else _COMPETITION)
    if chosen not in tasks:
        raise UnknownNameError(tr("task set in this run"), chosen, tasks)
    requests = [request for request in run.requests if request.task == chosen and request.repeat == 0]
    models = list(dict.fromkeys(request.model for request in requests))
    if model is None and len(models) > 1:
        raise UsageError(tr("The run has several models."), hint=tr("Choose one: --model {models}", models=models[0]))
    if model is not None and model not in models:
        raise UnknownNameError(tr("model label in this run"), model, models)
    requests = [request for request in requests if model in (None, request.model)]
    prompts = list(dict.fromkeys(str(request.prompt) for request in requests))
    if prompt is None and len(prompts) > 1:
        raise UsageError(
            tr("The model answered under several prompts."),
            hint=tr("Choose one: --prompt {prompts}", prompts=prompts[0]),
        )
    if prompt is not None and prompt not in prompts:
        raise UnknownNameError(tr("prompt in this run"), prompt, prompts)
    return [request for request in requests if prompt in (None, request.prompt)]


def _answers(run: Run, requests: list[Request]) -> list[SubmittedAnswer]:
    """Return the answers to hand in.

    Raises:
        HarnessError: they are not one answer, not empty, to each of the ids.
    """
    samples = {(task.name, sample.id): sample for task in run.tasks for sample in task.samples}
    ids = [request.sample_id for request in requests]
    wanted = [str(task_id) for task_id in IDS]
    if sorted(ids) != sorted(wanted):
        missing = [task_id for task_id in wanted if task_id not in ids]
        raise SubmissionError(
            tr(
                "The competition wants the ids {start}-{stop}, and this run has {n_ids} tasks without {missing}.",
                start=IDS.start,
                stop=IDS.stop - 1,
                n_ids=len(ids),
                missing=", ".join(missing[:10]),
            )
            if missing
            else tr(
                "The competition wants the ids {start}-{stop}, and this run has {n_ids} tasks.",
                start=IDS.start,
                stop=IDS.stop - 1,
                n_ids=len(ids),
            ),
            hint=tr(
                "Evaluate all of it: harness eval --task {competition}=FILE, without --limit.", competition=_COMPETITION
            ),
        )
    texts = {}
    for request in requests:
        generation = run.answers.get(request.key)
        texts[request.sample_id] = generation.text if generation is not None and generation.text is not None else ""
    empty = [task_id for task_id in ids if not texts[task_id].strip()]
    if empty:
        raise SubmissionError(
            tr(
                "{n_empty} of {n_ids} answers are missing or empty: tasks {empty}.",
                n_empty=len(empty),
                n_ids=len(ids),
                empty=", ".join(empty[:10]),
            ),
            hint=tr("The same harness eval command asks for missing answers again; an empty one needs another prompt."),
        )
    return [
        SubmittedAnswer(task_id=int(task_id), input=samples[requests[0].task, task_id].input, output=texts[task_id])
        for task_id in ids
    ]


def _refuse_prompts(requests: list[Request], answers: list[SubmittedAnswer]) -> None:
    """Refuse answers that are the prompts themselves, as `echo` gives them.

    Raises:
        SubmissionError: every one of them is.
    """
    prompts = {request.sample_id: request.rendered.text.strip() for request in requests if request.prompt is not None}
    repeated = [
        answer
        for answer in answers
        if answer.output.strip() in (answer.input.strip(), prompts.get(str(answer.task_id)))
    ]
    if len(repeated) == len(answers):
        raise SubmissionError(
            tr("Every answer of {model} is its own prompt: there is nothing to hand in.", model=requests[0].model),
            hint=tr("`echo` tries a run out. Choose another model with --model, or evaluate one."),
        )


def _write(path: Path, text: str, *, overwrite: bool) -> None:
    data = text.encode("utf-8")
    try:
        if not overwrite and path.exists() and path.read_bytes() != data:
            raise UnwritableError(
                tr("{path} is there already, with other content.", path=path),
                hint=tr("Replace it with --overwrite, or choose another file: --output PATH."),
            )
        path.write_bytes(data)
    except OSError as error:
        raise UnwritableError(
            tr("Cannot write {path}: {strerror}.", path=path, strerror=system_said(error)),
            hint=tr("Choose another file: --output PATH."),
        ) from error
