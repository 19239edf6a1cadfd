"""The parts of charts: escaped, and lines of text that fit."""

from hypothesis import given
from hypothesis import strategies as st

from reports.formatting import columns
from reports.svg_parts import draw_point, draw_text, element, fitted, wrapped_lines


def test_nothing_gets_out_of_an_element() -> None:
    """Neither out of its text nor out of an attribute; what steers a terminal is replaced."""
    assert '<text x="1" class="a&quot;b">&lt;b&gt;</text>' == element("text", "<b>", x=1.0, class_='a"b')
    assert "\x1b" not in draw_text("a\x1b<", 0.0, 0.0)


@given(st.text(max_size=200), st.integers(8, 60))
def test_wrapped_lines_fit(text: str, width: int) -> None:
    """No line is wider than asked, and a short text is one line."""
    lines = wrapped_lines(text, width)
    assert all(columns(line) <= width for line in lines)
    assert ["ab cd"] == wrapped_lines("ab cd", 8)
    assert fitted(text, width) == fitted(fitted(text, width), width)


def test_better_and_worse_have_shapes_of_their_own() -> None:
    """Colour alone says nothing: up, down, and a disc."""
    shapes = [draw_point(10, 10, tone) for tone in ("better", "worse", "muted")]
    assert [True, True, False] == ["<path" in shape for shape in shapes]
    assert 3 == len(set(shapes))
