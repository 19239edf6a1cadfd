"""``harness show``: one task in the terminal, with every answer, score and reason."""

from collections.abc import Sequence

import click

from harness.cli.options import common_options
from harness.cli.say import language, say
from harness.errors import UnknownNameError
from harness.locale import tr, trn
from harness.runs.boards import view_of
from harness.runs.load import load_run
from harness.runs.run import Run
from harness.specs import load_config
from harness.types import PlannedTask, Sample
from reports.run_view import ShownAnswer
from reports.terminal import task_text
from reports.wording import words


@click.command(
    "show",
    short_help="Print one task of a run with its answers, scores and reasons.",
    epilog="Example: harness show demo --task-id 31 --model base",
)
@click.argument("run")
@click.option("--task-id", metavar="ID", required=True, help="Which task.")
@click.option("--task", metavar="NAME", help="The task set, if several have this id.")
@click.option("--model", "models", metavar="LABEL", multiple=True, help="Only this model; may be repeated.")
@click.option("--judge", "judges", metavar="NAME", multiple=True, help="Only this judge; may be repeated.")
@click.option(
    "--top", type=click.IntRange(min=1), default=10, show_default=True, metavar="N", help="Only the N best answers."
)
@common_options
def show(
    *,
    run: str,
    task_id: str,
    task: str | None,
    models: tuple[str, ...],
    judges: tuple[str, ...],
    top: int,
    config: str | None,
    store: str | None,
) -> None:
    """Print what a task of a finished run asked, and what each model answered; RUN is a name or a folder.

    Of more than ten answers those with the highest scores are shown; --top shows more, --model chooses.
    """
    stored = load_run(run, load_config(config).runs, store)
    planned, sample = _sample(stored, task_id, task)
    known = list(dict.fromkeys(request.model for request in stored.requests if request.task == planned.name))
    for model in models:
        if model not in known:
            raise UnknownNameError(tr("model label in this run"), model, known)
    answers = [
        answer
        for answer in view_of(stored, judges=judges).answers
        if (answer.task, answer.sample_id) == (planned.name, sample.id) and (not models or answer.row.model in models)
    ]

    shown = answers if models else _best(answers, top)

    def heading(text: str) -> str:
        return click.style(text, bold=True)

    say(task_text(planned.name, sample, shown, words(language()), heading=heading), nl=False)
    if len(shown) < len(answers):
        say(
            tr(
                "{shown} of {answers} are shown: --top {n} shows all, --model LABEL one model's.",
                shown=len(shown),
                answers=trn("{n} answer", "{n} answers", len(answers)),
                n=len(answers),
            ),
            err=True,
        )


def _best(answers: Sequence[ShownAnswer], top: int) -> Sequence[ShownAnswer]:
    """Return the answers with the highest scores, in the order of the run; all if there are no more."""
    best = sorted(answers, key=_place)[:top]
    return [answer for answer in answers if any(answer is one for one in best)]


def _place(answer: ShownAnswer) -> tuple[bool, float]:
    """Return where an answer stands: by its first judge's scores, unscored last."""
    first = next(iter(answer.verdicts.values()), ())
    scores = [verdict.score for verdict in first if verdict.score is not None]
    return not scores, -sum(scores) / max(1, len(scores))


def _sample(run: Run, task_id: str, name: str | None) -> tuple[PlannedTask, Sample]:
    """Return the first sample with this id.

    Raises:
        UnknownNameError: the run has no such task set, or the set no such id.
    """
    if name is not None and name not in [task.name for task in run.tasks]:
        raise UnknownNameError(tr("task set in this run"), name, [task.name for task in run.tasks])
    tasks = [task for task in run.tasks if name in (None, task.name)]
    for task in tasks:
        for sample in task.samples:
            if sample.id == task_id:
                return task, sample
    ids = [sample.id for task in tasks for sample in task.samples]
    raise UnknownNameError(
        tr("task in this run"), task_id, ids, hint=tr("The ids run from {ids} to {ids_2}.", ids=ids[0], ids_2=ids[-1])
    )
