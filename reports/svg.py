"""Charts as SVG text for report.html, written element by element: no style, no id, nothing that loads.

Ink, lines and accents are CSS classes, so that a chart follows the page's light or dark colours; words stay text.
Colours carry no meaning alone: scores are on the cividis map (Nuñez, Anderton & Renslow 2018), which colour-blind
people can tell apart, and every chart has its figures in words or in a table beside it.
"""

import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from harness.types import Scale
from reports.formatting import columns, printable
from reports.svg_parts import (
    coordinate,
    draw_line,
    draw_point,
    draw_text,
    element,
    figure_ticks,
    fitted,
    picture,
    wrapped_lines,
)

Pixels = npt.NDArray[np.uint8]

# Cividis at thirteen even places; straight lines between them are within 8 of 255 of it.
_CIVIDIS = ("#00224e", "#003170", "#2a3f6d", "#434e6c", "#575d6d", "#6a6c71", "#7d7c78",
            "#918b78", "#a59c74", "#bcae6c", "#d2c060", "#e9d34e", "#fee838")  # fmt: skip
_NO_SCORE = (136, 136, 136, 89)  # as the swatch of the page

# In points, of which the page makes what fits.
_ROW = 16.0  # height of each row of a chart
_LABEL = 38  # columns of text beside a chart
_HALF_LINE = 3.3  # from the middle of a line of text down to where its letters stand
_TALL = 20  # rows from which on the axis is written above them too
_LABEL_WIDTH = (60.0, 236.0)  # as wide as the longest name needs, between these
_PLOT_WIDTH = 320.0
_WIDEST = 880.0
_COLUMN = 6.0  # what a column of text takes at most
_TICK = 12
_TOP, _BOTTOM, _RIGHT = 20.0, 34.0, 16.0
_NARROW, _EDGE, _PAIR = 360.0, 8.0, 32.0  # a plot for a phone: its width, its edge, and a name with its bar
_NARROW_COLUMNS = 58  # of text that fit into it
_LARGE = 11.0
_CELL = (120.0, 12.0)  # a bar in a table


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


def forest(
    bars: Sequence[Bar],
    *,
    title: str,
    axis: str,
    texts: Sequence[str] = (),
    zero: float | None = None,
    margin: float | None = None,
) -> str:
    """Return a forest plot as narrow as a phone: each line's name above its point and interval, its text beside it.

    ``zero``: where a rule stands · ``margin``: how far from it a band reaches on both sides.
    """
    around = [] if zero is None else [zero - (margin or 0.0), zero + (margin or 0.0)]
    values = [value for bar in bars for value in (bar.low, bar.value, bar.high) if value is not None] + around
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    low, high, inner = low - room, high + room, _NARROW - 2 * _EDGE
    bottom = _PAIR * len(bars) + 6.0

    def x(value: float) -> float:
        return _EDGE + inner * (value - low) / (high - low)

    parts = []
    for row, bar in enumerate(bars):
        y = _PAIR * row + 13.0
        text = texts[row] if row < len(texts) else ""
        left = _NARROW_COLUMNS - columns(text) - 2
        parts.append(draw_text(fitted(bar.name, left), _EDGE, y, anchor="start", size=_LARGE))
        parts.append(draw_text(text, _NARROW - _EDGE, y, anchor="end", size=_LARGE))
        y += 11.0
        if zero is not None:
            if margin:
                wide = x(zero + margin) - x(zero - margin)
                parts.append(element("rect", x=x(zero - margin), y=y - 6, width=wide, height=12.0, class_="fill-band"))
            parts.append(draw_line(x(zero), y - 6, x(zero), y + 6, kind="stroke-muted", width=0.9))
        if bar.low is not None and bar.high is not None:
            parts.append(draw_line(x(bar.low), y, x(bar.high), y, kind=f"stroke-{bar.tone}", width=2.2))
        if bar.value is not None:
            parts.append(draw_point(x(bar.value), y, bar.tone))
    parts.append(draw_line(_EDGE, bottom, _NARROW - _EDGE, bottom, kind="stroke-muted", width=0.8))
    for value, label in figure_ticks(low, high):
        parts.append(draw_line(x(value), bottom, x(value), bottom + 3, kind="stroke-muted", width=0.8))
        parts.append(draw_text(label, x(value), bottom + 14, size=_LARGE - 1))
    lines = wrapped_lines(printable(axis), _NARROW_COLUMNS)
    for place, line in enumerate(lines):
        parts.append(draw_text(line, _NARROW / 2, bottom + 28 + 13 * place, kind="fill-muted", size=_LARGE - 1))
    return picture(_NARROW, bottom + 34 + 13 * (len(lines) - 1), parts, title)


