"""`--store` is understood, and refused, by every command alike."""

import click
import pytest

from harness.cli.main import COMMANDS, cli
from tests.conftest import RunCli

KINDS = "SQLite file or a PostgreSQL database"
SERVER = "A store in PostgreSQL is reached with psycopg"
FILE = "sqlite:///PATH/TO/store.sqlite"
URL = "postgresql+psycopg://USER@HOST/DATABASE"
BOTH = f"{FILE}, or {URL}"


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        found += [(name, one) for one in command.commands] if isinstance(command, click.Group) else [(name,)]
    return found


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
@pytest.mark.parametrize(
    ("url", "said", "hint"),
    [
        ("nonsense://x", f"The store must be a {KINDS}, not 'nonsense://x'.", BOTH),
        ("mysql://somebody:secret@h/db", f"The store must be a {KINDS}, not 'mysql://somebody:***@h/db'.", BOTH),
        ("sqlite:///:memory:", "The store must be a SQLite file, not 'sqlite:///:memory:'.", FILE),
        ("", "'' names no file for the store.", FILE),
        ("postgresql+asyncpg://me:secret@h/db", f"{SERVER}, not as 'postgresql+asyncpg://me:***@h/db'.", URL),
        ("postgresql+psycopg://me:secret@h", "'postgresql+psycopg://me:***@h' names no database.", URL),
    ],
)
def test_what_is_no_store_is_refused_everywhere(
    run_cli: RunCli, command: tuple[str, ...], url: str, said: str, hint: str
) -> None:
    """The same sentence and exit code, whether the command would have used it or not."""
    ran = run_cli(*command, "--store", url)
    assert (1, "", f"Error: {said}\nHint: Write {hint}.\n") == (ran.code, ran.out, ran.err.replace("\n  ", " "))
