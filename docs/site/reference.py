"""The pages of the reference, made from the program itself whenever the site is built: they cannot go stale.

What a field means is in fields.toml, in both languages; a test fails where a field lacks words, or words their field.
"""

import ast
import dataclasses
import inspect
import json
import os
import re
import tempfile
import tomllib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import click

import harness
from harness import protocols
from harness.cli.main import COMMANDS, cli
from harness.cli.say import said, speak
from harness.locale import Language, tr
from harness.pairs.settings import PairSettings
from harness.remote.settings import GeminiSettings, OpenAISettings, RemoteSettings
from harness.specs import Config, TaskTable
from judges.local import LocalSettings

FIELDS = Path(__file__).resolve().parent / "fields.toml"
_JAPANESE_LINE = re.compile(r"(?<=[、-〿ぁ-ヿ一-鿿！-～])\n(?=[「『（【〈ぁ-ヿ一-鿿])")
_SECTIONS = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):\n((?:    .*\n?|\n)+)", re.MULTILINE)
# Table of harness.toml, and the record that reads it. A key of the whole file whose record is known is a table, too.
TABLES: tuple[tuple[str, type], ...] = (
    ("", Config),
    *((name, kind) for name, kind in typing.get_type_hints(Config).items() if dataclasses.is_dataclass(kind)),
    ("tasks.NAME", TaskTable),
    ("judges.gemini", RemoteSettings),
    ("judges.gemini (2)", GeminiSettings),
    ("judges.openai", OpenAISettings),
    ("judges.pairwise", PairSettings),
    ("judges.local", LocalSettings),
)
_OWN_PLACE = {"models", "judges", "tasks", *(name for name, _ in TABLES)}  # keys that are tables, told apart below


def pages(language: Language) -> dict[str, str]:
    """Return the text of each page by its name."""
    before = os.environ.get("LANGUAGE")
    speak(language)
    try:
        return {
            **commands(language),
            "reference/configuration": configuration(language),
            "reference/results": results(language),
            "reference/plugins": plugins(language),
            "reference/python": python(language),
        }
    finally:
        speak("en")
        os.environ.pop("LANGUAGE", None) if before is None else os.environ.update(LANGUAGE=before)


@cache
def words() -> dict[str, dict[str, str]]:
    """Return what fields mean: by ``area.field``, in each language."""
    return tomllib.loads(FIELDS.read_text(encoding="utf-8"))


def _meaning(key: str, language: Language) -> str:
    return words().get(key, {}).get(language, "")


def _text(name: str, language: Language) -> str:
    return words()[f"page.{name}"][language]


# --- commands


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that can be typed, in the chosen language: ``rate export`` and its kin under their group."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            for part, inner in command.commands.items():
                yield f"{name} {part}", inner


def commands(language: Language) -> dict[str, str]:
    """Return a page for each command, and one that lists them."""
    found: dict[str, list[str]] = {}
    rows = []
    for name, command in leaves():
        page = name.partition(" ")[0]
        context = click.Context(command, info_name=f"harness {name}")
        found.setdefault(page, []).append(_command(name, command, context))
        if name == page:
            rows.append(f"| [`harness {name}`](commands/{name}.md) | {said(tr(COMMANDS[name][1]))} |")
    table = "\n".join(["| | |", "|---|---|", *rows])
    toctree = "\n".join(["```{toctree}", ":hidden:", "", *(f"commands/{name}" for name in found), "```"])
    made = {f"reference/commands/{name}": "\n\n".join(parts) + "\n" for name, parts in found.items()}
    title, rest = _text("commands", language).split("\n", 1)
    return {**made, "reference/commands": f"# {title}\n{rest}\n\n{table}\n\n{toctree}\n"}


def _command(name: str, command: click.Command, context: click.Context) -> str:
    level = "#" if " " not in name else "##"
    pieces = [f"{level} harness {name}", f"```text\n{' '.join(command.collect_usage_pieces(context))}\n```"]
    pieces[1] = pieces[1].replace("```text\n", f"```text\nharness {name} ")
    pieces.append(_prose(command.help or ""))
    if command.epilog:
        pieces.append(_prose(command.epilog))
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            record = parameter.get_help_record(context)
            if record is not None:
                pieces.append(f"`{record[0]}`\n: {_prose(record[1]) or '—'}")
    if isinstance(command, click.Group):
        pieces += [f"- `harness {name} {part}`: {inner.short_help or ''}" for part, inner in command.commands.items()]
    return "\n\n".join(piece for piece in pieces if piece)


