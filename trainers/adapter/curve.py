"""The loss curve of a training as a picture: what the log holds, point by point, with nothing smoothed."""

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from reports.formatting import printable, shortened

# From Okabe & Ito (2008), as in the reports; shape tells the series apart where colour does not.
_LOSS, _HELDOUT, _JUDGE, _EVENT = "#0063a3", "#b2450e", "#00694b", "#333333"
_INK, _MUTED, _LINE = "#1a1a1a", "#555555", "#d9d9d9"
_WIDTH = 8.0  # inches; 800 pixels as a model card shows it, drawn at twice that
_DPI = 200
_PANELS = 4.6  # inches of height
_JUDGED = 1.4  # inches more where judges saw the adapter on the way
_NOTE = 0.19  # inches of height for each event's sentence
_NOTES = 5  # events with a sentence; more are marked and counted
_NOTE_COLUMNS = 120
_MARKED = 60  # points up to which each one gets a dot
_TITLE_COLUMNS = 80
_JUDGE_COLUMNS = 20

Points = list[tuple[float, float]]


def draw_curve(rows: Sequence[Mapping[str, Any]], title: str) -> bytes | None:
    r"""Return the picture as PNG, 1600 pixels wide; None if no row has a loss.

    ``rows`` are those of `training_record.read_log`. A step that was logged twice (a training that was cut off and
    resumed from a checkpoint before that step) counts as it was logged last. A loss that is no number leaves a gap.

    >>> draw_curve([{"step": 1, "loss": 2.5, "learning_rate": 1e-4}], "one step")[:4]
    b'\x89PNG'
    >>> draw_curve([], "nothing") is None
    True
    """
    loss, heldout = _series(rows, "loss"), _series(rows, "heldout_loss")
    if not any(math.isfinite(value) for _, value in (*loss, *heldout)):
        return None
    events = [(float(row["step"]), str(row["event"])) for row in rows if row.get("event") and _is_number(row, "step")]
    notes = _notes(events)
    height = _PANELS + _NOTE * len(notes) + _JUDGED * any(_is_number(row, "judged") for row in rows)
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    judged = [row for row in rows if _is_number(row, "judged") and _is_number(row, "step")]
    ratios = (3.2, *([1.6] if judged else []), 1)
    above, *between, below = figure.subplots(
        len(ratios), 1, sharex=True, height_ratios=ratios, gridspec_kw=_margins(height, _NOTE * len(notes))
    )
    _draw_losses(above, loss, heldout)
    for axes in between:
        _draw_judged(axes, judged)
    _draw_rate(below, _series(rows, "learning_rate"))
    _draw_events([above, *between, below], events)
    above.set_title(_shown(title, _TITLE_COLUMNS), color=_INK, fontsize=11, loc="left", parse_math=False)
    above.legend(frameon=False, fontsize=9, labelcolor=_INK, loc="upper right")
    for place, note in enumerate(notes):
        figure.text(
            0.09, (0.1 + _NOTE * (len(notes) - 1 - place)) / height, note, color=_MUTED, fontsize=8, parse_math=False
        )
    return _png(figure)


def _series(rows: Sequence[Mapping[str, Any]], name: str) -> Points:
    """Return the points of one column, by step; of several with the same step the last."""
    found = {float(row["step"]): float(row[name]) for row in rows if _is_number(row, "step") and _is_number(row, name)}
    return sorted(found.items())


