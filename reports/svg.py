"""Charts as SVG text for report.html, written element by element: no style, no id, nothing that loads.

Ink, lines and accents are CSS classes, so that a chart follows the page's light or dark colours; words stay text.
Colours carry no meaning alone: they are from Okabe & Ito (2008) and the cividis map (Nuñez, Anderton & Renslow 2018),
which colour-blind people can tell apart, and every chart has its figures in words or in a table beside it.
"""

import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

import numpy as np
import numpy.typing as npt

from harness.types import Scale
from reports.formatting import columns, printable, shortened

Pixels = npt.NDArray[np.uint8]

# Okabe & Ito's vermilion to blue through a neutral grey: low to high on a scale of five.
_LIKERT = ("#b2450e", "#e69f00", "#d0d0d0", "#6baed6", "#0063a3")
# Cividis at thirteen even places; straight lines between them are within 8 of 255 of it.
_CIVIDIS = ("#00224e", "#003170", "#2a3f6d", "#434e6c", "#575d6d", "#6a6c71", "#7d7c78",
            "#918b78", "#a59c74", "#bcae6c", "#d2c060", "#e9d34e", "#fee838")  # fmt: skip
_NO_SCORE = (136, 136, 136, 89)  # as the swatch of the page

# In points, of which the page makes what fits.
_ROW = 16.0  # height of each row of a chart
_LABEL = 38  # columns of text beside a chart
_FONT = 9.5
_HALF_LINE = 3.3  # from the middle of a line of text down to where its letters stand
_TALL = 20  # rows from which on the axis is written above them too
_LABEL_WIDTH = (60.0, 236.0)  # as wide as the longest name needs, between these
_PLOT_WIDTH = 320.0
_WIDEST = 880.0
_COLUMN = 6.0  # what a column of text takes at most
_TICK = 12
_TOP, _BOTTOM, _RIGHT = 20.0, 34.0, 16.0
_TICKS = 7  # marks on an axis of figures at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of a forest plot. ``tone``: better, worse, accent or muted; ``low`` and ``high`` None: no interval."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    tone: str = "accent"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """A chart's rows with their names, which are as shown, and its axis, which begins at ``left``, from low to high."""

    names: Sequence[str]
    left: float
    low: float
    high: float
    width: float

    @property
    def bottom(self) -> float:
        """Where the rows end and the axis is drawn."""
        return _TOP + _ROW * max(len(self.names), 1)

    def x(self, value: float) -> float:
        """Return where a figure stands."""
        return self.left + self.width * (value - self.low) / (self.high - self.low)

    def y(self, row: int) -> float:
        """Return the middle of a row."""
        return _TOP + _ROW * (row + 0.5)


def forest(bars: Sequence[Bar], *, title: str, axis: str, zero: float | None = None) -> str:
    """Return a forest plot: a point and its interval for each line, top to bottom. ``zero``: where a rule stands."""
    values = [value for bar in bars for value in (bar.low, bar.value, bar.high) if value is not None]
    values += [zero] if zero is not None else []
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.05 * (high - low) or 0.5
    frame = _frame(names=[bar.name for bar in bars], low=low - margin, high=high + margin)
    ticks = figure_ticks(frame.low, frame.high)
    parts = [
        _line(frame.x(tick), _TOP, frame.x(tick), frame.bottom, kind="stroke-line", width=0.6) for tick, _ in ticks
    ]
    if zero is not None:
        parts.append(_line(frame.x(zero), _TOP, frame.x(zero), frame.bottom, kind="stroke-muted", width=0.9))
    for row, bar in enumerate(bars):
        if bar.low is not None and bar.high is not None:
            y = frame.y(row)
            parts.append(_line(frame.x(bar.low), y, frame.x(bar.high), y, kind=f"stroke-{bar.tone}", width=1.6))
        if bar.value is not None:
            parts.append(_point(frame.x(bar.value), frame.y(row), bar.tone))
    return _chart(frame, [*parts, *_axis(frame, ticks, axis)], title)


