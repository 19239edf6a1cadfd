"""What is probably wrong with a template although it loads: findings for ``harness prompt lint``."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.errors import HarnessError
from harness.locale import tr
from harness.templates.registry import load_template
from harness.templates.template import Template

PROBE = "日本の首都は<どこ>ですか？ (Capital)\n{{ 七 }} & 'はい'で答えて。"
"""An instruction in which everything would show that a template must leave alone."""

_SPECIAL = re.compile(r"<s>|<bos>|<\|begin_of_text\|>|<\|startoftext\|>|\[CLS\]")
_END = re.compile(r"</s>|<eos>|<\|endoftext\|>|<\|end_of_text\|>|<\|eot_id\|>|<\|im_end\|>|<end_of_turn>")
_ANSWER_HEADING = re.compile(r"^#+ *(回答|応答|答え|Response|Answer).*$", re.IGNORECASE)
_COURSE_MARKS = ("### 指示", "### 入力", "### 回答", "### 応答")
_COURSE = "course.v1"
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remark. ``level``: an error makes figures wrong, a warning is worth a look; ``line`` of the file or None."""

    level: Literal["error", "warning"]
    code: str
    line: int | None
    text: str


def lint(template: Template, columns: Collection[str] | None = None) -> list[Finding]:
    """Return what is wrong or doubtful in a task prompt, by line.

    ``columns`` are those of the task that it is meant for; without them only ``input`` is known to exist.

    >>> lint(load_template("course.v1"))
    []
    """
    findings = [
        *_variables(template, columns),
        *(
            Finding(level="error", code="unsafe", line=doubt.line, text=tr("{said}.", said=doubt.text))
            for doubt in template.doubts
        ),
        *_special_tokens(template),
        *_names(template),
        *_rendered(template, columns),
    ]
    return sorted(findings, key=lambda finding: (finding.line or 0, finding.code))


def _variables(template: Template, columns: Collection[str] | None) -> Iterator[Finding]:
    if "input" not in template.variables:
        yield Finding(
            level="error", code="no-input", line=None, text=tr("the instruction is nowhere: {{ input }} is not used.")
        )
    for name in sorted(template.variables - {"input"} - set(columns or ())):
        line = _line_of(template, re.compile(rf"\b{re.escape(name)}\b"))
        if columns is None:
            text = tr("{name!r} exists only in tasks with a column of that name; check with --task.", name=name)
            yield Finding(level="warning", code="unknown-variable", line=line, text=text)
        else:
            known = ", ".join(sorted(columns))
            text = tr("{name!r} is no column of this task: {known}.", name=name, known=known)
            yield Finding(level="error", code="undefined-variable", line=line, text=text)


def _special_tokens(template: Template) -> Iterator[Finding]:
    for pattern, code, text in (
        (_SPECIAL, "double-bos", tr("it is written as text; the harness puts the token there itself (see bos:).")),
        (_END, "end-token", tr("it ends a text for many tokenizers; a prompt should not hold it.")),
        (_INVISIBLE, "invisible", tr("it cannot be seen, and changes the tokens.")),
    ):
        if found := pattern.search(template.text):
            mark = found.group()
            shown = mark if mark.isascii() else f"U+{ord(mark):04X}"
            yield Finding(
                level="error",
                code=code,
                line=_line_of(template, pattern),
                text=tr("{shown}: {text}", shown=shown, text=text),
            )


def _names(template: Template) -> Iterator[Finding]:
    said = template.meta.get("name")
    version = template.meta.get("version")
    if said is None:
        return
    stem = Path(template.source or template.name).name.removesuffix(".j2")
    wanted = stem if version is None else re.sub(r"\.v[^.]*$", "", stem)
    if said not in {stem, wanted} or (version is not None and f"{said}.v{version}" != stem):
        text = tr(
            "the front matter says {said!r}, version {version}; the file is called {stem}.j2.",
            said=said,
            version=version,
            stem=stem,
        )
        yield Finding(
            level="warning", code="name", line=_line_of(template, re.compile(r"^name:", re.MULTILINE)), text=text
        )


def _rendered(template: Template, columns: Collection[str] | None) -> Iterator[Finding]:
    """Look at the prompt itself, filled with the probe and with a number in every other column."""
    others = dict.fromkeys(template.variables | set(columns or ()), "3")
    inputs: dict[str, Any] = {**others, "input": PROBE}
    try:
        prompt = template.render(inputs)
    except HarnessError as error:
        yield Finding(level="error", code="fails", line=None, text=error.message)
        return
    texts = [prompt.text] if prompt.text_form is None else [prompt.text, prompt.text_form]
    if "input" in template.variables and not all(PROBE in text for text in texts):
        text = tr("the instruction does not arrive unchanged (a filter such as escape, upper or truncate?).")
        yield Finding(level="error", code="changed-input", line=None, text=text)
        return
    plain = prompt.text_form if prompt.format == "chat" else prompt.text
    if plain is not None:
        yield from _ending(template, plain)
        yield from _course(template, plain)


def _ending(template: Template, text: str) -> Iterator[Finding]:
    last = template.text.count("\n") + (not template.text.endswith("\n"))
    body = text.rstrip("\n")
    if body != body.rstrip():
        note = tr("the prompt ends with blanks, after which models continue badly.")
        yield Finding(level="warning", code="ending", line=last, text=note)
    heading = body.rstrip().rpartition("\n")[2]
    if not _ANSWER_HEADING.match(heading):
        return
    newlines = len(text) - len(body)
    if newlines != 1:
        note = tr(
            "no newline after {heading!r}; adapters of the course were trained with exactly one.", heading=heading
        )
        if newlines:
            note = tr(
                "{n} newlines after {heading!r}; adapters of the course were trained with exactly one.",
                n=newlines,
                heading=heading,
            )
        yield Finding(level="error", code="ending", line=last, text=note)


def _course(template: Template, text: str) -> Iterator[Finding]:
    """Find what is almost the course's prompt: the commonest reason for an adapter that scores too low."""
    course = load_template(_COURSE).render({"input": PROBE}).text
    if not any(mark in text for mark in _COURSE_MARKS) or text.rstrip().endswith(course.rstrip()):
        return
    heading = next((mark for mark in _COURSE_MARKS if mark in text and mark not in course), None)
    differs = tr("it has {heading!r}.", heading=heading)
    if not heading:
        differs = tr("headings, their order or line breaks differ.")
    note = tr(
        "almost the course's prompt, with which most published adapters were trained, but not {course}: {differs}",
        course=_COURSE,
        differs=differs,
    )
    line = _line_of(template, re.compile(re.escape(heading or "###")))
    yield Finding(level="warning", code="course", line=line, text=note)


def _line_of(template: Template, pattern: re.Pattern[str]) -> int | None:
    found = pattern.search(template.text)
    return None if found is None else 1 + template.text.count("\n", 0, found.start())
