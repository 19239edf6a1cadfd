"""Looking into JSON that strangers wrote: what is not of the kind that is looked for is not there."""

import json
from typing import Any

from harness.tables.rows import lf


def at(value: Any, *keys: str | int) -> Any:  # noqa: ANN401 - a JSON value of any shape
    """Return what stands under these keys and places in each other, None if one of them is not there.

    >>> at({"a": [{"b": 1}]}, "a", 0, "b"), at({"a": []}, "a", 0, "b"), at({"a": 1}, "a", "b")
    (1, None, None)
    """
    for key in keys:
        if isinstance(key, str) and isinstance(value, dict):
            value = value.get(key)
        elif isinstance(key, int) and isinstance(value, list) and -len(value) <= key < len(value):
            value = value[key]
        else:
            return None
    return value


def text_at(value: Any, *keys: str | int) -> str | None:  # noqa: ANN401 - a JSON value of any shape
    """Return the text under these keys, None if there is none."""
    found = at(value, *keys)
    return found if isinstance(found, str) else None


def items(value: Any, *keys: str | int) -> list[Any]:  # noqa: ANN401 - a JSON value of any shape
    """Return the list under these keys, empty if there is none."""
    found = at(value, *keys)
    return found if isinstance(found, list) else []


def texts(value: Any, *names: str) -> tuple[str, ...]:  # noqa: ANN401 - a JSON value of any shape
    """Return the texts of an object under ``names``; where it has none of them, all its texts.

    >>> texts({"x": "b", "input": "a", "n": 1}, "input"), texts({"x": "b"}, "input")
    (('a',), ('b',))
    """
    found = value if isinstance(value, dict) else {}
    named = [found[name] for name in names if name in found]
    return tuple(text for text in named or found.values() if isinstance(text, str) and text.strip())


def last_user_text(messages: Any) -> str | None:  # noqa: ANN401 - a JSON value of any shape
    """Return the text of the last message of a user, None if there is none."""
    said = [one for one in messages if isinstance(one, dict) and one.get("role") == "user"] if messages else []
    return content_text(at(said, -1, "content"))


def content_text(content: Any) -> str | None:  # noqa: ANN401 - a JSON value of any shape
    """Return a message's content as text: its own, or that of its parts of text."""
    if isinstance(content, list):
        parts = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
        return "\n".join(parts) if parts else None
    return content if isinstance(content, str) else None


def lenient_json(text: str) -> Any:  # noqa: ANN401 - a JSON value of any shape
    """Return a JSON value as Python's own writer leaves it: NaN and Infinity become texts, which are no numbers.

    Raises:
        ValueError: it is not JSON, nested too deeply, or holds a number of too many digits.
    """
    try:
        return lf(json.loads(text, parse_constant=str, parse_int=_whole))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= 300 else digits  # noqa: PLR2004 - what is longer is no float
