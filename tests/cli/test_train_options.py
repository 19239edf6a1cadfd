"""The options of `harness train`: columns by role, and a command that names no folder of this machine."""

import pytest

from harness.cli.train_options import columns_of, without_folders
from harness.errors import UsageError


def test_columns_by_role() -> None:
    """Pairs as typed; a column's name may hold an equals sign."""
    assert {"input": "question", "answer": "a=b"} == columns_of(("input=question", "answer=a=b"))


@pytest.mark.parametrize("pairs", [("input",), ("=x",), ("input=",), ("input=a", "input=b")])
def test_columns_that_cannot_be(pairs: tuple[str, ...]) -> None:
    """Half a pair, or a role twice."""
    with pytest.raises(UsageError, match="--columns"):
        columns_of(pairs)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--data", "/home/me/secret/a.json"], ["--data", "a.json"]),
        (["--output=/home/me/x"], ["--output=x"]),
        (["--set", "prompt=/x/mine.j2", "--set", "lora_r=8"], ["--set", "prompt=mine.j2", "--set", "lora_r=8"]),
        (["--base", "gguf:/models/m.gguf"], ["--base", "gguf:m.gguf"]),
        (["--against", "exam=/x/y.jsonl"], ["--against", "exam=y.jsonl"]),
    ],
)
def test_no_folder_of_this_machine_is_published(arguments: list[str], shown: list[str]) -> None:
    """A model card and a record of training carry the command."""
    assert shown == without_folders(arguments)