def _prose(text: str) -> str:
    """Return help as Markdown: paragraphs, and signs that would mean something as they stand."""
    text = inspect.cleandoc(text.replace("\b\n", "").replace("\b", ""))
    parts = re.split(r"(`[^`]*`)", re.sub(r"(?<!\n)\n(?!\n)", " ", _JAPANESE_LINE.sub("", text)))
    return "".join(part if place % 2 else re.sub(r"([*_<>\[\]|{}])", r"\\\1", part) for place, part in enumerate(parts))


# --- harness.toml


def config_keys() -> Iterator[tuple[str, str, str, str]]:
    """Yield the table, the key, its type and its default, for every key of harness.toml."""
    seen: set[str] = set()
    for table, record in TABLES:
        shown = table.removesuffix(" (2)")
        for field in dataclasses.fields(record):
            if (not table and field.name in _OWN_PLACE) or (
                issubclass(record, RemoteSettings) and record is not RemoteSettings and field.name in seen
            ):
                continue
            if record is RemoteSettings:
                seen.add(field.name)
            yield shown, field.name, _type(typing.get_type_hints(record)[field.name]), _default(field)
    yield "judges.panel.NAME", "members", "list", ""
    yield "models", "base", "str", "llm-jp/llm-jp-3-13b"
    for name in _local_settings():
        yield "models.hf", name, "", ""


def _local_settings() -> tuple[str, ...]:
    """Return the keys of ``[models.hf]``, read without importing torch."""
    source = (Path(harness.__file__).parent / "models" / "hf" / "open_model.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_SETTINGS":
            return tuple(ast.literal_eval(node.value))
    raise LookupError("open_model.py has no _SETTINGS")


def configuration(language: Language) -> str:
    """Return the page on harness.toml."""
    title, rest = _text("configuration", language).split("\n", 1)
    lines, last = [f"# {title}", rest], None
    for table, key, kind, default in sorted(config_keys(), key=lambda row: _table_order(row[0])):
        if table != last:
            lines.append(f"\n## {f'`[{table}]`' if table else _text('top-level', language)}\n")
            last = table
        lines.append(_field(key, kind, default, _meaning(f"config.{table}.{key}", language)))
    return "\n".join(lines) + "\n\n" + _text("environment", language) + "\n"


def _field(name: str, kind: str, value: str, meaning: str) -> str:
    """Return a field with its type and its default or an example, and below it what it means: for narrow screens."""
    parts = [f"`{name}`", *([f"*{kind}*"] if kind else []), *([f"`{value}`"] if value else [])]
    return f"{' · '.join(parts)}\n: {meaning or '—'}\n"


def _table_order(table: str) -> int:
    order = ["", "models", "models.hf", *(name for name, _ in TABLES if name), "judges.panel.NAME"]
    return order.index(table)


def _type(kind: Any) -> str:  # noqa: ANN401 - a type, or what stands for one
    if isinstance(kind, tuple):
        return " / ".join(_type(part) for part in kind)
    if typing.get_origin(kind) is typing.Annotated:
        return _type(typing.get_args(kind)[0])
    if typing.get_origin(kind) is typing.Literal:
        return " / ".join(json.dumps(value) for value in typing.get_args(kind))
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        return " / ".join(_type(part) for part in typing.get_args(kind) if part is not type(None))
    if isinstance(typing.get_origin(kind), type) and issubclass(typing.get_origin(kind), Mapping):
        return "table"
    return str(getattr(kind, "__name__", kind))


def _default(field: "dataclasses.Field[Any]") -> str:
    if field.default is not dataclasses.MISSING and field.default is not None:
        return json.dumps(field.default) if isinstance(field.default, str | int | float | bool) else repr(field.default)
    return ""


# --- results.json


@cache
def example_results() -> dict[str, Any]:
    """Return the results.json of a small evaluation, made now."""
    tasks = [{"input": f"質問{n}", "output": f"答え{n}", "tags": ["a"]} for n in range(8)]
    answers = [
        {"model": model, "task_id": n, "output": f"答え{n}" if n % 3 or model == "new" else "別のもの"}
        for model in ("base", "new")
        for n in range(8)
    ]
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="ja-harness-docs-") as folder:
        os.chdir(folder)
        try:
            for name, rows in (("t.jsonl", tasks), ("a.jsonl", answers)):
                Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            run = harness.evaluate(models=["outputs:a.jsonl"], tasks=["t=t.jsonl"], judges=["reference"], run="example")
            run.save("runs/example")
            return dict(json.loads(Path("runs/example/results.json").read_text(encoding="utf-8")))
        finally:
            os.chdir(here)


