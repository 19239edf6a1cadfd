"""Help in Japanese: whole, wrapped by columns, and the English one untouched."""

import re

import click
import pytest

from harness.cli.main import COMMANDS, cli
from harness.cli.table import columns
from tests.conftest import RunCli


@pytest.mark.parametrize(
    "command", [(), *((name,) for name in COMMANDS), ("rate", "import"), ("rate", "page"), ("prompt", "lint")]
)
def test_help_is_japanese(command: tuple[str, ...], run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sentence is left in English, and no line is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    shown = run_cli("--lang", "ja", *command, "--help").out
    assert "使い方: harness" in shown
    assert "この説明を表示して終わる" in shown
    assert [] == [line for line in shown.splitlines() if re.search(r"[a-z]{2,} [a-z]+ [a-z]{2,}", line) and
                  not re.search(r"harness |GIB|[ぁ-ん]", line)]  # fmt: skip
    assert [] == [line for line in shown.splitlines() if columns(line) > 80 and "harness " not in line]


def test_the_english_help_stays(run_cli: RunCli) -> None:
    """Showing a command in Japanese changes nothing of the command itself."""
    before = run_cli("show", "--help").out
    run_cli("--lang", "ja", "show", "--help")
    assert before == run_cli("show", "--help").out
    assert "Print what a task" in before


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summaries_are_those_of_the_commands(name: str) -> None:
    """The table of `harness --help`, which imports no command, says what the command says of itself."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert COMMANDS[name][1] == command.short_help
