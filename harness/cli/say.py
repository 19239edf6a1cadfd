"""Printing for people: every message in the language that was chosen for this command."""

import click

from harness.locale import Language, in_language


class _Speaker:
    language: Language = "en"


def speak(language: Language) -> None:
    """Choose the language of everything that is said from now on."""
    _Speaker.language = language


def say(message: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a message, to stderr if ``err``: results go to stdout, progress and errors to stderr."""
    click.echo(in_language(message, _Speaker.language) if isinstance(message, str) else message, err=err, nl=nl)
