"""What calls cost: a small table of prices that everyone can edit."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from harness.codec import decode
from harness.errors import InputError
from harness.locale import tr
from harness.tables.files import read_toml

# Suffixes of a model's name that keep its price: a date, a number, "latest", "preview".
_VARIANT = re.compile(r"-(?:[0-9][0-9-]*|latest|preview(?:-[0-9-]+)?|exp(?:-[0-9-]+)?)")

_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens read and a million tokens written (thinking counts as written).

    ``batch``: the share of it that calls in batches cost: half, with Google and OpenAI.
    """

    __pydantic_config__ = _STRICT
    input: float
    output: float
    batch: float = 0.5

    def __post_init__(self) -> None:
        for name in ("input", "output", "batch"):
            if not 0 <= (value := getattr(self, name)) < math.inf:
                raise ValueError(f"{name} must be a price of 0 or more (got {value:g})")

    def in_batches(self) -> "Price":
        """Return the price of calls in batches.

        >>> Price(input=0.30, output=2.50).in_batches()
        Price(input=0.15, output=1.25, batch=1.0)
        """
        return Price(input=self.batch * self.input, output=self.batch * self.output, batch=1.0)

    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """Return the cost of a call in US dollars, or None if the server did not count its tokens.

        >>> Price(input=0.30, output=2.50).cost(1_000_000, 100_000)
        0.55
        """
        if tokens_in is None or tokens_out is None:
            return None
        return (tokens_in * self.input + tokens_out * self.output) / 1_000_000


def rough_tokens(text: str) -> int:
    """Return about how many tokens a text has: 0.6 for a character outside ASCII, 0.3 for one of ASCII.

    Fitted to the Gemma 3 tokenizer on ELYZA-tasks-100, 600 answers to it and the rubrics: 4 % too many in all, 10 % off
    for the median text. Other tokenizers differ; a bill is never computed from this.

    >>> rough_tokens("日本の首都は？"), rough_tokens("What is it?")
    (4, 3)
    """
    ascii_characters = sum(character.isascii() for character in text)
    return round(0.6 * (len(text) - ascii_characters) + 0.3 * ascii_characters)


def find_price(model: str, path: str | None = None) -> Price | None:
    """Return the price of a model, or None if no table has it; the table at ``path`` is asked first.

    A dated or preview name has the price of the plain one.

    >>> find_price("models/gemini-2.5-flash-preview-09-2025") == find_price("gemini-2.5-flash")
    True
    >>> find_price("a-model-of-my-own") is None
    True

    Raises:
        InputError: the file at ``path`` is missing, is no TOML, or holds something else than prices.
    """
    name = model.removeprefix("models/")
    shipped = tomllib.loads(resources.files("harness.remote").joinpath("prices.toml").read_text(encoding="utf-8"))
    own = [(read_toml(path), path)] if path else []
    for table in (_prices(data, where) for data, where in [*own, (shipped, "prices.toml")]):
        fitting = [key for key in table if _fits(name, key)]
        if fitting:
            return table[max(fitting, key=len)]
    return None


def _fits(name: str, key: str) -> bool:
    return name.startswith(key) and (name == key or _VARIANT.fullmatch(name[len(key) :]) is not None)


def _prices(data: Mapping[str, Any], where: str) -> Mapping[str, Price]:
    for model, price in data.items():
        if not isinstance(price, Mapping):
            raise InputError(
                tr("{model} is no table of prices.", model=model),
                path=where,
                hint=tr('Write ["MODEL"], input and output.'),
            )
    return {model: decode(Price, price, where=f"{where}: {model}") for model, price in data.items()}