def result_fields() -> Iterator[tuple[str, str, object]]:
    """Yield the section, the field and an example, for every field of results.json."""
    document = example_results()
    for name, value in document.items():
        yield "", name, value if not isinstance(value, list | dict) else ...
    for section in ("rows", "comparisons", "plans", "notices"):
        for name, value in (document[section] or [{}])[0].items():
            yield section, name, value if not isinstance(value, list | dict) else ...


def results(language: Language) -> str:
    """Return the page on results.json."""
    title, rest = _text("results", language).split("\n", 1)
    lines, last = [f"# {title}", rest], None
    for section, name, value in result_fields():
        if section != last:
            lines.append(f"\n## {f'`{section}`' if section else _text('top-level', language)}\n")
            last = section
        shown = "" if value is ... or value is None else json.dumps(value, ensure_ascii=False)[:40]
        lines.append(_field(name, "", shown, _meaning(f"results.{section}.{name}", language)))
    return "\n".join(lines) + "\n"


# --- plugins and Python


def plugins(language: Language) -> str:
    """Return the page on what plugins are and may declare."""
    title, rest = _text("plugins", language).split("\n", 1)
    parts = [f"# {title}\n{rest}"]
    for record in (protocols.JudgeInfo, protocols.ModelInfo):
        parts.append(f"## {record.__name__}\n\n{_docstring(record)}")
        rows = [
            f"| `{field.name}` | `{_type(typing.get_type_hints(record)[field.name])}` | {_shown_default(field)} |"
            for field in dataclasses.fields(record)
        ]
        head = "| field | type | default |" if language == "en" else "| 項目 | 型 | 既定 |"
        parts.append("\n".join([head, "|---|---|---|", *rows]))
    for module in (
        *(protocols.models, protocols.engines, protocols.judges),
        *(protocols.tasks, protocols.served, protocols.declared),
    ):
        for name, kind in vars(module).items():
            if inspect.isclass(kind) and getattr(kind, "_is_protocol", False) and kind.__module__ == module.__name__:
                parts.append(f"## {name}\n\n{_docstring(kind)}\n\n{_methods(kind)}")
    return "\n\n".join(parts) + "\n"


def _shown_default(field: "dataclasses.Field[Any]") -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`"
    return "`{}`" if field.default_factory is not dataclasses.MISSING else ""


def _methods(kind: type) -> str:
    lines = []
    for name, member in vars(kind).items():
        function = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and inspect.isfunction(function):
            shown = name if isinstance(member, property) else f"{name}{_signature(function, wrapped=False)}"
            lines.append(f"`{shown}`\n: {_docstring(function)}")
    return "\n\n".join(lines)


def python(language: Language) -> str:
    """Return the page on `import harness`."""
    title, rest = _text("python", language).split("\n", 1)
    functions, errors = [], []
    for name in harness.__all__:
        thing = getattr(harness, name)
        if inspect.isclass(thing) and issubclass(thing, Exception):
            errors.append(f"`{name}` (`{thing.__bases__[0].__name__}`)\n: {_docstring(thing)}")
            continue
        body = f"```python\n{name}{_signature(thing)}\n```\n\n" if inspect.isfunction(thing) else ""
        methods = f"\n\n{_methods(thing)}" if inspect.isclass(thing) else ""
        functions.append(f"## {name}\n\n{body}{_docstring(thing)}{methods}")
    heading = _text("errors", language)
    return "\n\n".join([f"# {title}\n{rest}", *functions, f"## {heading}", *errors]) + "\n"


def _signature(function: Callable[..., Any], *, wrapped: bool = True) -> str:
    shown = str(inspect.signature(function))
    shown = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", shown).replace("(self, ", "(").replace("(self)", "()")
    return (
        shown
        if len(shown) < 90 or not wrapped
        else re.sub(r", (?=[\w*]+[:=,])", ",\n    ", shown.replace("(", "(\n    ", 1))
    )


def _docstring(thing: object) -> str:
    """Return a docstring as Markdown: its sections as lists, its examples left to the module."""
    text = inspect.getdoc(thing) or ""
    text = re.split(r"\n\s*>>> ", text)[0]
    text = _SECTIONS.sub(_listed, text + "\n")
    return text.replace("``", "`").strip().replace("\n\n", "\n\n  ")


def _listed(match: re.Match[str]) -> str:
    items = re.split(r"\n(?=\S)", inspect.cleandoc(match[2]))
    lines = [re.sub(r"\s*\n\s*", " ", item) for item in items if item.strip()]
    shown = [re.sub(r"^([\w, *]+?): ", r"`\1`: ", line) for line in lines]
    return f"*{match[1]}*\n\n" + "\n".join(f"- {line}" for line in shown) + "\n"