def trend(bars: Sequence[Bar], *, title: str, axis: str, places: str, lines: Sequence[tuple[float, str]] = ()) -> str:
    """Return points with their intervals from left to right, the best so far as steps, and ``lines`` at given heights.

    ``places`` is what the horizontal axis counts, ``axis`` what the vertical one measures.
    """
    known = [value for bar in bars for value in (bar.low, bar.value, bar.high) if value is not None]
    heights = [*known, 0.0, *(height for height, _ in lines)]
    low, high = min(heights), max(heights)
    margin = 0.06 * (high - low) or 0.5
    low, high = low - margin, high + margin
    left, top, tall = 52.0, 14.0, 220.0
    wide = min(_WIDEST, max(1.6 * _PLOT_WIDTH, 22.0 * len(bars)))
    beside = max((columns(label) * _COLUMN for _, label in lines), default=0.0)

    def x(place: float) -> float:
        return left + wide * (place + 0.5) / max(len(bars), 1)

    def y(value: float) -> float:
        return top + tall * (high - value) / (high - low)

    parts = []
    for value, label in figure_ticks(low, high):
        parts.append(_line(left, y(value), left + wide, y(value), kind="stroke-line", width=0.6))
        parts.append(_text(label, left - 6, y(value) + _HALF_LINE, anchor="end"))
    parts.append(_line(left, y(0.0), left + wide, y(0.0), kind="stroke-muted", width=0.9))
    for height, label in lines:
        parts.append(_line(left, y(height), left + wide, y(height), kind="stroke-muted dashed", width=0.9))
        parts.append(_text(label, left + wide + 6, y(height) + _HALF_LINE, kind="fill-muted", anchor="start"))
    best: float | None = None
    for place, bar in enumerate(bars):
        if bar.low is not None and bar.high is not None:
            parts.append(_line(x(place), y(bar.low), x(place), y(bar.high), kind=f"stroke-{bar.tone}", width=1.4))
        if bar.value is not None:
            if best is not None and bar.value > best:
                parts.append(_line(x(place), y(best), x(place), y(bar.value), kind="stroke-ink", width=0.8))
            best = bar.value if best is None else max(best, bar.value)
            parts.append(_point(x(place), y(bar.value), bar.tone))
        if best is not None:
            parts.append(
                _line(x(place), y(best), min(x(place + 1), left + wide), y(best), kind="stroke-ink", width=0.8)
            )
    step = max(1, -(-len(bars) // 20))
    parts += [_text(str(place + 1), x(place), top + tall + 13) for place in range(0, len(bars), step)]
    parts += [
        _text(places, left + wide / 2, top + tall + 27, kind="fill-muted"),
        _text(axis, left, top - 4, kind="fill-muted", anchor="start"),
    ]
    return _svg(left + wide + beside + _RIGHT, top + tall + _BOTTOM, parts, title)


def distribution(names: Sequence[str], shares: npt.NDArray[np.float64], *, title: str, axis: str) -> str:
    """Return stacked bars: ``shares`` of shape (rows, levels) between 0 and 1, the lowest level on the left."""
    frame = _frame(names=names, low=0.0, high=1.0)
    colours = level_colours(shares.shape[1])
    high = 0.78 * _ROW
    parts = [
        _element(
            "rect",
            x=frame.x(right - share),
            y=frame.y(row) - high / 2,
            width=frame.width * share,
            height=high,
            fill=colour,
        )
        for row, own in enumerate(shares)
        for share, right, colour in zip(own, np.cumsum(own), colours, strict=True)
        if share > 0
    ]
    quarters = [(place / 4, f"{place * 25} %") for place in range(5)]
    return _chart(frame, [*parts, *_axis(frame, quarters, axis)], title)


def level_colours(count: int) -> list[str]:
    """Return a colour for each level of a scale, lowest first.

    >>> level_colours(2), len(level_colours(9))
    (['#b2450e', '#0063a3'], 9)
    """
    if count <= len(_LIKERT):
        places = np.linspace(0, len(_LIKERT) - 1, count).round().astype(int)
        return [_LIKERT[place] for place in places]
    return [f"#{bytes(colour[:3]).hex()}" for colour in _cividis(np.linspace(0, 1, count))]


def heat_map(
    names: Sequence[str],
    scores: npt.NDArray[np.float64],
    scale: Scale,
    *,
    title: str,
    axis: str,
    ticks: Sequence[str],
) -> str:
    """Return a heat map: ``scores`` of shape (rows, samples), NaN where there is none; a pixel each, in one picture."""
    count = scores.shape[1]
    width = max(_PLOT_WIDTH, min(_WIDEST, 24.0 * count))
    frame = _frame(names=names, low=0.0, high=max(count, 1), width=width)
    labels = [_shown(tick, _TICK) for tick in ticks]
    needed = (max(map(columns, labels), default=1) + 2) * _COLUMN
    places = range(0, count, ceil(needed * count / width) or 1)
    pixels = _cividis((scores - scale.low) / (scale.high - scale.low))
    picture = _picture(pixels, f"translate({_number(frame.left)} {_number(_TOP)})", width, _ROW * len(names))
    return _chart(frame, [picture, *_axis(frame, [(place + 0.5, labels[place]) for place in places], axis)], title)


def scale_bar(*, title: str) -> str:
    """Return the colours of the heat map, the lowest score's on the left."""
    return _svg(160, 10, [_picture(_cividis(np.linspace(0, 1, 64)[None, :]), "translate(0 0)", 160, 10)], title)


def figure_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return the round figures of an axis, 1, 2, 2.5 or 5 times a power of ten apart, with how they are written.

    >>> [text for _, text in figure_ticks(-0.33, 1.2)]
    ['−0.25', '0.00', '0.25', '0.50', '0.75', '1.00']
    """
    power = floor(log10((high - low) / _TICKS))
    more = {1.0: 0, 2.0: 0, 2.5: 1, 5.0: 0, 10.0: -1}  # digits that a step has more than its power of ten
    factor = next(factor for factor in more if (high - low) < _TICKS * factor * 10.0**power)
    step, digits = factor * 10.0**power, max(0, more[factor] - power)
    places = range(ceil(low / step), floor(high / step) + 1)
    return [(place * step, f"{place * step:.{digits}f}".replace("-", "−")) for place in places]


def _cividis(places: npt.NDArray[np.float64]) -> Pixels:
    """Return the colour of each place between 0 and 1 as red, green, blue and opacity; grey for NaN."""
    anchors = np.array([tuple(bytes.fromhex(colour[1:])) for colour in _CIVIDIS])
    known = ~np.isnan(places)
    pixels = np.empty((*places.shape, 4), dtype=np.uint8)
    at, even = np.where(known, places, 0.0), np.linspace(0, 1, len(anchors))
    for channel in range(3):
        pixels[..., channel] = np.interp(at, even, anchors[:, channel]).round()
    pixels[..., 3] = 255
    pixels[~known] = _NO_SCORE
    return pixels


def _axis(frame: _Frame, ticks: Sequence[tuple[float, str]], title: str) -> list[str]:
    """Return the axis under the rows, and above them too where they are many."""
    y = frame.bottom
    parts = [_line(frame.left, y, frame.left + frame.width, y, kind="stroke-muted", width=0.8)]
    for value, label in ticks:
        x = frame.x(value)
        parts += [_line(x, y, x, y + 3, kind="stroke-muted", width=0.8), _text(label, x, y + 13)]
        if len(frame.names) > _TALL:
            parts += [_line(x, _TOP - 3, x, _TOP, kind="stroke-muted", width=0.8), _text(label, x, _TOP - 6)]
    return [*parts, _text(title, frame.left + frame.width / 2, y + 26.7, kind="fill-muted")]


def _point(x: float, y: float, tone: str) -> str:
    """Return a point: a triangle upwards or downwards for better and worse, else a disc."""
    if tone not in ("better", "worse"):
        return _element("circle", cx=x, cy=y, r=2.6, class_=f"fill-{tone}")
    up = 3.2 if tone == "better" else -3.2
    corners = f"M{_number(x - 3.2)} {_number(y + up)}H{_number(x + 3.2)}L{_number(x)} {_number(y - up)}Z"
    return _element("path", d=corners, class_=f"fill-{tone}")


def _line(x1: float, y1: float, x2: float, y2: float, *, kind: str, width: float) -> str:
    return _element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind, stroke_width=width)


def _text(text: str, x: float, y: float, *, kind: str = "fill-ink", anchor: str = "middle") -> str:
    return _element("text", printable(text), x=x, y=y, class_=kind, font_size=_FONT, text_anchor=anchor)


def _picture(pixels: Pixels, place: str, width: float, height: float) -> str:
    """Return pixels of shape (rows, columns, 4) as one picture, whose own width and height are their numbers."""
    rows, count = pixels.shape[:2]
    if not rows or not count:
        return ""
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    header = struct.pack(">IIBBBBB", count, rows, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return _element(
        "image", href=f"data:image/png;base64,{b64encode(png).decode()}", width=count, height=rows,
        transform=f"{place} scale({width / count:.6g} {height / rows:.6g})", preserveAspectRatio="none",
        image_rendering="pixelated",
    )  # fmt: skip


def _frame(names: Sequence[str], low: float, high: float, width: float = _PLOT_WIDTH) -> _Frame:
    """Return the frame of a chart, as wide as its names need."""
    shown = [_shown(name, _LABEL) for name in names]
    needed = max(map(columns, shown), default=0) * _COLUMN + 12.0
    left = min(max(needed, _LABEL_WIDTH[0]), _LABEL_WIDTH[1])
    return _Frame(names=shown, left=left, low=low, high=high, width=width)


def _shown(name: str, width: int) -> str:
    return shortened(" ".join(printable(name).split()), width)


def _chart(frame: _Frame, parts: Sequence[str], title: str) -> str:
    """Return a chart with the names left of its rows."""
    names = [
        _text(name, frame.left - 7, frame.y(row) + _HALF_LINE, anchor="end") for row, name in enumerate(frame.names)
    ]
    return _svg(frame.left + frame.width + _RIGHT, frame.bottom + _BOTTOM, [*names, *parts], title)


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    """Return an ``<svg>`` element; ``title`` is its text alternative."""
    box = f"0 0 {_number(width)} {_number(height)}"
    opening = _element("svg", viewBox=box, width=width, height=height, class_="chart", role="img",
                       aria_label=printable(title))  # fmt: skip
    return f"{opening.removesuffix('</svg>')}{''.join(parts)}</svg>"


def _element(tag: str, text: str = "", /, **attributes: object) -> str:
    """Return one element, everything escaped; an attribute's name has ``_`` for ``-``.

    >>> _element("text", "<a>", x=1.0, class_="fill-ink", font_size=9.5)
    '<text x="1" class="fill-ink" font-size="9.5">&lt;a&gt;</text>'
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_number(value) if isinstance(value, float) else escape(str(value))}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{given}>{escape(text)}</{tag}>"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
