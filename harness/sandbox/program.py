"""A template's sources compiled and filled: the same code here for published templates and in a child for others."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError, UndefinedError, meta, nodes

from harness.locale import Text, tr
from harness.locale.parsers import template_said
from harness.sandbox.environment import MAX_TEXT, BoundedEnvironment, LimitError
from harness.sandbox.printing import NotTextError, check_text

MAX_SOURCE = 200_000
"""Bytes that one template file may hold."""
MAX_PARTS = 32
"""Files that one template may include, with what those include."""

_WRITTEN = "{{ '\\u…' }}"
_STEERING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSource:
    """One piece of template text; ``first_line`` is where it begins in its file, None if that is unknown."""

    text: str
    first_line: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A construct that renders but is hardly meant, or asks for what the sandbox refuses."""

    line: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a template needs: its variables, the texts of the files that it includes, and doubtful constructs."""

    variables: frozenset[str]
    parts: Mapping[str, str]
    doubts: tuple[Doubt, ...]


class TemplateFailure(Exception):  # noqa: N818 - what a template does wrong, turned into errors where it is known whose
    """A template that cannot be used.

    ``kind`` is syntax, undefined, limit, refused (by a chat template, in its own words) or failed; ``line`` is within
    its file.
    """

    def __init__(self, kind: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.line = line


class MissingPartsError(Exception):
    """Included texts that were not given: ``wanted`` holds their names, each with the part that includes it."""

    def __init__(self, wanted: Mapping[str, str | None]) -> None:
        super().__init__(", ".join(wanted))
        self.wanted = wanted


class RefusedError(TemplateError):
    """A chat template says itself that it cannot write these messages."""


def inspect(sources: Sequence[TemplateSource], given: Mapping[str, str] | None) -> Inspection:
    """Return what the sources need; ``given`` are the texts that they may include (None: they may include nothing).

    >>> sorted(inspect([TemplateSource(text="{{ input }} {{ level }}")], None).variables)
    ['input', 'level']

    Raises:
        TemplateFailure: a source is no template, or includes what it may not.
        MissingPartsError: texts that they include are not among those given.
    """
    environment = BoundedEnvironment()
    variables: set[str] = set()
    doubts: list[Doubt] = []
    parts: dict[str, str] = {}
    missing: dict[str, str | None] = {}
    todo: list[tuple[TemplateSource, str | None]] = [(source, None) for source in sources]
    while todo:
        source, name = todo.pop(0)
        with explained(source, name):
            tree = environment.parse(source.text)
            variables |= meta.find_undeclared_variables(tree)
        doubts += _doubts(tree, source, name)
        for wanted in meta.find_referenced_templates(tree):
            if wanted is None:
                computed = tr("the name of an included file must be written out, not computed")
                raise TemplateFailure("syntax", inside(name, computed))
            if given is None:
                alone = tr("it includes {wanted!r}, but a published template stands alone", wanted=wanted)
                raise TemplateFailure("syntax", alone)
            if wanted in given and wanted not in parts:
                parts[wanted] = given[wanted]
                todo.append((TemplateSource(text=given[wanted], first_line=None), wanted))
            elif wanted not in given:
                missing.setdefault(wanted, name)
        if len(parts) + len(missing) > MAX_PARTS:
            raise TemplateFailure("limit", tr("more than {most} included files", most=MAX_PARTS))
    if missing:
        raise MissingPartsError(missing)
    return Inspection(
        variables=frozenset(variables - {"range", "dict", "namespace"}), parts=parts, doubts=tuple(doubts)
    )


class Program:
    """Compiled sources.

    >>> Program([TemplateSource(text="{{ a }}!"), TemplateSource(text="{{ a + 1 }}")], {}).render({"a": 1})
    ['1!', '2']
    """

    def __init__(self, sources: Sequence[TemplateSource], parts: Mapping[str, str]) -> None:
        """Compile ``sources``, which may include ``parts``.

        Raises:
            TemplateFailure: a source is no template.
        """
        environment = BoundedEnvironment(parts)
        self._compiled: list[JinjaTemplate] = []
        self._texts = [*(source.text for source in sources), *parts.values()]
        for source in sources:
            with explained(source, None):
                self._compiled.append(environment.from_string(source.text))

    def render(self, variables: Mapping[str, object]) -> list[str]:
        """Return every source filled with ``variables``.

        Raises:
            TemplateFailure: whatever goes wrong in it.
        """
        texts = filled(self._compiled, variables, self._texts)
        if sum(map(len, texts)) > MAX_TEXT:
            raise TemplateFailure("limit", tr("a prompt of more than {most:,} characters", most=MAX_TEXT))
        return texts

    def render_all(self, variables: Sequence[Mapping[str, object]]) -> list[list[str]]:
        """Return what `render` gives for each of ``variables``.

        Raises:
            TemplateFailure: whatever goes wrong in one of them.
        """
        return [self.render(filling) for filling in variables]


def filled(compiled: Sequence[JinjaTemplate], variables: Mapping[str, object], texts: Sequence[str]) -> list[str]:
    """Return compiled templates filled with ``variables``; ``texts`` are what they were compiled from.

    Raises:
        TemplateFailure: whatever goes wrong, but for what a template raises of itself.
    """
    try:
        rendered = [template.render(variables) for template in compiled]
        for text in rendered:
            check_text(text, lambda found: any(found in known for known in texts) or _holds(variables, found))
    except UndefinedError as error:
        raise TemplateFailure("undefined", template_said(str(error.message))) from error
    except LimitError as error:
        raise TemplateFailure("limit", error.said) from error
    except MemoryError as error:
        raise TemplateFailure("limit", tr("more memory than a template may use")) from error
    except RecursionError as error:
        raise TemplateFailure("limit", tr("it calls itself without end")) from error
    except NotTextError as error:
        raise TemplateFailure("failed", error.said) from error
    except RefusedError:
        raise
    except Exception as error:  # a template may raise anything that Python has
        said = template_said(str(error))
        raise TemplateFailure(
            "failed", said if isinstance(said, Text) else f"{type(error).__name__}: {error}"
        ) from error
    return rendered


def _holds(value: object, text: str) -> bool:
    if isinstance(value, str):
        return text in value
    if isinstance(value, Mapping):
        return any(_holds(item, text) for pair in value.items() for item in pair)
    return isinstance(value, list | tuple) and any(_holds(item, text) for item in value)


@contextmanager
def explained(source: TemplateSource, name: str | None, *, checks_order: bool = True) -> Iterator[None]:
    """Turn whatever parsing and compiling raise into a `TemplateFailure` with the line."""
    if checks_order and (steering := _STEERING.search(source.text)):
        line = _line(source, 1 + source.text.count("\n", 0, steering.start()))
        code = f"U+{ord(steering.group()):04X}"
        hidden = tr("{code} hides the order of the text; if you mean it, write {example}", code=code, example=_WRITTEN)
        raise TemplateFailure("syntax", inside(name, hidden), line)
    try:
        yield
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise TemplateFailure("syntax", inside(name, template_said(str(error.message))), _line(source, line)) from error
    except RecursionError as error:
        raise TemplateFailure("limit", inside(name, tr("nested too deeply"))) from error
    except MemoryError as error:
        raise TemplateFailure("limit", inside(name, tr("more memory than a template may use"))) from error
    except (LimitError, NotTextError) as error:  # of constants, which are computed here
        kind = "limit" if isinstance(error, LimitError) else "failed"
        raise TemplateFailure(kind, inside(name, error.said)) from error
    except Exception as error:  # Python's own compiler refuses some of what Jinja2 accepts
        raise TemplateFailure("syntax", inside(name, f"{type(error).__name__}: {error}")) from error


def _line(source: TemplateSource, line: int | None) -> int | None:
    return None if line is None or source.first_line is None else line + source.first_line - 1


def inside(name: str | None, said: str) -> str:
    """Return a message about an included file of this name, or, with None, about the template itself."""
    return said if name is None else tr("included file {name!r}: {said}", name=name, said=said)


def _doubts(tree: nodes.Template, source: TemplateSource, name: str | None) -> Iterator[Doubt]:
    for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Filter)):
        line = _line(source, node.lineno)
        if isinstance(node, nodes.Filter):
            if node.name == "attr":
                yield Doubt(line=line, text=inside(name, tr("the filter 'attr' reaches for attributes by name")))
            continue
        key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)  # type: ignore[attr-defined]
        if isinstance(key, str) and key.startswith("_"):
            private = tr("{key!r} is private; the sandbox refuses it", key=key)
            yield Doubt(line=line, text=inside(name, private))
