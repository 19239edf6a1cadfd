"""Executing a job in front of the user: progress while it runs, what came of it, how to go on after Ctrl-C."""

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import click

from harness.cli.progress import ConsoleProgress
from harness.cli.say import say
from harness.engine.execute import execute
from harness.engine.job import Job, Outcome
from harness.locale import tr
from harness.protocols import Judge
from harness.runs.folder import RunFolder
from harness.runs.provenance import Invocation
from harness.runs.run import Run
from harness.store.store import Store

UNSCORED_EXIT = 3
INTERRUPTED_EXIT = 130


def command_line() -> str:
    """Return this command as it can be typed again."""
    return shlex.join(["harness", *sys.argv[1:]])


def invocation() -> Invocation:
    """Return this command and the time it is now."""
    return Invocation(command=command_line(), now=datetime.now().astimezone())


def say_note(note: str) -> None:
    """Print on stderr what the user should know."""
    say(tr("Note: {notice}", notice=note), err=True)


def execute_here(job: Job, store: Store, *, max_cost: float | None) -> Outcome:
    """Return what a job ended with.

    Raises:
        Exit: Ctrl-C was pressed, and what is done and how to go on has been said.
    """
    progress = ConsoleProgress()
    try:
        with progress:
            return execute(job, store, progress, max_cost=max_cost)
    except KeyboardInterrupt as interrupt:
        say(
            tr(
                "\nInterrupted. {done} Everything finished is stored; the same command continues:\n  {names}",
                done=progress.done,
                names=command_line(),
            ),
            err=True,
        )
        raise click.exceptions.Exit(INTERRUPTED_EXIT) from interrupt


def say_outcome(run: Run, judges: Sequence[Judge], outcome: Outcome, folder: RunFolder) -> int:
    """Say on stderr what was done, what is missing and how to go on.

    Return how many verdicts of these judges are missing.
    """
    own = {judge.name for judge in judges}
    counts = Counter(run.verdict(item).status for item in run.items if item.judge in own)
    unscored = counts.total() - counts["scored"]
    cost = f" for ${outcome.spent:.4f}" if outcome.spent else ""
    say(
        tr(
            "{generated} answers generated, {judged} judged anew{cost}; files are in {path}/",
            generated=outcome.generated,
            judged=outcome.judged,
            cost=cost,
            path=folder.path,
        ),
        err=True,
    )
    if unscored:
        say(
            tr(
                "{unscored} of {n_verdicts} verdicts are missing ({counts} unscored, {counts_2} "
                "failed); the leaderboard says why. The same command tries them again; --max-unscored N accepts them.",
                unscored=unscored,
                n_verdicts=counts.total(),
                counts=counts["unscored"],
                counts_2=counts["error"],
            ),
            err=True,
        )
    if outcome.out_of_budget:
        say(
            tr(
                "Stopped at the cost limit: ${spent:.4f} was spent. Everything finished is stored; the same "
                "command with a higher --max-cost, or without it, does the rest and nothing twice.",
                spent=outcome.spent,
            ),
            err=True,
        )
    return unscored
