"""Carrying a job out in front of the user: progress while it runs, and what to do when it is interrupted."""

import shlex
import sys

import click

from harness.cli.progress import ConsoleProgress
from harness.engine.execute import execute
from harness.engine.job import Job, Outcome
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
        click.echo(
            f"\nInterrupted. {progress.done} Everything finished is stored; the same command continues:\n"
            f"  {shlex.join(['harness', *sys.argv[1:]])}",
            err=True,
        )
        raise click.exceptions.Exit(INTERRUPTED_EXIT) from interrupt
