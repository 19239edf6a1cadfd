"""The charts of one board, each with its caption, its colours explained and its figures in a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from harness.analysis.board import Board
from harness.analysis.scores import ScoreTable
from reports import svg as drawing
from reports.formatting import MISSING, number, percent, printable, row_name, score_digits
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


def figures(board: Board, table: ScoreTable, say: Words) -> list[Figure]:
    """Return the charts of one board; means and differences are bars in its table."""
    order = [table.rows.index(row.key) for row in board.rows]
    scores = table.scores[order]
    names = [row_name(row.key) for row in board.rows]
    shares = level_shares(scores, board.judge.scale)
    return [_distribution(names, shares, say), _heat_map(board, table, say)]


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
