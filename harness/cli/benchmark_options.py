"""The options that say what must not be trained on, for every command that makes training data or trains."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from harness.cli.options import FiniteRange
from trainers.data.near_duplicates import DEFAULT_NEAR

F = TypeVar("F", bound=Callable[..., Any])


def benchmark_options(command: F) -> F:
    """Add ``--against`` and ``--near``: what must not be trained on, and how near is too near."""
    near = click.option(
        "--near",
        type=FiniteRange(min=0, max=1, min_open=True),
        metavar="SHARE",
        default=DEFAULT_NEAR,
        show_default=True,
        help="Refuse what shares this much with a benchmark's task, in character trigrams; 1: only what equals one.",
    )
    against = click.option(
        "--against", metavar="TASK|PATH", multiple=True, help="Refuse what is a task of this set, too; may be repeated."
    )
    return against(near(command))
