"""Options that several commands share."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _set_up_logging(_ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    logging.basicConfig(level=logging.INFO if value else logging.CRITICAL, format="%(levelname)s %(name)s: %(message)s")


def common_options(command: F) -> F:
    """Add ``--config``, ``--store`` and ``--debug``."""
    for option in (
        click.option("--debug", is_flag=True, expose_value=False, callback=_set_up_logging, help="Show tracebacks."),
        click.option("--store", metavar="URL", help="Where rows live.  [default: sqlite:///runs/store.sqlite]"),
        click.option("--config", metavar="PATH", help="Configuration.  [default: harness.toml if it is here]"),
    ):
        command = option(command)
    return command