def _is_number(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _notes(events: Sequence[tuple[float, str]]) -> list[str]:
    """Return the sentences under the picture, one for each of the first events."""
    notes = [
        _shown(f"{place}  step {step:g}: {text}", _NOTE_COLUMNS)
        for place, (step, text) in enumerate(events[:_NOTES], start=1)
    ]
    if len(events) > _NOTES:
        notes.append(f"and {len(events) - _NOTES} more; see trainer_log.jsonl")
    return notes


def _shown(text: str, width: int) -> str:
    """Return a text in one line; an ellipsis stands for what the font, which every machine has, cannot show."""
    known = get_font(findfont("DejaVu Sans")).get_charmap()
    words = " ".join(printable(text).split())
    return shortened(re.sub("…+", "…", "".join(c if ord(c) in known else "…" for c in words)), width)


def _margins(height: float, notes: float) -> dict[str, float]:
    """Return the margins as shares of the figure's height in inches, with room for the notes at the bottom."""
    return {
        "left": 0.09,
        "right": 0.98,
        "top": 1 - 0.36 / height,
        "bottom": (0.55 + notes) / height,
        "hspace": 0.12,
    }


def _draw_losses(axes: Axes, loss: Points, heldout: Points) -> None:
    if loss:
        steps, values = zip(*loss, strict=True)
        marker = "o" if len(loss) <= _MARKED else ""
        axes.plot(
            steps, values, color=_LOSS, linewidth=0.9, marker=marker, markersize=3, label="training loss, as logged"
        )
    if heldout:
        steps, values = zip(*heldout, strict=True)
        axes.plot(
            steps, values, color=_HELDOUT, linewidth=0.9, linestyle="--", marker="D", markersize=5,
            label="held-out loss",
        )  # fmt: skip
    axes.set_ylabel("loss (nats per token)", color=_MUTED, fontsize=9)
    _plain(axes)


def _draw_judged(axes: Axes, judged: Sequence[Mapping[str, Any]]) -> None:
    """Draw a judge's means with their intervals, of each step as it was logged last."""
    latest = {float(row["step"]): row for row in judged}
    for step, row in latest.items():
        if _is_number(row, "judged_low") and _is_number(row, "judged_high"):
            axes.plot([step, step], [row["judged_low"], row["judged_high"]], color=_JUDGE, linewidth=1.0)
    points = sorted((step, float(row["judged"])) for step, row in latest.items())
    axes.plot(*zip(*points, strict=True), color=_JUDGE, linewidth=0.9, marker="s", markersize=4)
    axes.set_ylabel(_shown(str(judged[-1].get("judge", "judge")), _JUDGE_COLUMNS), color=_MUTED, fontsize=9)
    _plain(axes)


def _draw_rate(axes: Axes, rate: Points) -> None:
    if rate:
        steps, values = zip(*rate, strict=True)
        marker = "o" if len(rate) == 1 else ""
        axes.plot(steps, values, color=_MUTED, linewidth=1.1, marker=marker, markersize=3)
        if len(steps) == 1:
            axes.set_xlim(steps[0] - 1, steps[0] + 1)
    highest = max((value for _, value in rate), default=0)
    axes.set_ylim(0, 1.15 * highest if highest > 0 else 1e-6)
    axes.set_ylabel("learning rate", color=_MUTED, fontsize=9)
    axes.set_xlabel("optimizer step", color=_MUTED, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figures = ScalarFormatter(useMathText=True)
    figures.set_powerlimits((-2, 3))
    axes.yaxis.set_major_formatter(figures)
    axes.yaxis.get_offset_text().set_fontsize(8)
    _plain(axes)


def _draw_events(panels: Sequence[Axes], events: Sequence[tuple[float, str]]) -> None:
    """Draw a dotted line at each event; the first have the numbers of the sentences under the picture."""
    for place, (step, _) in enumerate(events, start=1):
        for axes in panels:
            axes.axvline(step, color=_EVENT, linewidth=0.8, linestyle=":", zorder=1)
        if place <= _NOTES:
            panels[0].annotate(
                str(place), (step, 1), xycoords=panels[0].get_xaxis_transform(), xytext=(2, -9),
                textcoords="offset points", fontsize=8, color=_EVENT,
            )  # fmt: skip


def _plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_MUTED)
    axes.tick_params(color=_MUTED, labelcolor=_INK, labelsize=9, length=3)
    axes.grid(axis="y", color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)


def _png(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.set_canvas(FigureCanvasAgg(figure))
    figure.savefig(data, format="png", dpi=_DPI, metadata={"Software": None})
    return data.getvalue()
