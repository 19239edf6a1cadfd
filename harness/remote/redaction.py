"""Keys and passwords that must appear nowhere, and how they are found in texts and addresses."""

import html
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "***"

_SHORTEST = 8  # characters; a shorter key is a part of too many words to be hunted in texts
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\/")

_KEY_BEGINS = re.compile(
    r"(?:sk|pk|rk)[-_]|AIza|eyJ|(?:gsk_|hf_|xai-|nvapi-|gh[po]_|github_pat_|key-|tok_|token-)[A-Za-z0-9]{12}"
)
_NAMES_A_SEGMENT = re.compile(
    r"(?:api|access|auth)?[-_]?(?:keys?|tokens?|secrets?|passwords?|credentials?)", re.IGNORECASE
)
_NAMES_A_VALUE = re.compile(
    r"key|token|secret|passw|pwd|auth|credential|signature|bearer|jwt|^(?:sig|code|pass|pw|user|k|t)$", re.IGNORECASE
)
_PART = re.compile(r"[^-_.:+~, ]+")
_LONGEST_WORD = 15
_LONGEST_MIX = {"path": 15, "query": 6}  # letters and digits together, as in gpt4o; in a path also ids of end points


class Secrets:
    """Finds secrets in text, as they are and as servers quote them (percent-encoded, as HTML, with JSON's escapes).

    Values under eight characters are not hunted.

    >>> Secrets(["sesame-open-42"]).hide("no such key: sesame-open-42")
    'no such key: ***'
    >>> Secrets(["a"]).hide("a cat")
    'a cat'
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms = {
            form
            for value in values
            if len(value) >= _SHORTEST
            for form in (value, quote(value, safe=""), quote(value), html.escape(value))
        }
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __repr__(self) -> str:
        return "Secrets(…)"

    def hide(self, text: str) -> str:
        """Return the text with every secret in it replaced."""
        if self._pattern is None:
            return text
        text = self._pattern.sub(HIDDEN, text)
        if "\\" in text:
            plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else "/", text)
            if self._pattern.search(plain):
                return self._pattern.sub(HIDDEN, plain)
        return text


def is_secret_segment(segment: str, before: str = "") -> bool:
    """Return whether a segment of an address's path looks like a credential, by itself or by the one ``before`` it.

    >>> [is_secret_segment(segment) for segment in ("v1", "sk-live-1", "gpt-4o-2024-07-18", "9f86d081884c7d659a2f")]
    [False, True, False, True]
    """
    name, sign, value = segment.partition("=")
    if sign:
        return is_secret_value(name, value)
    return bool(segment) and (_NAMES_A_SEGMENT.fullmatch(before) is not None or _looks_random(segment, "path"))


def is_secret_value(name: str, value: str) -> bool:
    """Return whether a value in an address's query is a credential, by its name or its looks.

    >>> is_secret_value("api-key", "abc"), is_secret_value("api-version", "2024-02-01"), is_secret_value("x", "w8Kp2q9")
    (True, False, True)
    """
    return _NAMES_A_VALUE.search(name) is not None or _looks_random(value, "query")


def _looks_random(text: str, where: str) -> bool:
    if _KEY_BEGINS.match(text):
        return True
    return any(not _is_word(part, _LONGEST_MIX[where]) for part in _PART.findall(text))


def _is_word(part: str, longest_mix: int) -> bool:
    if part.isdigit():
        return len(part) <= longest_mix + 2
    if part.isalpha():
        return len(part) <= _LONGEST_WORD and (part.islower() or part.isupper() or part[1:].islower())
    return len(part) <= longest_mix
