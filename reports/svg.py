"""Charts as SVG text for report.html: drawn by matplotlib, then freed of everything that a page cannot style.

Ink, lines and accents become CSS classes, so that a chart follows the page's light or dark colours; words stay text.
Colours carry no meaning alone: they are from Okabe & Ito (2008) and the cividis map, which colour-blind people can
tell apart, and every chart has its figures in words or in a table beside it.
"""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from harness.types import Scale
from reports.formatting import columns, printable, shortened

# Stand-ins that become the CSS classes of the page.
_INK, _MUTED, _LINE, _ACCENT, _BETTER, _WORSE = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
_CLASSES: Mapping[str, str] = {
    _INK: "ink",
    _MUTED: "muted",
    _LINE: "line",
    _ACCENT: "accent",
    _BETTER: "better",
    _WORSE: "worse",
}
# Okabe & Ito's vermilion to blue through a neutral grey: low to high on a scale of five.
_LIKERT = ("#b2450e", "#e69f00", "#d0d0d0", "#6baed6", "#0063a3")
_NO_SCORE = "#8884"

_INCH = 72.0
_ROW = 16.0  # points of height for each row of a chart
_LABEL = 38  # columns of text beside a chart
_FONT = 9.5
_TALL = 20  # rows from which on the axis is written above them too
_LABEL_WIDTH = (60.0, 236.0)  # as wide as the longest name needs, between these
_PLOT_WIDTH = 320.0
_WIDEST = 880.0
_COLUMN = 6.0  # points that a column of text takes at most
_TICK = 12
_TOP, _BOTTOM, _RIGHT = 20.0, 34.0, 16.0
_UNWANTED = frozenset(
    f"{{http://www.w3.org/2000/svg}}{tag}" for tag in ("metadata", "style")
)  # style: of the whole page
_REFERENCE = re.compile(r"#([\w-]+)")
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")
# What an element of a chart may keep.
_ATTRIBUTES = frozenset(
    {
        *("d", "x", "y", "width", "height", "transform", "viewBox", "preserveAspectRatio"),
        *("fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-linecap", "stroke-dasharray"),
        *("opacity", "text-anchor", "font-size", "image-rendering"),
    }
)
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of a forest plot. ``tone``: better, worse, accent or muted; ``low`` and ``high`` None: no interval."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    tone: str = "accent"


def forest(bars: Sequence[Bar], *, name: str, title: str, axis: str, zero: float | None = None) -> str:
    """Return a forest plot: a point and its interval for each line, top to bottom. ``zero``: where a rule stands."""
    figure, axes = _figure([bar.name for bar in bars], axis)
    colours = {"better": _BETTER, "worse": _WORSE, "accent": _ACCENT, "muted": _MUTED}
    markers = {"better": "^", "worse": "v", "accent": "o", "muted": "o"}
    if zero is not None:
        axes.axvline(zero, color=_MUTED, linewidth=0.9)
    for tone in dict.fromkeys(bar.tone for bar in bars):
        own = [(place, bar) for place, bar in enumerate(bars) if bar.tone == tone]
        spans = [(place, bar.low, bar.high) for place, bar in own if bar.low is not None and bar.high is not None]
        points = [(place, bar.value) for place, bar in own if bar.value is not None]
        if spans:
            places, lows, highs = zip(*spans, strict=True)
            axes.hlines(places, lows, highs, color=colours[tone], linewidth=1.6)
        if points:
            places, values = zip(*points, strict=True)
            axes.plot(values, places, markers[tone], color=colours[tone], markersize=4.6)
    _label_rows(axes, [bar.name for bar in bars])
    axes.grid(axis="x", color=_LINE, linewidth=0.6)
    return _svg(figure, name, title)


def distribution(names: Sequence[str], shares: npt.NDArray[np.float64], *, name: str, title: str, axis: str) -> str:
    """Return stacked bars: ``shares`` of shape (rows, levels) between 0 and 1, the lowest level on the left."""
    figure, axes = _figure(names, axis)
    colours = level_colours(shares.shape[1])
    left = np.zeros(len(names))
    places = np.arange(len(names))
    for level in range(shares.shape[1]):
        right = left + shares[:, level]
        given = right > left
        axes.hlines(places[given], left[given], right[given], color=colours[level], linewidth=0.78 * _ROW)
        left = right
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    _label_rows(axes, names)
    return _svg(figure, name, title)


def level_colours(count: int) -> list[str]:
    """Return a colour for each level of a scale, lowest first.

    >>> level_colours(2), len(level_colours(9))
    (['#b2450e', '#0063a3'], 9)
    """
    if count <= len(_LIKERT):
        places = np.linspace(0, len(_LIKERT) - 1, count).round().astype(int)
        return [_LIKERT[place] for place in places]
    return [to_hex(colour) for colour in colormaps["cividis"](np.linspace(0, 1, count))]


