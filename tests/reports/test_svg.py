"""Charts: what they show, at the places where it belongs, as SVG that a strict page takes."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from harness.types import LIKERT_5
from reports.svg import Bar, distribution, forest, heat_map, level_colours, scale_bar

HOSTILE = "a<script>alert(1)</script>&$\\frac{1}{2}$\x1b\u202e"


def bars(*values: tuple[str, float | None, float | None, float | None]) -> list[Bar]:
    return [Bar(name=name, value=value, low=low, high=high) for name, value, low, high in values]


def charts() -> dict[str, str]:
    names = [HOSTILE, "日本語モデル"]
    intervals = bars((HOSTILE, 3, 2, 4), ("日本語モデル", None, None, None))
    scores = np.array([[1, 5, np.nan]] * 2)
    ticks = ["0", HOSTILE, "2"]
    return {
        "forest": forest(intervals, name="a", title=HOSTILE, axis="平均"),
        "bars": distribution(names, np.array([[0.5, 0.5], [0, 0]]), name="b", title="t", axis="割合"),
        "heat": heat_map(names, scores, LIKERT_5, name="c", title="t", axis="問題", ticks=ticks),
        "scale": scale_bar(name="d", title="t"),
    }


@pytest.mark.parametrize("kind", ["forest", "bars", "heat", "scale"])
def test_a_chart_is_clean_svg(kind: str) -> None:
    """Well-formed, without scripts, styles or foreign elements; ids start with the chart's name; words stay words."""
    chart = charts()[kind]
    root = ET.fromstring(chart)
    assert ("svg", "img") == (root.tag, root.get("role"))
    assert root.get("aria-label")
    tags = {element.tag for element in root.iter()}
    assert tags <= {"svg", "g", "defs", "path", "use", "text", "clipPath", "rect", "image"}
    assert all("style" not in element.attrib for element in root.iter())
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert [] == [name for name in ids if name[:2] not in {"a-", "b-", "c-", "d-"}]
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
    chart = ET.fromstring(
        forest(bars(("a", 1, 0.5, 1.5), ("b", 2, 1.5, 2.5), ("c", 3, 2.5, 3.5)), name="x", title="t", axis="a")
    )
    points = [float(str(use.get("x"))) for use in chart.iter("use") if "fill-accent" in str(use.get("class"))]
    assert 3 == len(points)
    assert pytest.approx(points[1] - points[0], abs=0.02) == points[2] - points[1]
    lines = [
        re.findall(r"[\d.]+", str(path.get("d"))) for path in chart.iter("path") if path.get("class") == "stroke-accent"
    ]
    middles = [(float(line[0]) + float(line[2])) / 2 for line in lines if len(line) == 4]
    assert pytest.approx(points, abs=0.02) == middles


def test_shares_fill_the_bar() -> None:
    """Shares of 25 and 75 percent are drawn a quarter and three quarters long, in the colours of the two levels."""
    chart = ET.fromstring(distribution(["a"], np.array([[0.25, 0.75]]), name="x", title="t", axis="a"))
    lengths = {}
    for path in chart.iter("path"):
        if path.get("stroke") in level_colours(2):
            start, _, end, _ = map(float, re.findall(r"[\d.]+", str(path.get("d"))))
            lengths[path.get("stroke")] = end - start
    assert pytest.approx(3, rel=1e-3) == lengths[level_colours(2)[1]] / lengths[level_colours(2)[0]]


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
