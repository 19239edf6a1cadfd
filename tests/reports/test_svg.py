"""Charts: what they show, at the places where it belongs, as SVG that a strict page takes."""

import base64
import io
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import colormaps
from matplotlib.image import imread

from harness.types import LIKERT_5
from reports.svg import Bar, distribution, forest, heat_map, level_colours, scale_bar
from reports.svg_parts import figure_ticks

HOSTILE = "a<script>alert(1)</script>&$\\frac{1}{2}$\x1b\u202e"


def bars(*values: tuple[str, float | None, float | None, float | None]) -> list[Bar]:
    return [Bar(name=name, value=value, low=low, high=high) for name, value, low, high in values]


def charts() -> dict[str, str]:
    names = [HOSTILE, "日本語モデル"]
    intervals = bars((HOSTILE, 3, 2, 4), ("日本語モデル", None, None, None))
    scores = np.array([[1, 5, np.nan]] * 2)
    ticks = ["0", HOSTILE, "2"]
    return {
        "forest": forest(intervals, title=HOSTILE, axis="平均"),
        "bars": distribution(names, np.array([[0.5, 0.5], [0, 0]]), title="t", axis="割合"),
        "heat": heat_map(names, scores, LIKERT_5, title="t", axis="問題", ticks=ticks),
        "scale": scale_bar(title="t"),
    }


@pytest.mark.parametrize("kind", ["forest", "bars", "heat", "scale"])
def test_a_chart_is_clean_svg(kind: str) -> None:
    """Well-formed, without scripts, styles, ids or foreign elements; words stay words."""
    chart = charts()[kind]
    root = ET.fromstring(chart)
    assert ("svg", "img") == (root.tag, root.get("role"))
    assert root.get("aria-label")
    tags = {element.tag for element in root.iter()}
    assert tags <= {"svg", "path", "line", "circle", "text", "rect", "image"}
    assert all({"style", "id"}.isdisjoint(element.attrib) for element in root.iter())
    assert "<script" not in chart
    assert not re.search("[\x1b\u202e]", chart)
    if kind in ("forest", "heat", "bars"):
        assert "日本語モデル" in {element.text for element in root.iter("text")}


def test_a_hostile_name_is_shown_as_it_is() -> None:
    """No formula is set from dollar signs and no element is made: the label is the name, its middle left out."""
    [label] = [
        element.text for element in ET.fromstring(charts()["forest"]).iter("text") if "script" in str(element.text)
    ]
    assert label is not None
    assert label.startswith("a<script>alert(1)")
    assert label.endswith("$\\frac{1}{2}$\ufffd\ufffd")


def test_points_stand_where_their_values_are() -> None:
    """Three equally spaced values make three equally spaced points, each on the middle of its interval."""
    chart = ET.fromstring(forest(bars(("a", 1, 0.5, 1.5), ("b", 2, 1.5, 2.5), ("c", 3, 2.5, 3.5)), title="t", axis="a"))
    points = [float(str(disc.get("cx"))) for disc in chart.iter("circle") if disc.get("class") == "fill-accent"]
    assert 3 == len(points)
    assert pytest.approx(points[1] - points[0], abs=0.02) == points[2] - points[1]
    lines = [
        [float(str(line.get(end))) for end in ("x1", "x2")]
        for line in chart.iter("line")
        if line.get("class") == "stroke-accent"
    ]
    assert pytest.approx(points, abs=0.02) == [sum(line) / 2 for line in lines]
    # The axis agrees: its mark at 2 stands where the second point does.
    [two] = [text for text in chart.iter("text") if float_of(text.text) == 2]
    assert pytest.approx(points[1], abs=0.02) == float(str(two.get("x")))


def test_shares_fill_the_bar() -> None:
    """Shares of 25 and 75 percent are drawn a quarter and three quarters long, in the colours of the two levels."""
    chart = ET.fromstring(distribution(["a"], np.array([[0.25, 0.75]]), title="t", axis="a"))
    lengths = {rect.get("fill"): float(str(rect.get("width"))) for rect in chart.iter("rect")}
    assert level_colours(2) == list(lengths)
    assert pytest.approx(3, rel=1e-3) == lengths[level_colours(2)[1]] / lengths[level_colours(2)[0]]


def test_the_heat_map_is_a_picture_of_the_scores() -> None:
    """Decoded by another library: a pixel a score, dark to light from the lowest to the highest, grey for none."""
    chart = ET.fromstring(charts()["heat"])
    [image] = chart.iter("image")
    assert ("3", "2") == (image.get("width"), image.get("height"))
    pixels = imread(io.BytesIO(base64.b64decode(str(image.get("href")).partition(",")[2])), format="png")
    assert (2, 3, 4) == pixels.shape
    low, high, none = (pixels[0] * 255).round().astype(int).tolist()
    cividis = (colormaps["cividis"]([0.0, 1.0]) * 255).round().astype(int).tolist()
    assert [low, high] == cividis
    assert [136, 136, 136, 89] == none


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_marks_of_an_axis_are_round_figures_within_it(low: float, width: float) -> None:
    """Between one and eight, in order, as they are written, none outside."""
    found = figure_ticks(low, low + width)
    assert 1 <= len(found) <= 8
    assert all(
        low - 1e-9 * (abs(low) + width) <= value <= low + width * (1 + 1e-9) + 1e-9 * abs(low) for value, _ in found
    )
    assert all(x < y for (x, _), (y, _) in pairwise(found))
    assert all(pytest.approx(value, abs=1e-9) == float_of(text) for value, text in found)


def float_of(text: str | None) -> float | None:
    """Return a figure that is written on an axis, None for other text."""
    try:
        return float(str(text).replace("−", "-"))
    except ValueError:
        return None


def test_a_chart_is_the_same_every_time() -> None:
    """No date, no random id: an unchanged run gives an unchanged file."""
    assert charts() == charts()


def test_levels_are_told_apart_without_colour_vision() -> None:
    """Neighbouring colours of the five levels differ in lightness or hue also under simulated deuteranopia."""
    # Vienot, Brettel & Mollon (1999), linear RGB: what a deuteranope sees of red and green is their mixture.
    seen = []
    for colour in level_colours(5):
        red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
        seen.append(
            (0.29275 * red + 0.70725 * green, 0.29275 * red + 0.70725 * green, -0.02234 * red + 0.02234 * green + blue)
        )
    apart = [max(abs(x - y) for x, y in zip(one, two, strict=True)) for one, two in pairwise(seen)]
    assert min(apart) > 0.15