def heat_map(
    names: Sequence[str],
    scores: npt.NDArray[np.float64],
    scale: Scale,
    *,
    name: str,
    title: str,
    axis: str,
    ticks: Sequence[str],
) -> str:
    """Return a heat map: ``scores`` of shape (rows, samples), NaN where there is none; a pixel each, in one picture."""
    width = max(_PLOT_WIDTH, min(_WIDEST, 24.0 * scores.shape[1]))
    figure, axes = _figure(names, axis, width=width)
    colours = colormaps["cividis"].with_extremes(bad=_NO_SCORE)
    known = np.ma.masked_invalid(scores)
    axes.imshow(known, cmap=colours, vmin=scale.low, vmax=scale.high, aspect="auto", interpolation="none")
    labels = [_shown(tick, _TICK) for tick in ticks]
    needed = (max(map(columns, labels), default=1) + 2) * _COLUMN
    places = list(range(0, scores.shape[1], ceil(needed * scores.shape[1] / width)))
    axes.set_xticks(places, [labels[place] for place in places], parse_math=False)
    _label_rows(axes, names)
    return _svg(figure, name, title)


def scale_bar(*, name: str, title: str) -> str:
    """Return the colours of the heat map, the lowest score's on the left."""
    figure = Figure(figsize=(160 / _INCH, 10 / _INCH), facecolor="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(np.linspace(0, 1, 64)[None, :], cmap="cividis", aspect="auto", interpolation="none")
    axes.axis("off")
    return _svg(figure, name, title)


def _figure(names: Sequence[str], axis: str, *, width: float = _PLOT_WIDTH) -> tuple[Figure, Axes]:
    rows = len(names)
    label = max((columns(_shown(name, _LABEL)) for name in names), default=0) * _COLUMN + 12.0
    label = min(max(label, _LABEL_WIDTH[0]), _LABEL_WIDTH[1])
    total = label + width + _RIGHT
    height = _TOP + _BOTTOM + _ROW * max(rows, 1)
    figure = Figure(figsize=(total / _INCH, height / _INCH), facecolor="none")
    axes = figure.add_axes(
        (label / total, _BOTTOM / height, width / total, (height - _TOP - _BOTTOM) / height), facecolor="none"
    )
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_MUTED)
    axes.tick_params(
        axis="x", top=rows > _TALL, labeltop=rows > _TALL, color=_MUTED, labelcolor=_INK, labelsize=_FONT, length=3
    )
    axes.set_xlabel(axis, color=_MUTED, fontsize=_FONT, parse_math=False)
    axes.set_axisbelow(True)
    return figure, axes


def _label_rows(axes: Axes, names: Sequence[str]) -> None:
    """Write the names left of the rows: as plain texts, which are drawn several times faster than tick labels."""
    axes.set_yticks([])
    axes.set_ylim(len(names) - 0.5, -0.5)
    for place, name in enumerate(names):
        axes.annotate(
            _shown(name, _LABEL),
            (0, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-7, 0),
            textcoords="offset points",
            horizontalalignment="right",
            verticalalignment="center",
            fontsize=_FONT,
            color=_INK,
            parse_math=False,
        )


def _shown(name: str, width: int) -> str:
    return shortened(" ".join(printable(name).split()), width)


def _svg(figure: Figure, name: str, title: str) -> str:
    """Return the figure as an ``<svg>`` element: ``name`` is unique in the page, ``title`` is its text alternative."""
    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ja-harness"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # measured with, never drawn
        figure.set_canvas(FigureCanvasSVG(figure))
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    root = ET.fromstring(text.getvalue())  # noqa: S314 - what matplotlib has just written
    used = set(_REFERENCE.findall(text.getvalue()))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in _UNWANTED:
                parent.remove(child)
    for element in root.iter():
        _clean(element, name, used)
    box = root.attrib["viewBox"]
    width, height = box.split()[2:]
    root.attrib.clear()
    root.attrib |= {
        "viewBox": box,
        "width": width,
        "height": height,
        "class": "chart",
        "role": "img",
        "aria-label": printable(title),
    }
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element, name: str, used: set[str]) -> None:
    """Turn one element into what a strict page takes: no namespaces, no inline style, ids of its own, short numbers."""
    element.tag = element.tag.removeprefix(_SVG)
    element.text = element.text if element.tag == "text" else None
    element.tail = None
    attributes: dict[str, str] = {}
    classes: list[str] = []
    for key, value in {**element.attrib, **_declarations(element.attrib.get("style", ""))}.items():
        if key in ("fill", "stroke") and value in _CLASSES:
            classes.append(f"{key}-{_CLASSES[value]}")
        elif key == "id":
            attributes |= {"id": f"{name}-{value}"} if value in used else {}
        elif key == f"{_XLINK}href":
            attributes["href"] = f"#{name}-{value[1:]}" if value.startswith("#") else value
        elif key == "clip-path":
            attributes[key] = value.replace("url(#", f"url(#{name}-")
        elif key in _ATTRIBUTES:
            attributes[key] = _DECIMALS.sub(_shorter, value)
    if classes:
        attributes["class"] = " ".join(classes)
    element.attrib.clear()
    element.attrib |= attributes


def _declarations(style: str) -> dict[str, str]:
    """Return the declarations of a style attribute as attributes of their own.

    >>> _declarations("font: 8px 'DejaVu Sans', sans-serif; text-anchor: end")
    {'text-anchor': 'end', 'font-size': '8'}
    """
    parts = (part.partition(":") for part in style.split(";"))
    pairs = {key.strip(): value.strip() for key, _, value in parts if value}
    if size := re.match(r"([\d.]+)px", pairs.pop("font", "")):
        pairs["font-size"] = size[1]
    return pairs


def _shorter(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
