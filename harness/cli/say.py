"""Printing for people: every message in the language that was chosen for this command."""

import gettext
import os
from importlib import resources

import click

from harness.locale import Language, in_language

_CLICK = "click"  # the catalogue of click's own sentences, which it looks up in the process's text domain


class _Speaker:
    language: Language = "en"


def speak(language: Language) -> None:
    """Choose the language of everything that is said from now on, by click too."""
    _Speaker.language = language
    if language == "en":
        gettext.textdomain("messages")
        return
    os.environ["LANGUAGE"] = language  # where gettext looks first
    gettext.bindtextdomain(_CLICK, str(resources.files("harness.locale")))
    gettext.textdomain(_CLICK)


def language() -> Language:
    """Return the language that was chosen."""
    return _Speaker.language


def said(message: str) -> str:
    """Return a message in the chosen language, for what is put together before it is printed."""
    return in_language(message, _Speaker.language)


def say(message: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a message, to stderr if ``err``: results go to stdout, progress and errors to stderr."""
    click.echo(said(message) if isinstance(message, str) else message, err=err, nl=nl)
