"""``harness eval``: from specs to a leaderboard."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import click

from harness.cli.board import board_on_screen
from harness.cli.closing import say_closing
from harness.cli.dry_run import dry_run_report
from harness.cli.execution import UNSCORED_EXIT, Allowance, invocation, limit_judges, rounds, say_note, say_outcome
from harness.cli.machine import machine_needs
from harness.cli.options import FiniteRange, call_limits, common_options, evaluation_options, pace_options
from harness.cli.pairing import Comparing, pairs_of_plan, pairs_option, take_pairs
from harness.cli.repeats import say_repeats
from harness.cli.say import say
from harness.cli.waiting import LOADING, Waiting
from harness.engine.job import Outcome
from harness.engine.looks import Looks
from harness.errors import UsageError
from harness.locale import tr
from harness.notices import about, as_notice
from harness.protocols import GivesNotices
from harness.runs.assemble import Evaluation
from harness.runs.finish import check_names, check_plan, finish_in_folder
from harness.runs.folder import RESULTS, RunFolder, new_run
from harness.runs.grown import with_earlier_looks
from harness.runs.looks import carried_out, looks_for
from harness.runs.manifest import PromptTest
from harness.runs.open_evaluation import OpenedEvaluation, open_evaluation
from harness.runs.run import Run
from harness.runs.spreading import Gpus, spread
from harness.runs.version_anchors import as_held_before
from harness.specs import load_config
from harness.store.mirror import mirrored_store
from harness.tasks.seal import DEFAULT_SHARE

_GUESSED = {"base_not_recorded", "base_as_given"}  # what hours on the wrong base would follow from


@click.command(
    "eval",
    short_help="Evaluate models on tasks and write a leaderboard.",
    epilog="Example: harness eval --task bundled:ja-mini --model echo --judge rules",
)
@evaluation_options
@pace_options
@pairs_option
@click.option("--baseline", metavar="LABEL", help="The model others are compared with.  [default: base, or the first]")
@click.option(
    "--panel", "panels", metavar="JUDGE,JUDGE|NAME", multiple=True, help="Judges that count as one; may be repeated."
)
@click.option(
    "--seal",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    is_flag=False,
    flag_value=DEFAULT_SHARE,
    metavar="[SHARE]",
    help="Keep this share of each task set for one final claim.  [default: 0.5]",
)
@click.option(
    "--looks", type=click.IntRange(min=2, max=10), metavar="K", help="Look K times, and stop what is settled."
)
@click.option("--halving", is_flag=True, help="Many candidates on few tasks, the better half of them on more.")
@click.option("--open-seal", is_flag=True, help="Judge the sealed tasks, for the final claim.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of the leaderboard.")
@common_options
def evaluate(
    *,
    config: str | None,
    store: str | None,
    run_name: str | None,
    max_unscored: int,
    max_cost: float | None,
    wait: bool,
    batch: bool,
    gpus: Gpus,
    processes: int | None,
    allow_prompt_mismatch: bool,
    overwrite: bool,
    dry_run: bool,
    seal: float | None,
    open_seal: bool,
    looks: int | None,
    halving: bool,
    as_json: bool,
    pairs: str | None,
    **options: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Evaluate every model under every prompt on every task by every judge, and write a leaderboard.

    Finished work is kept: the same command continues an interrupted run, and a changed one does only what is new. A run
    keeps the judges it had; one of the same name with other models, tasks or prompts is not replaced unless told so.

    Every candidate tried on a task set is counted (harness history). --seal keeps a part of the tasks away from all
    boards, until --open-seal judges it for the adapter that you settled on.
    """
    settings = load_config(config)
    options, asked_pairs = take_pairs(options, pairs, settings)
    if open_seal and seal is not None:
        raise UsageError(
            tr("--seal and --open-seal were both given."),
            hint=tr("Seal first, try adapters on the open tasks, and open the seal at the end."),
        )
    with Waiting(LOADING, after=1.0):
        opened = open_evaluation(
            settings,
            options | {"gpus": 0 if dry_run or processes else gpus},
            date=invocation().date,
            store=store,
            run_name=run_name,
            allow_prompt_mismatch=allow_prompt_mismatch,
            seal=seal,
            open_seal=open_seal,
        )
    evaluation = opened.evaluation
    limit_judges(evaluation.job.judges, call_limits(options))
    folder = new_run(settings.runs, evaluation.name)
    evaluation = as_held_before(evaluation, folder)
    check_plan(evaluation, folder, overwrite=overwrite)
    check_names(opened.asked, evaluation, folder)
    planned = looks_for(evaluation, looks=looks, halving=halving)
    if planned is None:
        evaluation = with_earlier_looks(evaluation, settings.runs)
    if dry_run:
        say_notices(evaluation)
        work = pairs_of_plan(evaluation, asked_pairs, settings, opened.url)
        say(dry_run_report(evaluation, opened.url, as_json=as_json, pairs=work))
        return 0
    return run_evaluation(
        replace(opened, evaluation=evaluation),
        folder,
        Allowance(max_cost=max_cost, wait=wait, batch=batch, gpus=gpus, processes=processes),
        looks=planned,
        max_unscored=max_unscored,
        overwrite=overwrite,
        comparing=None if asked_pairs is None else Comparing(asked_pairs, settings),
        show=lambda run: folder.read(RESULTS) if as_json else board_on_screen(run, folder),
    )


