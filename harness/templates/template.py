"""One template: its text, what it says of itself, and how it becomes a prompt."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from harness.errors import InputError, TemplateError
from harness.locale import tr
from harness.sandbox.confined import ConfinedProgram
from harness.sandbox.program import Doubt, Program, TemplateFailure, TemplateSource, inspect
from harness.templates.front_matter import split_front_matter
from harness.types import BosPolicy, Message, PromptFormat, RenderedPrompt, Role

Kind = Literal["tasks", "judges"]

_HINTS = {
    "limit": tr("A prompt is text with a few variables: take out what computes."),
    "failed": tr("See docs/templates.md for what a template may do."),
}


class _Program(Protocol):
    def render_all(self, variables: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        """Return every source filled with each of ``variables``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template with the sha256 of its text and of all that it includes.

    ``meta`` is the front matter, ``source`` the path of its file or None for a published one, ``variables`` what it
    asks for, ``doubts`` constructs that are hardly meant.
    """

    name: str
    kind: Kind
    text: str
    sha256: str
    meta: Mapping[str, Any]
    source: str | None
    variables: frozenset[str]
    doubts: tuple[Doubt, ...] = field(repr=False)
    _program: _Program = field(repr=False, compare=False)

    @property
    def format(self) -> PromptFormat:
        """Whether the prompt is one text or messages with roles."""
        return cast("PromptFormat", "chat" if "messages" in self.meta else self.meta.get("format", "text"))

    @property
    def bos(self) -> BosPolicy:
        """How often the beginning-of-sequence token stands at the front."""
        return cast("BosPolicy", self.meta.get("bos", "once"))

    def render_text(self, **variables: object) -> str:
        """Return the body filled with ``variables``.

        Raises:
            HarnessError: a variable the template uses is not given, or the template fails while it runs.
        """
        return self._fill([variables])[0][0]

    def render(self, inputs: Mapping[str, Any]) -> RenderedPrompt:
        r"""Return the prompt for one sample's inputs.

        >>> from harness.templates import load_template
        >>> load_template("course.v1").render({"input": "日本の首都は？"}).text
        '### 指示\n日本の首都は？\n### 回答\n'

        Raises:
            HarnessError: as `render_text`.
        """
        return self.render_all([inputs])[0]

    def render_all(self, rows: Sequence[Mapping[str, Any]]) -> list[RenderedPrompt]:
        """Return the prompts for the inputs of many samples: for a user's own template much faster than one by one.

        Raises:
            HarnessError: as `render_text`.
        """
        return [self._prompt(texts) for texts in self._fill(rows)]

    def _prompt(self, texts: Sequence[str]) -> RenderedPrompt:
        body, *others = texts
        roles = [role for role, _ in turns(self.meta)]
        messages = [Message(role=role, content=text) for role, text in zip(roles, others, strict=True)]
        text_form = None
        if "messages" not in self.meta:
            messages.append(Message(role="user", content=body))
        elif body.strip():
            text_form = body
        return RenderedPrompt(
            messages=tuple(messages),
            format=self.format,
            bos=self.bos,
            stop=tuple(self.meta.get("stop", ())),
            text_form=text_form,
        )

    def _fill(self, rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        try:
            return self._program.render_all(rows)
        except TemplateFailure as failure:
            if failure.kind == "undefined":
                known = ", ".join(sorted(rows[0])) if rows else tr("none")
                raise TemplateError(
                    tr(
                        "Template {name!r} uses a variable that does not exist: {message}.",
                        name=self.name,
                        message=failure.message,
                    ),
                    hint=tr("Variables here: {known}.", known=known),
                ) from failure
            reason = failure.message
            message = tr("Template {name!r} cannot be rendered: {reason}.", name=self.name, reason=reason)
            if failure.kind == "limit":
                message = tr("Template {name!r} asks for too much: {reason}.", name=self.name, reason=reason)
            raise TemplateError(
                message,
                hint=_HINTS.get(failure.kind),
            ) from failure


def turns(meta: Mapping[str, Any]) -> list[tuple[Role, str]]:
    """Return the turns that front matter gives, besides the body.

    >>> turns({"system": "丁寧に。"})
    [('system', '丁寧に。')]
    """
    if "messages" in meta:
        return [(role, text) for turn in meta["messages"] for role, text in turn.items()]
    return [("system", str(meta["system"]))] if meta.get("system") else []


def parse_template(text: str, *, name: str, kind: Kind, path: Path | None = None) -> Template:
    """Return the template of a text. ``path``: the file that it stands in; None for a published one.

    Raises:
        InputError: its front matter is wrong, it is not a Jinja2 template, or never uses the task.
    """
    text = text.replace("\r\n", "\n")
    where = name if path is None else str(path)
    front, body, first_line = split_front_matter(text, where)
    sources = [TemplateSource(text=body, first_line=first_line)]
    sources += (TemplateSource(text=turn, first_line=None) for _, turn in turns(front))
    try:
        if path is None:
            inspection = inspect(sources, None)
            program: _Program = Program(sources, inspection.parts)
        else:
            confined = ConfinedProgram(sources, path.parent)
            inspection, program = confined.inspection, confined
    except TemplateFailure as failure:
        what = tr("not a valid Jinja2 template") if failure.kind == "syntax" else tr("the template asks for too much")
        raise InputError(
            tr("{what}: {said}.", what=what, said=failure.message), path=where, line=failure.line
        ) from failure
    if kind == "tasks" and not inspection.variables:
        raise InputError(
            tr("the template never uses the task, so every prompt would be the same."),
            path=where,
            hint=tr("Put {{ input }} where the instruction belongs."),
        )
    return Template(
        name=name,
        kind=kind,
        text=text,
        sha256=_sha256(text, inspection.parts),
        meta=front,
        source=None if path is None else str(path),
        variables=inspection.variables,
        doubts=inspection.doubts,
        _program=program,
    )


def _sha256(text: str, parts: Mapping[str, str]) -> str:
    """Hash the text alone, as `sha256sum` does, or with the names and texts of what it includes."""
    content = hashlib.sha256(text.encode())
    for name in sorted(parts):
        content.update(f"\0{name}\0{parts[name]}".encode())
    return content.hexdigest()
