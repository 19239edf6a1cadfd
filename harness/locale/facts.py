"""Messages in a file: with their code and values, so that a file read later says them in any language."""

from collections.abc import Mapping
from typing import Any

from harness.locale import Text


def fact_of(text: str) -> dict[str, Any]:
    """Return a message as plain values; one that is no message of ours has its own text as its code.

    >>> fact_of("as a plugin said it")
    {'code': 'as a plugin said it', 'values': {}, 'text': 'as a plugin said it'}
    """
    if not isinstance(text, Text):
        return {"code": str(text), "values": {}, "text": str(text)}
    fact: dict[str, Any] = {
        "code": text.msgid,
        "values": {name: _plain(value) for name, value in text.values.items()},
        "text": str(text),
    }
    return fact if text.plural is None else fact | {"plural": text.plural, "n": text.n}


def text_of(fact: object) -> str:
    """Return the message of a fact; text of an older file is one as it stands.

    >>> text_of(fact_of(Text("{a} and {b!r}", {"a": 1, "b": "c"}))), text_of("as it stands")
    ("1 and 'c'", 'as it stands')
    """
    if not isinstance(fact, Mapping):
        return str(fact)
    text = str(fact.get("text", ""))
    try:
        values = fact["values"]
        filled = {name: text_of(value) if isinstance(value, Mapping) else value for name, value in values.items()}
        found = Text(str(fact["code"]), filled, fact.get("plural"), fact.get("n"))
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):  # a file that somebody changed
        return text
    return found if found == text else text


def _plain(value: object) -> object:
    if isinstance(value, Text):
        return fact_of(value)
    return value if isinstance(value, bool | int | float | None) else str(value)
