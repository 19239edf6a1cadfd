"""Wrapping of mixed text: between wide characters, not within words, no punctuation at the start of a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.table import columns
from harness.cli.wrapping import wrapped


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("aa bb cc", 5, ["aa bb", "cc"]),
        ("あいうえお。", 10, ["あいうえ", "お。"]),
        ("見る（例）", 6, ["見る", "（例）"]),
        ("件数 [既定]", 6, ["件数", "[既定]"]),
        ("longer-than-the-width x", 5, ["longer-than-the-width", "x"]),
    ],
)
def test_lines(text: str, width: int, lines: list[str]) -> None:
    """Known breaks."""
    assert lines == wrapped(text, width).split("\n")


@given(st.text(alphabet="あa 。（", max_size=40), st.integers(8, 30))
def test_nothing_but_blanks_is_lost(text: str, width: int) -> None:
    """All characters come out in order, and a line is only wider if it cannot be broken."""
    made = wrapped(text, width)
    assert "".join(text.split()) == "".join(made.split())
    for line in made.split("\n"):
        assert columns(line) <= width or " " not in line.strip()


def test_later_lines_are_indented() -> None:
    """The indent counts for the width."""
    assert ["Files: aa", "  bb cc", "  dd"] == wrapped("Files: aa bb cc dd", 9, indent="  ").split("\n")
