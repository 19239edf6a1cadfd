"""The words of every report, in English and Japanese: one TOML file a language, with the same keys and places."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Self

from harness.locale import LANGUAGES, Language, in_language

__all__ = ["LANGUAGES", "Language", "Said", "Words", "words"]


class Said(str):
    """A text of a report that knows which one it is: its ``code``, the same in every language, and its ``values``."""

    __slots__ = ("code", "values")
    code: str
    values: Mapping[str, Any]

    def __new__(cls, text: str, code: str, values: Mapping[str, Any]) -> Self:
        """Keep the code and the values beside the text."""
        said = super().__new__(cls, text)
        said.code, said.values = code, values
        return said


class Words:
    """The words of one language.

    >>> words("en")("board.scale", scale="1-5"), words("ja")("board.scale", scale="1-5")
    ('Scale 1-5.', '尺度 1-5。')
    """

    def __init__(self, language: Language) -> None:
        """``language`` names the file to read."""
        self.language = language
        text = (resources.files("reports") / "wording_data" / f"{language}.toml").read_text(encoding="utf-8")
        self.texts: Mapping[str, str] = dict(_flat(tomllib.loads(text)))

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text under ``key`` with its places filled, as `Said`.

        Where the values have a ``total``, or else a ``count``, of one, a text under ``key`` and ``_one`` is preferred.

        >>> words("en")("headline.tasks", task="a", count=1), words("en")("headline.tasks", task="a", count=2)
        ('a (1 task)', 'a (2 tasks)')
        """
        is_one = str(values.get("total", values.get("count"))) == "1"
        text = self.texts.get(f"{key}_one") if is_one else None
        return Said((text or self.texts[key]).format(**values), key, values)

    def section(self, name: str) -> dict[str, str]:
        """Return all texts of one section, by their names within it."""
        return {key.removeprefix(f"{name}."): text for key, text in self.texts.items() if key.startswith(f"{name}.")}

    def sentence(self, said: str) -> str:
        """Return a message of the program in this language; what is no message stays as it is."""
        return in_language(said, self.language)

    def several(self, names: Sequence[str], shown: int) -> str:
        """Return the first ``shown`` names and how many more there are.

        >>> words("en").several(["a", "b", "c"], 2)
        'a, b and 1 more'
        """
        first = ", ".join(names[:shown])
        return first if len(names) <= shown else self("and_more", names=first, count=len(names) - shown)


@cache
def words(language: Language) -> Words:
    """Return the words of a language, read once."""
    return Words(language)


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        pairs += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", str(value))]
    return pairs
