"""Prices: the table of the house, tables of one's own, and models that no table knows."""

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.remote.pricing import Price, find_price


def test_cost_by_hand() -> None:
    """1,200 tokens read at 0.30 and 80 written at 2.50 dollars a million are 0.00056 dollars."""
    assert 0.00056 == pytest.approx(Price(input=0.30, output=2.50).cost(1200, 80))
    assert Price(input=1, output=1).cost(None, 3) is None


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
        ("gemini-2.5-flash-lite-001", "gemini-2.5-flash-lite"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
    ],
)
def test_variants_have_the_plain_models_price(name: str, like: str) -> None:
    """A date, a number or a preview keeps the price."""
    assert find_price(name) == find_price(like) is not None


@pytest.mark.parametrize("name", ["gpt-4o-realtime", "gemini-2.5", "llm-jp/llm-jp-3-13b", ""])
def test_other_models_have_no_price(name: str) -> None:
    """A price is never guessed from a likeness."""
    assert find_price(name) is None


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    """It is asked first, and the shipped one after it."""
    path = tmp_path / "prices.toml"
    path.write_text('["gpt-4o"]\ninput = 1\noutput = 2\n["mine"]\ninput = 0\noutput = 0\n')
    assert Price(input=1, output=2) == find_price("gpt-4o", str(path))
    assert Price(input=0, output=0) == find_price("mine", str(path))
    assert find_price("gpt-4o-mini") == find_price("gpt-4o-mini", str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "not valid TOML"),
        ('["a"]\ninput = 1\n', "output"),
        ("a = 1", "a is no table of prices"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        (None, "no such file"),
    ],
)
def test_wrong_price_tables(tmp_path: Path, text: str | None, message: str) -> None:
    """A table that cannot be used is named with its path."""
    path = tmp_path / "prices.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        find_price("a", str(path))
    assert str(path) in str(caught.value)
