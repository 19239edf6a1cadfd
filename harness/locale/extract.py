"""Babel's extractor for this program: messages, and the help that commands and options show.

Help needs no `tr`: click keeps it as it was written, and `harness.cli.help` looks it up when it is shown.
"""

import ast
import inspect
import tomllib
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from babel.messages.extract import extract_python

Found = tuple[int, str | None, Any, list[str]]
_SHOWN = {"help", "short_help", "epilog"}  # what click shows of what a command or an option is given
_TABLE = "COMMANDS"  # the lines of `harness --help`, which imports no command


def extract(
    file: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[Found]:
    """Find every text of a Python file that is looked up in the catalogue."""
    yield from extract_python(file, keywords, comment_tags, dict(options))  # type: ignore[arg-type, misc]
    file.seek(0)
    for line, text in sorted(set(_help(ast.parse(file.read())))):
        yield line, None, text, []


def extract_template(file: IO[bytes], *_: object, options: Mapping[str, Any]) -> Iterator[Found]:
    """Find what a template of ours is for, which `harness ls prompts` shows."""
    del options
    yield from _values(file, "purpose", ":")


def extract_recipe(file: IO[bytes], *_: object, options: Mapping[str, Any]) -> Iterator[Found]:
    """Find the summary of a recipe of ours, which `harness ls recipes` shows, and where its values come from."""
    del options
    recipe = tomllib.loads(file.read().decode("utf-8"))
    for message in dict.fromkeys([recipe.get("summary", ""), *recipe.get("sources", {}).values()]):
        if message:
            yield 1, None, message, []


def _values(file: IO[bytes], name: str, sign: str) -> Iterator[Found]:
    for number, line in enumerate(file.read().decode("utf-8").splitlines(), start=1):
        key, found, value = line.partition(sign)
        if found and key.strip() == name:
            yield number, None, value.strip().strip('"'), []
            return


def _help(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(_is_command(item) for item in node.decorator_list):
            text = ast.get_docstring(node)
            if text:
                yield node.lineno, text
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg in _SHOWN and isinstance(keyword.value, ast.Constant) and keyword.value.value:
                    yield keyword.value.lineno, inspect.cleandoc(str(keyword.value.value)).removeprefix("\b\n")
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [_TABLE]:
            yield from ((line.lineno, line.value) for line in _lines(node.value))


def _is_command(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(function, ast.Attribute) and function.attr in {"command", "group"}


def _lines(table: ast.expr) -> Iterator[Any]:
    for value in table.values if isinstance(table, ast.Dict) else []:
        if isinstance(value, ast.Tuple) and isinstance(value.elts[-1], ast.Constant):
            yield value.elts[-1]
