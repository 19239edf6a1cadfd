"""`--store` is understood, and refused, by every command alike."""

import click
import pytest

from harness.cli.main import COMMANDS, cli
from tests.conftest import RunCli


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        found += [(name, one) for one in command.commands] if isinstance(command, click.Group) else [(name,)]
    return found


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense://x", "The store must be a SQLite file, not 'nonsense://x'."),
        ("mysql://somebody:secret@h/db", "The store must be a SQLite file, not 'mysql://somebody:***@h/db'."),
        ("sqlite:///:memory:", "The store must be a SQLite file, not 'sqlite:///:memory:'."),
        ("", "'' names no file for the store."),
    ],
)
def test_what_is_no_store_is_refused_everywhere(run_cli: RunCli, command: tuple[str, ...], url: str, said: str) -> None:
    """The same sentence and exit code, whether the command would have used it or not."""
    ran = run_cli(*command, "--store", url)
    assert (1, "", f"Error: {said}\nHint: Write sqlite:///PATH/TO/store.sqlite.\n") == (ran.code, ran.out, ran.err)
