"""What `harness train` was asked for, and how a record of it is published: without the folders of this machine."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.locale import tr
from trainers.data.examples import shown_name

EVALUATION_KEYS = ("eval_judge", "eval_every", "eval_limit", "eval_patience")
"""The keys of a recipe that only say how tasks are answered on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """The command's options, by the names that click gives them: ``changes`` is --set, ``repo`` is --push-to-hub."""

    recipe: str
    data: tuple[str, ...]
    output: str | None
    base: str | None
    changes: tuple[str, ...]
    columns: tuple[str, ...]
    start: str | None
    against: tuple[str, ...]
    near: float
    strict: bool
    preview: int | None
    dry_run: bool
    memory: float | None
    dtype: str | None
    eval_tasks: str | None
    eval_judge: str | None
    eval_every: int | None
    eval_limit: int | None
    yes: bool
    resume: bool
    repo: str | None
    config: str | None
    store: str | None

    @property
    def recipe_changes(self) -> tuple[str, ...]:
        """Every change of the recipe: those of --set, and options that are keys of it."""
        own = {name: getattr(self, name) for name in ("eval_tasks", "eval_judge", "eval_every", "eval_limit")}
        return (*self.changes, *(f"{name}={value}" for name, value in own.items() if value is not None))

    def typed(self, key: str) -> str:
        """Return how a key of the recipe was given: by an option of its own, or by --set."""
        return f"--{key.replace('_', '-')}" if getattr(self, key, None) is not None else f"--set {key}"

    @property
    def trains(self) -> bool:
        """Whether anything is written."""
        return not (self.preview or self.dry_run)


def columns_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return roles and columns of ``ROLE=COLUMN`` pairs."""
    found: dict[str, str] = {}
    for pair in pairs:
        role, equals, column = pair.partition("=")
        if not equals or not role or not column:
            raise UsageError(
                tr("--columns {pair!r} is not ROLE=COLUMN.", pair=pair),
                hint=tr("For example: --columns input=question"),
            )
        if role in found:
            raise UsageError(
                tr(
                    "--columns {role} is given twice: {found!r} and {column!r}.",
                    role=role,
                    found=found[role],
                    column=column,
                ),
                hint=tr("Give it once."),
            )
        found[role] = column
    return found


def without_folders(arguments: Sequence[str]) -> list[str]:
    """Return a command's arguments with files and folders by their last names: a record of it is published.

    >>> without_folders(["train", "--data", "/home/me/a.json", "--data=hub:org/set", "--output", "~/adapters/mine"])
    ['train', '--data', 'a.json', '--data=hub:org/set', '--output', 'mine']
    >>> without_folders(["--base", "llm-jp/llm-jp-3-13b", "--against", "exam=/x/y.jsonl", "--set", "prompt=/x/z.j2"])
    ['--base', 'llm-jp/llm-jp-3-13b', '--against', 'exam=y.jsonl', '--set', 'prompt=z.j2']
    >>> without_folders(["--set", 'data=["/home/me/a.json:0.7", "~/b.json:0.3"]'])
    ['--set', 'data=["a.json:0.7","b.json:0.3"]']
    """
    shown = []
    option = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if option in _SHOWN:
            shown.append(_SHOWN[option](argument))
            option = ""
        elif equals and name in _SHOWN:
            shown.append(f"{name}={_SHOWN[name](value)}")
        else:
            shown.append(argument)
            option = argument
    return shown


_PATHS = {"prompt", "sample_prompts", "chat_template_path"}  # keys of a recipe that may name a file


def _shown_pair(text: str) -> str:
    """Return PATH or NAME=PATH without the folder; a task's name has none."""
    name, equals, path = text.rpartition("=")
    return f"{name}{equals}{Path(path).name}"


def _shown_setting(text: str) -> str:
    key, equals, value = text.partition("=")
    if key.strip() == "data":
        return key + equals + re.sub(r"[^\[\]\"',]+", lambda found: shown_name(found[0].strip()), value)
    if key.strip() == "eval_tasks":
        return f"{key}{equals}{_shown_pair(value)}"
    return f"{key}{equals}{Path(value).name}" if key.strip() in _PATHS else text


def _shown_base(text: str) -> str:
    """Return a base without the folder it lies in; a name on the Hub has none."""
    kind, colon, path = text.rpartition(":")
    is_place = kind == "gguf" or (not kind and (Path(path).is_absolute() or Path(path).expanduser().exists()))
    return f"{kind}{colon}{Path(path).name}" if is_place else text


_SHOWN: Mapping[str, Callable[[str], str]] = {  # options that may name a place on this machine
    "--against": _shown_pair,
    "--base": _shown_base,
    "--config": shown_name,
    "--data": shown_name,
    "--eval-tasks": _shown_pair,
    "--output": shown_name,
    "--recipe": shown_name,
    "--set": _shown_setting,
    "--store": shown_name,
}