def interval_bar(bar: Bar, low: float, high: float, *, zero: float | None = None) -> str:
    """Return one line of a forest plot for a cell of a table, on an axis from ``low`` to ``high``; words beside it."""

    def x(value: float) -> float:
        return 3.0 + (_CELL[0] - 6.0) * (value - low) / ((high - low) or 1.0)

    middle, parts = _CELL[1] / 2, []
    if zero is not None:
        parts.append(draw_line(x(zero), 0.0, x(zero), _CELL[1], kind="stroke-muted", width=0.8))
    if bar.low is not None and bar.high is not None:
        parts.append(draw_line(x(bar.low), middle, x(bar.high), middle, kind=f"stroke-{bar.tone}", width=2.0))
    if bar.value is not None:
        parts.append(draw_point(x(bar.value), middle, bar.tone))
    opening = element("svg", viewBox=f"0 0 {_CELL[0]:g} {_CELL[1]:g}", class_="mini", aria_hidden="true")
    return f"{opening.removesuffix('</svg>')}{''.join(parts)}</svg>"


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
        parts.append(draw_line(left, y(value), left + wide, y(value), kind="stroke-line", width=0.6))
        parts.append(draw_text(label, left - 6, y(value) + _HALF_LINE, anchor="end"))
    parts.append(draw_line(left, y(0.0), left + wide, y(0.0), kind="stroke-muted", width=0.9))
    for height, label in lines:
        parts.append(draw_line(left, y(height), left + wide, y(height), kind="stroke-muted dashed", width=0.9))
        parts.append(draw_text(label, left + wide + 6, y(height) + _HALF_LINE, kind="fill-muted", anchor="start"))
    best: float | None = None
    for place, bar in enumerate(bars):
        if bar.low is not None and bar.high is not None:
            parts.append(draw_line(x(place), y(bar.low), x(place), y(bar.high), kind=f"stroke-{bar.tone}", width=1.4))
        if bar.value is not None:
            if best is not None and bar.value > best:
                parts.append(draw_line(x(place), y(best), x(place), y(bar.value), kind="stroke-ink", width=0.8))
            best = bar.value if best is None else max(best, bar.value)
            parts.append(draw_point(x(place), y(bar.value), bar.tone))
        if best is not None:
            parts.append(
                draw_line(x(place), y(best), min(x(place + 1), left + wide), y(best), kind="stroke-ink", width=0.8)
            )
    step = max(1, -(-len(bars) // 20))
    parts += [draw_text(str(place + 1), x(place), top + tall + 13) for place in range(0, len(bars), step)]
    parts += [
        draw_text(places, left + wide / 2, top + tall + 27, kind="fill-muted"),
        draw_text(axis, left, top - 4, kind="fill-muted", anchor="start"),
    ]
    return picture(left + wide + beside + _RIGHT, top + tall + _BOTTOM, parts, title)


def distribution(names: Sequence[str], shares: npt.NDArray[np.float64], *, title: str, axis: str) -> str:
    """Return stacked bars, as narrow as a phone, each under its name.

    ``shares`` of shape (rows, levels) between 0 and 1, the lowest level on the left.
    """
    inner, parts = _NARROW - 2 * _EDGE, []
    bottom, colours = _PAIR * len(names) + 6.0, level_colours(shares.shape[1])
    for row, (name, own) in enumerate(zip(names, shares, strict=True)):
        y = _PAIR * row + 13.0
        parts.append(draw_text(fitted(name, _NARROW_COLUMNS), _EDGE, y, anchor="start", size=_LARGE))
        parts += [
            element("rect", x=_EDGE + inner * (right - share), y=y + 4, width=inner * share, height=12.0, fill=colour)
            for share, right, colour in zip(own, np.cumsum(own), colours, strict=True)
            if share > 0
        ]
    parts.append(draw_line(_EDGE, bottom, _NARROW - _EDGE, bottom, kind="stroke-muted", width=0.8))
    for place, anchor in ((0, "start"), (1, "middle"), (2, "end")):
        at = _EDGE + inner * place / 2
        parts.append(draw_text(f"{place * 50} %", at, bottom + 14, anchor=anchor, size=_LARGE - 1))
    parts.append(draw_text(axis, _NARROW / 2, bottom + 28, kind="fill-muted", size=_LARGE - 1))
    return picture(_NARROW, bottom + 34, parts, title)


def level_colours(count: int) -> list[str]:
    """Return a colour for each level of a scale, lowest first: the same in every chart, table and badge.

    >>> level_colours(2), len(level_colours(9))
    (['#00224e', '#fee838'], 9)
    """
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
    labels = [fitted(tick, _TICK) for tick in ticks]
    needed = (max(map(columns, labels), default=1) + 2) * _COLUMN
    places = range(0, count, ceil(needed * count / width) or 1)
    pixels = _cividis((scores - scale.low) / (scale.high - scale.low))
    picture = _picture(pixels, f"translate({coordinate(frame.left)} {coordinate(_TOP)})", width, _ROW * len(names))
    return _chart(frame, [picture, *_axis(frame, [(place + 0.5, labels[place]) for place in places], axis)], title)


def scale_bar(*, title: str) -> str:
    """Return the colours of the heat map, the lowest score's on the left."""
    return picture(160, 10, [_picture(_cividis(np.linspace(0, 1, 64)[None, :]), "translate(0 0)", 160, 10)], title)


def level_bars(levels: Sequence[tuple[str, float, str]], *, title: str) -> str:
    """Return upright bars: each with its name below, its share of 1 as height, and what is said of it above."""
    wide, tall = _NARROW / max(len(levels), 1), 56.0
    most = max((share for _, share, _ in levels), default=0.0) or 1.0
    parts = []
    for place, ((name, share, said), colour) in enumerate(zip(levels, level_colours(len(levels)), strict=True)):
        high = tall * share / most
        middle = wide * (place + 0.5)
        parts.append(
            element("rect", x=middle - 0.38 * wide, y=16.0 + tall - high, width=0.76 * wide, height=high, fill=colour)
        )
        parts.append(draw_text(said, middle, 12.0 + tall - high))
        parts.append(draw_text(name, middle, tall + 29.0, kind="fill-muted"))
    return picture(_NARROW, tall + 34.0, parts, title)


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
    parts = [draw_line(frame.left, y, frame.left + frame.width, y, kind="stroke-muted", width=0.8)]
    for value, label in ticks:
        x = frame.x(value)
        parts += [draw_line(x, y, x, y + 3, kind="stroke-muted", width=0.8), draw_text(label, x, y + 13)]
        if len(frame.names) > _TALL:
            parts += [draw_line(x, _TOP - 3, x, _TOP, kind="stroke-muted", width=0.8), draw_text(label, x, _TOP - 6)]
    return [*parts, draw_text(title, frame.left + frame.width / 2, y + 26.7, kind="fill-muted")]


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
    return element(
        "image", href=f"data:image/png;base64,{b64encode(png).decode()}", width=count, height=rows,
        transform=f"{place} scale({width / count:.6g} {height / rows:.6g})", preserveAspectRatio="none",
        image_rendering="pixelated",
    )  # fmt: skip


def _frame(names: Sequence[str], low: float, high: float, width: float = _PLOT_WIDTH) -> _Frame:
    """Return the frame of a chart, as wide as its names need."""
    shown = [fitted(name, _LABEL) for name in names]
    needed = max(map(columns, shown), default=0) * _COLUMN + 12.0
    left = min(max(needed, _LABEL_WIDTH[0]), _LABEL_WIDTH[1])
    return _Frame(names=shown, left=left, low=low, high=high, width=width)


def _chart(frame: _Frame, parts: Sequence[str], title: str) -> str:
    """Return a chart with the names left of its rows."""
    names = [
        draw_text(name, frame.left - 7, frame.y(row) + _HALF_LINE, anchor="end") for row, name in enumerate(frame.names)
    ]
    return picture(frame.left + frame.width + _RIGHT, frame.bottom + _BOTTOM, [*names, *parts], title)
