"""Prompt templates: Jinja2 files with optional YAML front matter, found by name or by path.

A name such as ``course.v1`` is looked up among the shipped templates (``prompts/tasks`` for task prompts,
``prompts/judges`` for rubrics); an argument that ends in ``.j2`` or holds a path separator is a file.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

import yaml
from jinja2 import StrictUndefined, TemplateError, UndefinedError, meta
from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.errors import HarnessError, InputError, UnknownNameError
from harness.types import BosPolicy, Message, PromptFormat, RenderedPrompt

Kind = Literal["tasks", "judges"]

_KIND_WORD = {"tasks": "prompt", "judges": "rubric"}
_META_KEYS = {"name", "version", "purpose", "format", "bos", "system", "stop", "halves", "reply"}


def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template with its text's sha256. ``source`` is its path as given, or None for a shipped one."""

    name: str
    kind: Kind
    text: str
    sha256: str
    meta: Mapping[str, Any]
    source: str | None
    variables: frozenset[str]
    _compiled: JinjaTemplate = field(repr=False, compare=False)

    def render_text(self, **variables: object) -> str:
        """Return the body filled with ``variables``.

        Raises:
            HarnessError: a variable the template uses is not given, or the template fails while it runs.
        """
        try:
            return self._compiled.render(variables)
        except UndefinedError as error:
            known = ", ".join(sorted(variables))
            raise HarnessError(
                f"Template {self.name!r} uses a variable that does not exist: {error.message}.",
                hint=f"Variables here: {known}.",
            ) from error
        except Exception as error:
            raise HarnessError(f"Template {self.name!r} cannot be rendered: {type(error).__name__}: {error}") from error

    def render(self, inputs: Mapping[str, Any]) -> RenderedPrompt:
        r"""Return the prompt for one sample's inputs.

        >>> load_template("course.v1").render({"input": "日本の首都は？"}).text
        '### 指示\n日本の首都は？\n### 回答\n'
        """
        system = self.meta.get("system")
        opening = (Message(role="system", content=str(system)),) if system else ()
        return RenderedPrompt(
            messages=(*opening, Message(role="user", content=self.render_text(**inputs))),
            format=cast("PromptFormat", self.meta.get("format", "text")),
            bos=cast("BosPolicy", self.meta.get("bos", "once")),
            stop=tuple(self.meta.get("stop", ())),
        )


def template_names(kind: Kind) -> list[str]:
    """Return the names of the shipped templates of one kind, sorted."""
    folder = resources.files("prompts").joinpath(kind)
    return sorted(entry.name.removesuffix(".j2") for entry in folder.iterdir() if entry.name.endswith(".j2"))


def is_path(argument: str) -> bool:
    """Return whether a ``--prompt`` or ``--rubric`` argument means a file rather than a name."""
    return argument.endswith(".j2") or "/" in argument or os.sep in argument


def load_template(name_or_path: str, *, kind: Kind = "tasks") -> Template:
    """Return a template by name or path.

    Raises:
        UnknownNameError: no shipped template has this name.
        InputError: the file is missing or unreadable, its front matter is wrong, or it is not a Jinja2 template.
    """
    if is_path(name_or_path):
        return _parse(_read_file(name_or_path), name=name_or_path, kind=kind, source=name_or_path)
    known = template_names(kind)
    if name_or_path not in known:
        raise UnknownNameError(_KIND_WORD[kind], name_or_path, known)
    text = resources.files("prompts").joinpath(kind, f"{name_or_path}.j2").read_text(encoding="utf-8")
    return _parse(text, name=name_or_path, kind=kind, source=None)


def _read_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(
            "no such template file.", path=path, hint="Check the path, or see: harness ls prompts"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 text (byte {error.start}).", path=path, hint="Save the template as UTF-8."
        ) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}.", path=path) from error


def _parse(text: str, *, name: str, kind: Kind, source: str | None) -> Template:
    text = text.replace("\r\n", "\n")
    front, body = _split_front_matter(text, name)
    _check_meta(front, name)
    environment = _environment()
    try:
        compiled = environment.from_string(body)
        variables = frozenset(meta.find_undeclared_variables(environment.parse(body)))
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise InputError(f"not a valid Jinja2 template: {error.message}.", path=name, line=line) from error
    if kind == "tasks" and not variables:
        raise InputError(
            "the template never uses the task, so every prompt would be the same.",
            path=name,
            hint="Put {{ input }} where the instruction belongs.",
        )
    return Template(
        name=name,
        kind=kind,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        meta=front,
        source=source,
        variables=variables,
        _compiled=compiled,
    )


def _split_front_matter(text: str, name: str) -> tuple[dict[str, Any], str]:
    if not text.startswith("---\n"):
        return {}, text
    head, separator, body = text[4:].partition("\n---\n")
    if not separator:
        raise InputError("the front matter is not closed by a line '---'.", path=name)
    try:
        front = yaml.safe_load(head)
    except yaml.YAMLError as error:
        raise InputError(f"the front matter is not YAML: {error}.", path=name) from error
    if not isinstance(front, dict):
        raise InputError("the front matter is not a list of 'key: value' lines.", path=name)
    return front, body


def _check_meta(front: Mapping[str, Any], name: str) -> None:
    for key in front:
        if key not in _META_KEYS:
            unknown = UnknownNameError("front matter key", str(key), _META_KEYS)
            raise InputError(unknown.message, path=name, hint=unknown.hint)
    for key, allowed in (("format", ("text", "chat")), ("bos", ("once", "never"))):
        if front.get(key, allowed[0]) not in allowed:
            raise InputError(f"{key} is {front[key]!r}; it can be {' or '.join(allowed)}.", path=name)
    stop = front.get("stop", [])
    if not isinstance(stop, list) or not all(isinstance(item, str) and item for item in stop):
        raise InputError("stop must be a list of non-empty strings.", path=name)
    if front.get("system") and front.get("format", "text") != "chat":
        raise InputError("a system text needs format: chat (a text prompt has no roles).", path=name)
