"""What must not be trained on is asked for alike wherever data is made or trained on."""

import click
import pytest
from click.testing import CliRunner

from harness.cli.benchmark_options import benchmark_options
from harness.cli.pairs import pairs
from harness.cli.train import train


@pytest.mark.parametrize("command", [train, pairs], ids=lambda command: command.name)
def test_both_commands_have_the_same_two_options(command: click.Command) -> None:
    """Name, default, range and words."""

    @click.command
    @benchmark_options
    def alone(**given: object) -> None:
        click.echo(sorted(given.items()))

    own = {option.name: option.to_info_dict() for option in command.params}
    assert {"against", "near"} == {option.name for option in alone.params}
    for option in alone.params:
        assert own[option.name] == option.to_info_dict()
    assert (
        "[('against', ('a', 'b')), ('near', 0.45)]\n"
        == CliRunner().invoke(alone, ["--against", "a", "--against", "b"]).output
    )
    assert 2 == CliRunner().invoke(alone, ["--near", "0"]).exit_code