def run_evaluation(
    opened: OpenedEvaluation,
    folder: RunFolder,
    allowance: Allowance,
    *,
    looks: Looks | None = None,
    max_unscored: int = 0,
    overwrite: bool = False,
    test: PromptTest | None = None,
    comparing: Comparing | None = None,
    show: Callable[[Run], str | None],
) -> int:
    """Carry an evaluation out, write its files, print what ``show`` then returns, and return the exit code."""
    run, outcome = carry_out(
        opened, folder, allowance, looks=looks, overwrite=overwrite, test=test, comparing=comparing
    )
    say(show(run), nl=False)
    unscored = say_outcome(run, opened.evaluation.job.judges, outcome, folder)
    unscored += 0 if comparing is None else comparing.missing
    say_closing(run, folder)
    return UNSCORED_EXIT if unscored > max_unscored else 0


def carry_out(
    opened: OpenedEvaluation,
    folder: RunFolder,
    allowance: Allowance,
    *,
    looks: Looks | None = None,
    overwrite: bool = False,
    test: PromptTest | None = None,
    comparing: Comparing | None = None,
) -> tuple[Run, Outcome]:
    """Carry an evaluation out and write its files; return the run, and what was done for it.

    ``looks``: stop on the way what is settled. ``test``: an A/B test that the run gets; one that it has stays.
    ``comparing``: judges of pairs, which come last.
    """
    evaluation = opened.evaluation
    machine_needs(evaluation.job, opened.url)  # what cannot fit is refused before anything is made
    tell = partial(say, err=True)
    with spread(evaluation.job, opened.url, gpus=allowance.gpus, processes=allowance.processes) as spreads:
        folder.create()
        say_notices(evaluation)
        say_repeats(evaluation.job, opened.url)
        with mirrored_store(opened.url, opened.mirror, tell=tell) as rows:
            opened.sealing.write(rows)
            for done, outcome in carried_out(
                evaluation,
                rows,
                looks,
                lambda job, left: rounds(spreads(job), rows, max_cost=left, wait=allowance.wait, batch=allowance.batch),
                invocation=invocation(),
                max_cost=allowance.max_cost,
                tell=tell,
            ):
                run = finish_in_folder(
                    done, outcome, rows, folder, invocation=invocation(), tell=tell, overwrite=overwrite, test=test
                )
            if comparing is not None:
                run = comparing.of(run, rows, folder, allowance.after(outcome))
    return run, outcome


def say_notices(evaluation: Evaluation) -> None:
    """Print on stderr what the user should know before the work begins: which base was guessed, above all."""
    for notice in evaluation.notices:
        say_note(notice)
    for label, backend in evaluation.job.models.items():
        for notice in map(as_notice, backend.notices() if isinstance(backend, GivesNotices) else ()):
            if notice.code in _GUESSED:
                say_note(about(label, notice))
