"""Carrying a job out in front of the user: progress while it runs, and what to do when it is interrupted."""

import shlex
import sys

import click

from harness.cli.progress import ConsoleProgress
from harness.cli.say import say
from harness.engine.execute import execute
from harness.engine.job import Job, Outcome
from harness.locale import tr
from harness.store.store import Store

UNSCORED_EXIT = 3
INTERRUPTED_EXIT = 130


def carry_out(job: Job, store: Store, *, max_cost: float | None) -> Outcome:
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
                names=shlex.join(["harness", *sys.argv[1:]]),
            ),
            err=True,
        )
        raise click.exceptions.Exit(INTERRUPTED_EXIT) from interrupt
