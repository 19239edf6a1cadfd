"""What the program says, in the language of whoever reads it.

A message stands in English where it is raised, as ``tr("… {name} …", name=value)``: an ordinary string that remembers
what it was made of. It travels as a fact (the text of the catalogue and its values) and only the edge of the program
puts it into words: `in_language` looks the text up with gettext and fills it again. Nothing is ever parsed back.
"""

import gettext
import os
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, Self, get_args

Language = Literal["en", "ja"]
_SAID = {"cause", "error", "failure", "fault", "message", "problem", "reason", "said", "strerror", "what", "why"}
_LISTS = {"{first}, {rest}", "{first}; {rest}"}
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Text(str):
    """A message in English that can be said in another language.

    ``msgid`` is its key in the catalogue, ``plural`` the key for several (``n`` decides), ``values`` fill its places;
    a value may be a `Text` of its own.
    """

    __slots__ = ("msgid", "n", "plural", "values")
    msgid: str
    plural: str | None
    n: int | None
    values: Mapping[str, Any]

    def __new__(cls, msgid: str, values: Mapping[str, Any], plural: str | None = None, n: int | None = None) -> Self:
        """Fill the English text."""
        chosen = msgid if plural is None or n == 1 else plural
        text = super().__new__(cls, _filled(chosen, values, _sentences(values)) if values else chosen)
        text.msgid, text.values, text.plural, text.n = msgid, values, plural, n
        return text

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), (self.msgid, self.values, self.plural, self.n)


def tr(msgid: str, /, **values: object) -> Text:
    """Return a message with its places filled. Without values, braces stand for themselves.

    >>> tr("No {kind} named {name!r}.", kind="judge", name="gemeni")
    "No judge named 'gemeni'."
    """
    return Text(msgid, values)


def trn(one: str, several: str, n: int, /, **values: object) -> Text:
    """Return a message that depends on a number, which ``{n}`` stands for.

    >>> trn("{n} task", "{n} tasks", 1), trn("{n} task", "{n} tasks", 3)
    ('1 task', '3 tasks')
    """
    return Text(one, {"n": n, **values}, several, n)


def listing(parts: Iterable[str], /) -> str:
    """Return messages or other texts as a list in one sentence.

    >>> listing(["a", "b", "c"])
    'a, b, c'
    """
    *others, last = [*parts] or [""]
    for part in reversed(others):
        last = tr("{first}, {rest}", first=part, rest=last)
    return last


def clauses(parts: Iterable[str], /) -> str:
    """Return messages or other texts as clauses of one sentence.

    >>> clauses(["a is b", "c is d"])
    'a is b; c is d'
    """
    *others, last = [*parts] or [""]
    for part in reversed(others):
        last = tr("{first}; {rest}", first=part, rest=last)
    return last


def joined(parts: Iterable[str], separator: str, /) -> Text:
    """Return messages one after the other, each of which can still be said in another language.

    >>> joined(["a", "b"], " / ")
    'a / b'
    """
    values = {f"part_{number}": part for number, part in enumerate(parts)}
    return Text(separator.join(f"{{{name}}}" for name in values), values)


def in_language(text: str, language: Language) -> str:
    """Return a message in a language; what has no translation, and what is no message, stays as it is."""
    if language == "en" or not isinstance(text, Text):
        return str(text)
    catalogue = _catalogue(language)
    if text.plural is None or text.n is None:
        template = catalogue.gettext(text.msgid)
    else:
        template = catalogue.ngettext(text.msgid, text.plural, text.n)
    if not text.values:
        return template
    values = {
        name: in_language(value, language) if isinstance(value, str) else value for name, value in text.values.items()
    }
    return _filled(template, values, _sentences(text.values))


def _sentences(values: Mapping[str, Any]) -> set[str]:
    """Return the places that a sentence fills: one of this program's, or what a system or a library says of a fault.

    Never a name, a path or a text of the user's, which may end in a full stop that belongs to it.
    """
    return {name for name, value in values.items() if _is_sentence(name, value)}


def _is_sentence(name: str, value: object) -> bool:
    if not isinstance(value, Text):
        return name in _SAID
    return value.msgid not in _LISTS or _is_sentence("", value.values["rest"])  # a list ends as its last part does


def _filled(template: str, values: Mapping[str, Any], sentences: set[str]) -> str:
    """Fill a text's places; a sentence in front of a full stop brings none of its own."""
    if "}." in template or "}。" in template:
        values = {
            name: _without_stop(value)
            if name in sentences
            and isinstance(value, str)
            and (f"{{{name}}}." in template or f"{{{name}}}。" in template)
            else value
            for name, value in values.items()
        }
    return template.format(**values)


def _without_stop(value: str) -> str:
    # Only behind a word: "." and ".." are folders.
    is_sentence = value[-1:] in (".", "。") and (value[-2:-1].isalnum() or value[-2:-1] in tuple(")）」』\"'"))
    return value[:-1] if is_sentence else value


def is_message(msgid: str) -> bool:
    """Return whether a text is a message of this program's, by its catalogue of translations.

    >>> is_message("No {kind} named {name!r}."), is_message("{0.__class__}")
    (True, False)
    """
    return bool(msgid) and _catalogue("ja").gettext(msgid) != msgid


def language_of(flag: str | None, configured: str | None) -> Language:
    """Return the language to speak: the flag's, else harness.toml's, else ``HARNESS_LANG``'s, else the system's.

    >>> language_of("ja", None), language_of(None, "ja"), language_of("en", "ja")
    ('ja', 'ja', 'en')
    """
    for wanted in (flag, configured, os.environ.get("HARNESS_LANG")):
        if wanted:
            return "ja" if wanted.lower().startswith("ja") else "en"
    system = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "ja" if system.lower().startswith("ja") else "en"


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    """Return the compiled catalogue of a language, or an empty one."""
    file = resources.files("harness.locale") / language / "LC_MESSAGES" / "harness.mo"
    if not file.is_file():
        return gettext.NullTranslations()
    with file.open("rb") as stream:
        return gettext.GNUTranslations(stream)
