"""The fonts of the verdict's page: found for its letters, or asked for by a sentence; never boxes in silence."""

import pytest
from matplotlib.font_manager import findfont, findSystemFonts, get_font

from harness.cli.sheet import fonts_for, verdict_sheet
from harness.errors import MissingFontError
from tests.reports.conftest import ab_report, small_report


def japanese_fonts() -> list[str]:
    return [name for name in findSystemFonts() if ord("日") in get_font(name).get_charmap()]


def test_the_fonts_have_every_letter_between_them() -> None:
    """Latin needs none but matplotlib's own; Japanese another one, which is on this machine or is asked for."""
    own = findfont("DejaVu Sans")
    assert [own] == fonts_for("abc é → ±")
    if not japanese_fonts():
        pytest.skip("no Japanese font on this machine: apt-get install fonts-ipafont-gothic")
    first, *others = fonts_for("結論: better")
    assert own == first
    assert any(ord("結") in get_font(name).get_charmap() for name in others)


def test_without_a_font_the_letters_are_named_with_what_to_install() -> None:
    """Whether no font is there, or none can be read."""
    for installed in ([], ["/dev/null"]):
        with pytest.raises(MissingFontError) as caught:
            fonts_for("結論", installed)
        assert "needs: 結論" in str(caught.value)
        assert "fonts-ipafont-gothic" in str(caught.value.hint)


def test_a_page_of_either_kind_and_language_is_made() -> None:
    """In the language asked for, with Japanese names on it; the same bytes each time."""
    if not japanese_fonts():
        pytest.skip("no Japanese font on this machine: apt-get install fonts-ipafont-gothic")
    assert verdict_sheet(small_report(), "png", "ja").startswith(b"\x89PNG")
    made = verdict_sheet(ab_report(), "pdf", "en")
    assert made.startswith(b"%PDF")
    assert made == verdict_sheet(ab_report(), "pdf", "en")
