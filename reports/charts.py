"""The charts of one board, each with its caption, its colours explained and its figures in a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from harness.analysis.leaderboard import Board
from harness.analysis.scores import ScoreTable
from reports import svg as drawing
from reports.board_view import tone
from reports.formatting import MISSING, number, percent, printable, row_name, score_digits
from reports.gaps import MARK, marked
from reports.score_histogram import Levels, level_shares
from reports.wording import Words

MOST_COLUMNS = 500
"""Samples that a heat map shows at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart with its caption, the explanation of its colours, and its figures as a table."""

    kind: str
    title: str
    caption: str
    svg: Markup
    legend: Sequence[tuple[Markup, str]] = ()
    headers: Sequence[str] = ()
    table: Sequence[Sequence[str]] = ()


def figures(board: Board, table: ScoreTable, confidence: float, say: Words) -> list[Figure]:
    """Return the charts of one board."""
    order = [table.rows.index(row.key) for row in board.rows]
    scores = table.scores[order]
    names = [row_name(row.key) for row in board.rows]
    shown = [_means(board, [marked(row_name(row.key), row) for row in board.rows], confidence, say)]
    if len({comparison.baseline for comparison in board.comparisons}) == 1:
        shown.append(_differences(board, confidence, say))
    shown.append(_distribution(names, level_shares(scores, board.judge.scale), say))
    shown.append(_heat_map(board, table, say))
    return shown


def _means(board: Board, names: Sequence[str], confidence: float, say: Words) -> Figure:
    bars = [
        drawing.Bar(name=label, value=row.estimate.value, low=row.estimate.low, high=row.estimate.high)
        for label, row in zip(names, board.rows, strict=True)
    ]
    title = say("figure.means", task=board.task, judge=board.judge.name)
    return Figure(
        kind="forest",
        title=say("figure.means_title"),
        caption=say("figure.means_caption", confidence=percent(confidence)),
        svg=_picture(drawing.forest(bars, title=printable(title), axis=say("figure.score"))),
    )


def _differences(board: Board, confidence: float, say: Words) -> Figure:
    alpha = 1 - confidence
    bars = []
    for row in board.rows:
        result = board.against_baseline(row.key)
        if result is not None:
            bars.append(
                drawing.Bar(
                    name=f"{row_name(row.key)} {MARK}" if result.missing.caution else row_name(row.key),
                    value=result.difference.value,
                    low=result.simultaneous.low,
                    high=result.simultaneous.high,
                    tone=tone(result.difference.value, result.p_adjusted, alpha) or "muted",
                )
            )
    baseline = printable(row_name(board.comparisons[0].baseline))
    title = say("figure.differences", task=board.task, judge=board.judge.name, baseline=baseline)
    return Figure(
        kind="forest",
        title=say("figure.differences_title", baseline=baseline),
        caption=say("figure.differences_caption", confidence=percent(confidence), alpha=f"{alpha:.2g}"),
        svg=_picture(drawing.forest(bars, title=printable(title), axis=say("figure.difference"), zero=0.0)),
    )


def _distribution(names: Sequence[str], levels: Levels, say: Words) -> Figure:
    colours = drawing.level_colours(len(levels.names))
    svg = drawing.distribution(names, levels.shares, title=say("figure.distribution"), axis=say("figure.share"))
    return Figure(
        kind="bars",
        title=say("figure.distribution_title"),
        caption=say("figure.distribution_caption"),
        svg=_picture(svg),
        legend=[(_swatch(colour), level) for colour, level in zip(colours, levels.names, strict=True)],
        headers=[say("column.model"), *levels.names],
        table=[
            [printable(label), *(percent(float(share)) for share in shares)]
            for label, shares in zip(names, levels.shares, strict=True)
        ],
    )


def _heat_map(board: Board, table: ScoreTable, say: Words) -> Figure:
    scale = board.judge.scale
    digits = score_digits(scale.low, scale.high)
    scores = table.scores[[table.rows.index(row.key) for row in board.rows]]
    samples = table.samples[:MOST_COLUMNS]
    svg = drawing.heat_map(
        [row_name(row.key) for row in board.rows],
        scores[:, : len(samples)],
        scale,
        title=printable(say("figure.heat", task=board.task, judge=board.judge.name)),
        axis=say("figure.task"),
        ticks=[sample.id for sample in samples],
    )
    known = ~np.isnan(scores)
    counts = known.sum(axis=0)
    totals = np.where(known, scores, 0.0).sum(axis=0)
    bar = drawing.scale_bar(title=say("figure.colours"))
    legend = [
        (Markup(""), f"{scale.low:g}"),
        (_picture(bar), f"{scale.high:g}"),
        (_swatch("#888", "none"), say("column.unscored")),
    ]
    caption = say("figure.heat_caption")
    if len(samples) < len(table.samples):
        caption += say("space") + say("figure.heat_first", shown=len(samples), total=len(table.samples))
    return Figure(
        kind="heat",
        title=say("figure.heat_title"),
        caption=caption,
        svg=_picture(svg),
        legend=legend,
        headers=[say("figure.task"), say("figure.task_mean"), say("column.n")],
        table=[
            [printable(sample.id), number(float(total / count), digits) if count else MISSING, str(int(count))]
            for sample, total, count in zip(samples, totals, counts, strict=False)
        ],
    )


def _swatch(colour: str, kind: str = "level") -> Markup:
    return Markup('<svg class="swatch {}" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">'
                  '<rect width="12" height="12" rx="2" fill="{}"/></svg>').format(kind, colour)  # fmt: skip


def _picture(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - serialised from a tree, so that its texts are escaped
