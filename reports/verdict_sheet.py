"""The verdict on one page, as PDF or PNG: what `reports.opening` holds, drawn by matplotlib, without a browser.

Everything drawn is an argument: the fonts are those that the caller found for the page's own letters.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from reports.formatting import MISSING, minute, printable
from reports.opening import Opening, Picture
from reports.opening_text import report_openings
from reports.run_view import Report
from reports.svg_parts import figure_ticks
from reports.wording import Language, Words, words

Form = Literal["pdf", "png"]

_WIDTH, _HEIGHT, _EDGE = 8.27, 11.69, 0.75  # A4 in inches
_DPI = 150
_SCALES = (1.0, 0.92, 0.84, 0.76, 0.68, 0.6)  # of letters, until a page holds all
_INK, _MUTED, _LINE, _BAND = "#1a2027", "#55606c", "#d9dfe5", "#e3e8ee"
_TONES = {"better": "#00664b", "worse": "#9c3d06", "accent": "#0a5ca8", "muted": "#55606c"}
_MARKERS = {"better": "^", "worse": "v"}
_BAR = 0.3  # inches of height for each bar of the picture


def _renderer() -> Any:  # noqa: ANN401 - matplotlib gives it no type
    canvas: Any = FigureCanvasAgg(Figure(figsize=(1, 1), dpi=72))
    return canvas.get_renderer()


@dataclass(slots=True, kw_only=True)
class _Ruler:
    """How wide words are in inches at one point, measured once each."""

    family: list[str]
    renderer: Any = field(default_factory=_renderer)
    known: dict[tuple[str, bool], float] = field(default_factory=dict)

    def width(self, part: str, *, bold: bool) -> float:
        """Return the width of words, whose last space counts."""
        if part.endswith(" "):
            return self.width(part[:-1], bold=bold) + self.width("a a", bold=bold) - self.width("aa", bold=bold)
        if (part, bold) not in self.known:
            font = FontProperties(family=self.family, size=20, weight="bold" if bold else "normal")
            wide, _, _ = self.renderer.get_text_width_height_descent(part, font, ismath=False)
            self.known[part, bold] = wide / 72 / 20
        return self.known[part, bold]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """How words are written: their size in points, their colour, and whether they are bold where a font has that."""

    size: float
    colour: str = _INK
    bold: bool = False


@dataclass(slots=True, kw_only=True)
class _Sheet:
    """A page that is written from top to bottom; ``y`` is how many inches are left."""

    scale: float
    ruler: _Ruler
    y: float = _HEIGHT - _EDGE
    figure: Figure = field(default_factory=lambda: Figure(figsize=(_WIDTH, _HEIGHT), facecolor="white"))

    def font(self, style: _Style) -> FontProperties:
        weight = "bold" if self.is_bold(style) else "normal"
        return FontProperties(family=self.ruler.family, size=style.size * self.scale, weight=weight)

    def is_bold(self, style: _Style) -> bool:
        """Whether words are bold: few Japanese fonts have bold letters, and half a line of them reads badly."""
        return style.bold and len(self.ruler.family) == 1

    def write(self, text: str, style: _Style, *, left: float = _EDGE, width: float = 0.0) -> None:
        """Write text as a paragraph of lines that fit."""
        for line in self.lines(text, style, width or _WIDTH - left - _EDGE):
            self.y -= style.size * self.scale * 1.5 / 72
            self.put(line, left, self.y, style)

    def put(self, text: str, x: float, y: float, style: _Style, *, align: str = "left") -> None:
        """Write one line at a place in inches."""
        self.figure.text(
            x / _WIDTH, y / _HEIGHT, text, fontproperties=self.font(style), color=style.colour, parse_math=False,
            horizontalalignment=align,
        )  # fmt: skip

    def lines(self, text: str, style: _Style, width: float) -> list[str]:
        """Return text in lines of at most ``width`` inches, broken at spaces, in full-width text and in long names."""
        room = width / (style.size * self.scale)
        lines, taken = [""], 0.0
        for part in re.split(r"(?<= )|(?<=[^\x00-\u2fff])|(?<=\S{24})", " ".join(printable(text).split())):
            wide = self.ruler.width(part, bold=self.is_bold(style))
            if lines[-1] and taken + wide > room:
                lines.append("")
                taken = 0.0
            lines[-1] += part
            taken += wide
        return lines

    def gap(self, inches: float) -> None:
        """Leave some room."""
        self.y -= inches * self.scale


_SMALL, _NOTE, _BODY = _Style(size=10, colour=_MUTED), _Style(size=8.5, colour=_MUTED), _Style(size=9)


def draw_sheet(report: Report, form: Form, fonts: Sequence[str], *, language: Language = "en") -> bytes:
    """Return the page of A4; ``fonts`` are files: the first has what it can, the next what it lacks."""
    say = words(language)
    found = report_openings(report, say)
    with mpl.rc_context({"pdf.fonttype": 42 if all(Path(name).suffix == ".ttf" for name in fonts) else 3}):
        ruler = _Ruler(family=[_family(name) for name in fonts])
        for scale in _SCALES:
            sheet = _Sheet(scale=scale, ruler=ruler)
            _fill(sheet, report, found, say)
            if sheet.y >= _EDGE:
                break
        out = io.BytesIO()
        if form == "pdf":
            sheet.figure.savefig(out, format=form, metadata={"CreationDate": None})
        else:  # a picture ends where the words do
            whole = Bbox([[0, max(0.0, sheet.y - _EDGE / 2)], [_WIDTH, _HEIGHT]])
            sheet.figure.savefig(out, format=form, dpi=_DPI, bbox_inches=whole, metadata={"Software": None})
    return out.getvalue()


def sheet_text(report: Report, *, language: Language = "en") -> str:
    """Return every letter that the page needs."""
    say = words(language)
    found = report_openings(report, say)
    parts = [report.leaderboard.run, say("opening.cannot"), say("opening.next"), say("opening.head", run="", date="")]
    for one in found:
        parts += [one.task, one.judge, one.verdict, *one.details, *one.unknown, *(step.sentence for step in one.steps)]
        parts += [text for figure in one.numbers for text in (figure.value, figure.about)]
        if one.picture is not None:
            parts += [one.picture.axis, one.picture.more, *(bar.name for bar in one.picture.bars), *one.picture.texts]
    return printable("".join(parts))


def _family(name: str) -> str:
    fontManager.addfont(name)
    return FontProperties(fname=name).get_name()


def _fill(sheet: _Sheet, report: Report, found: Sequence[Opening], say: Words) -> None:
    date = minute(str(report.provenance.get("date", MISSING)))
    sheet.write(say("opening.head", run=report.leaderboard.run, date=date), _SMALL)
    for one in found:
        sheet.gap(0.14)
        sheet.write(say("title.board", task=one.task, judge=one.judge), _SMALL)
        sheet.write(one.verdict, _Style(size=14, bold=True))
        _numbers(sheet, one)
        if one.picture is not None:
            _picture(sheet, one.picture)
        for line in one.details:
            sheet.write(line, _BODY)
    unknown = list(dict.fromkeys(line for one in found for line in one.unknown))
    steps = list(dict.fromkeys(step.sentence for one in found for step in one.steps))
    for title, listed in ((say("opening.cannot"), unknown), (say("opening.next"), steps)):
        if listed:
            sheet.gap(0.14)
            sheet.write(title, _Style(size=11, bold=True))
        for line in listed:
            sheet.write(f"・{line}" if say.language == "ja" else f"• {line}", _BODY)


def _numbers(sheet: _Sheet, one: Opening) -> None:
    """Write the figures beside each other, each above what it is."""
    sheet.gap(0.1)
    top, width = sheet.y, (_WIDTH - 2 * _EDGE) / max(len(one.numbers), 1)
    lowest = top
    for place, number in enumerate(one.numbers):
        sheet.y = top
        sheet.write(number.value, _Style(size=26, bold=True), left=_EDGE + place * width, width=width - 0.2)
        sheet.write(number.about, _NOTE, left=_EDGE + place * width, width=width - 0.3)
        lowest = min(lowest, sheet.y)
    sheet.y = lowest - 0.1 * sheet.scale


def _picture(sheet: _Sheet, found: Picture) -> None:
    """Draw intervals, each under its name."""
    height = (_BAR * len(found.bars) + 0.2) * sheet.scale
    sheet.gap(0.05)
    axes = sheet.figure.add_axes(
        (_EDGE / _WIDTH, (sheet.y - height) / _HEIGHT, 1 - 2 * _EDGE / _WIDTH, height / _HEIGHT)
    )
    ends = [end for bar in found.bars for end in (bar.low, bar.value, bar.high) if end is not None]
    ends += [] if found.zero is None else [found.zero - (found.margin or 0), found.zero + (found.margin or 0)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(len(found.bars) + 0.1, -0.1)
    for place, (bar, text) in enumerate(zip(found.bars, found.texts, strict=True)):
        y, colour = place + 0.68, _TONES[bar.tone]
        if found.zero is not None:
            margin = found.margin or 0.0
            axes.add_patch(Rectangle((found.zero - margin, y - 0.18), 2 * margin, 0.36, color=_BAND, linewidth=0))
            axes.plot([found.zero, found.zero], [y - 0.18, y + 0.18], color=_MUTED, linewidth=0.8)
        if bar.low is not None and bar.high is not None:
            axes.plot([bar.low, bar.high], [y, y], color=colour, linewidth=1.8)
        if bar.value is not None:
            axes.plot([bar.value], [y], color=colour, marker=_MARKERS.get(bar.tone, "o"), markersize=5)
        top = sheet.y - (place + 0.42) * height / (len(found.bars) + 0.2)
        sheet.put(sheet.lines(bar.name, _BODY, _WIDTH - 2 * _EDGE - 1)[0], _EDGE, top, _BODY)
        sheet.put(text, _WIDTH - _EDGE, top, _BODY, align="right")
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_MUTED)
    ticks = figure_ticks(low - room, high + room)
    axes.set_xticks([value for value, _ in ticks], [label for _, label in ticks], fontproperties=sheet.font(_NOTE))
    axes.set_yticks([])
    axes.tick_params(color=_MUTED, labelcolor=_INK)
    sheet.y -= height + 0.22 * sheet.scale
    sheet.write(f"{found.axis}. {found.more}" if found.more else found.axis, _NOTE)
