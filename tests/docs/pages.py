"""A page of Markdown as a test: its files are written, its commands and its Python are run, their output is as shown.

Markers stand in a comment on the line before a block: ``file: PATH`` writes it, ``not run: REASON`` leaves it out,
``stand-ins: WHAT`` leaves it to `test_stand_ins`, which runs it among models, keys and servers that are none.
"""

import doctest
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunCli

_BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?(?:<!-- not run: (?P<reason>[^>]+) -->\n)?"
    r"(?:<!-- stand-ins: (?P<stand_ins>[^>]+) -->\n)?"
    r"(?P<bare><!-- no newline at the end -->\n)?"
    r"```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, the file it is written to, why it is not run or what it is run with."""

    kind: str
    text: str
    file: str | None
    reason: str | None
    stand_ins: str | None


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in order; fails if a fence is not understood."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(
            kind=match["kind"],
            text=match["text"].removesuffix("\n") if match["bare"] else match["text"],
            file=match["file"],
            reason=match["reason"],
            stand_ins=match["stand_ins"],
        )
        for match in _BLOCK.finditer(text)
    ]
    assert text.count("\n```") == 2 * len(found), "a fence that is not a block"
    return found


def run_page(page: Path, run_cli: RunCli) -> list[Block]:
    """Write every file and run every command of a page, top to bottom, in the current folder; return its blocks."""
    found = blocks(page)
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("HARNESS_LANG", "ja" if page.name.endswith(".ja.md") else "en")
    try:
        _run_blocks(found, page, run_cli)
    finally:
        monkeypatch.undo()
    return found


def _run_blocks(found: list[Block], page: Path, run_cli: RunCli) -> None:
    code = 0
    names: dict[str, Any] = {}
    for block in found:
        if block.reason or block.stand_ins:
            continue
        if block.file:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            continue
        if block.kind == "pycon":
            _run_python(block.text, names, page)
            continue
        if block.kind == "toml":
            tomllib.loads(block.text)
            continue
        if block.kind == "python":
            exec(compile(block.text, page.name, "exec"), names)
            continue
        assert "console" == block.kind, f"a block that nothing runs: {block.text[:60]}"
        for command, shown in commands(block.text):
            if command == "echo $?":
                assert shown == f"{code}\n"
                continue
            program, *arguments = shlex.split(command)
            assert "harness" == program, f"a command that nothing runs: {command}"
            ran = run_cli(*arguments)
            code = ran.code
            check_output(shown, ran.err + ran.out, command)


def _run_python(text: str, names: dict[str, Any], page: Path) -> None:
    """Run a Python session as doctest does; names live on in the page's next one."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(text, names, page.name, str(page), 0)
    assert test.examples, f"a session without a prompt: {text[:60]}"
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=flags)
    failed, _ = runner.run(test, out=said.append, clear_globs=False)
    names.update(test.globs)
    assert not failed, "".join(said)


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that is shown for it."""
    for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def check_output(shown: str, got: str, command: str) -> None:
    """Compare as doctest does: ``...`` stands for anything."""
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if not checker.check_output(shown, got, flags):
        example = doctest.Example(command, shown)
        pytest.fail(f"$ {command}\n{checker.output_difference(example, got, flags)}")
