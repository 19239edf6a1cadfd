"""Help in Japanese: commands and options as they are shown, looked up in the catalogue when they are asked for."""

import copy
import inspect
import re
from collections.abc import Iterable
from typing import overload

import click

from harness.cli.say import language, said
from harness.cli.wrapping import wrapped
from harness.locale import tr

_VERBATIM = "\b\n"  # how click marks a paragraph whose lines stay as they are


def localized(command: click.Command) -> click.Command:
    """Return a command as it is shown in the chosen language; in English it is the command itself."""
    if language() == "en":
        return command
    shown = copy.copy(command)
    shown.context_class = _Context
    shown._help_option = None  # noqa: SLF001 - click keeps --help as it was made, perhaps in the other language
    shown.help, shown.short_help, shown.epilog = _said(command.help), _said(command.short_help), _said(command.epilog)
    shown.params = [_parameter(parameter) for parameter in command.params]
    if isinstance(shown, click.Group):
        shown.commands = {name: localized(part) for name, part in shown.commands.items()}
    return shown


def _parameter(parameter: click.Parameter) -> click.Parameter:
    if not isinstance(parameter, click.Option):
        return parameter
    shown = copy.copy(parameter)
    shown.help = _said(parameter.help)
    return shown


@overload
def _said(text: str) -> str: ...
@overload
def _said(text: None) -> None: ...
def _said(text: str | None) -> str | None:
    if not text:
        return text
    text = inspect.cleandoc(text)
    mark = _VERBATIM if text.startswith(_VERBATIM) else ""
    return mark + said(tr(text.removeprefix(mark)))


def complaint(error: click.UsageError) -> str:
    """Return what click says is wrong, with the full stop of the language: click's own is always the same."""
    text = error.format_message()
    return text if language() == "en" else re.sub(r"(?:(?<=')[.]|。)(?=\s|$) ?", "。", text)


class WideFormatter(click.HelpFormatter):
    """Wraps lines as Japanese is wrapped: between characters, each as wide as two letters."""

    def write_text(self, text: str) -> None:
        """Write paragraphs."""
        width = self.width - self.current_indent
        super().write_text("\n\n".join(_wrapped(part, width) for part in text.split("\n\n")))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write options or commands with what they are for."""
        rows = list(rows)
        first = min(max((len(term) for term, _ in rows), default=0), col_max) + col_spacing
        width = max(self.width - first - 2, 10)
        super().write_dl([(term, _wrapped(text, width)) for term, text in rows], col_max, col_spacing)


class _Context(click.Context):
    formatter_class = WideFormatter


def _wrapped(text: str, width: int) -> str:
    """Return a paragraph in lines of at most ``width`` columns, marked so that click leaves them as they are."""
    if text.startswith(_VERBATIM) or not text:
        return text
    return _VERBATIM + wrapped(text.replace("\n", ""), width)
