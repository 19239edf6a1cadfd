"""Signs folded to one form each: what is the same number stays one, and what changes a number is never lost."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.rubric.folding import UNREADABLE, fold


@pytest.mark.parametrize("wide", [chr(code) for code in range(0xFF01, 0xFF5F)])
def test_wide_signs_are_those_of_unicodes_own_folding(wide: str) -> None:
    """NFKC is the oracle for the block of full-width forms."""
    assert unicodedata.normalize("NFKC", wide).lower() == fold(wide)


@pytest.mark.parametrize(
    ("sign", "number"),
    [
        ("⓪", 0),
        ("⓿", 0),
        ("🄋", 0),
        ("④", 4),
        ("⑷", 4),
        ("⒋", 4),
        ("❹", 4),
        ("➃", 4),
        ("➍", 4),
        ("⓸", 4),
        ("㊃", 4),
        ("㈣", 4),
        ("🄅", 4),
        ("⑩", 10),
    ],
)
def test_an_enclosed_number_is_apart_from_its_neighbours(sign: str, number: int) -> None:
    """Two of them side by side are no number of two digits."""
    assert f" {number} " == fold(sign)
    assert "12" not in fold("①②")


def test_every_circled_or_bracketed_number_that_unicode_has_is_folded() -> None:
    """Its own names and values are the oracle, from 0 to 10; so ⓪ is read as ① is."""
    dressed = ("CIRCLED DIGIT", "CIRCLED NUMBER", "SANS-SERIF DIGIT", "PARENTHESIZED DIGIT", "PARENTHESIZED NUMBER")
    for code in range(0x2000, 0x20000):
        name = unicodedata.name(chr(code), "")
        if any(one in name for one in dressed) and unicodedata.numeric(chr(code), 99) <= 10 and "ON BLACK" not in name:
            value = f"{unicodedata.numeric(chr(code)):g}"
            assert value == fold(chr(code)).strip(), name


@pytest.mark.parametrize("sign", ["½", "⁴", "²", "₃", "⅔", "¼", "↉"])
def test_what_changes_the_number_beside_it_stays_in_sight(sign: str) -> None:
    """4½ is not 4, and 4² is not 42."""
    assert f"4{UNREADABLE}" == fold(f"4{sign}")


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_line_end_is_one(end: str) -> None:
    """So that a verdict on its own line is one whatever ends the line."""
    assert "4\n5" == fold(f"4{end}5")


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    """And what is ASCII already only becomes small."""
    assert fold(text) == fold(fold(text))
    plain = text.encode("ascii", "ignore").decode()
    assert plain.lower().replace("\r", "\n").replace("\x0b", "\n").replace("\x0c", "\n") == fold(plain)
