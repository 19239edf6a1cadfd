"""A leaderboard as it stands on a terminal: what it says, as wide as the window; the files hold the rest."""

import sys
from collections.abc import Sequence

from harness.analysis.board import Board
from harness.analysis.leaderboard import Leaderboard
from harness.analysis.pairwise import PairBoard
from harness.cli.say import language, said
from harness.cli.table import columns, window_width
from harness.cli.wrapping import wrapped
from harness.locale import trn
from harness.runs.boards import view_of
from harness.runs.folder import MARKDOWN, RunFolder
from harness.runs.run import Run
from reports.board_text import primary_note
from reports.board_view import Cell, Column, Table, board_view
from reports.cautions import cautions as cautions_of
from reports.formatting import printable
from reports.markdown import headline
from reports.pairwise import PairView, pair_view
from reports.verdict import verdict_lines
from reports.wording import Words, words

_MOST_ROWS = 15
_GAP = "  "


def board_on_screen(run: Run, folder: RunFolder) -> str | None:
    """Return what is printed of a run's boards: as wide as a terminal on one, else leaderboard.md."""
    if not sys.stdout.isatty():
        return folder.read(MARKDOWN)
    say, view = words(language()), view_of(run)
    found = cautions_of(view, say)
    date = str(view.provenance.get("date", ""))
    return terminal_board(view.leaderboard, date, say, cautions=found, width=window_width(), pairs=view.pairs)


def terminal_board(
    leaderboard: Leaderboard,
    date: str,
    say: Words,
    *,
    cautions: Sequence[str],
    width: int,
    pairs: Sequence[PairBoard] = (),
) -> str:
    """Return the boards of a run for a window of ``width`` columns; ``cautions`` are about the run as a whole.

    ``pairs``: what judges of pairs say, after the boards of scores.
    """
    verdict = verdict_lines(leaderboard, say)
    parts = [
        say("title.leaderboard", run=printable(leaderboard.run)),
        *_paragraphs([headline(leaderboard, {"date": date}, say)], width),
        *_paragraphs([say("verdict.title") + ":", *verdict] if verdict else [], width),
        *_paragraphs([primary_note(leaderboard, say)], width),
        *_paragraphs([say("title.cautions") + ":", *cautions] if cautions else [], width),
    ]
    for board in leaderboard.boards:
        parts += _board(board, leaderboard.confidence, say, width)
    for one in pairs:
        parts += _pairs(pair_view(one, say), width)
    return "\n\n".join(parts) + "\n"


def _board(board: Board, confidence: float, say: Words, width: int) -> list[str]:
    view = board_view(board, confidence, say)
    shown = Table(columns=tuple(_first_rows(column) for column in view.table.columns))
    more = len(view.table.rows) - len(shown.rows)
    left = said(trn("… and {n} more row, in the files below.", "… and {n} more rows, in the files below.", more))
    return [
        *_paragraphs([f"■ {view.title}", view.scale], width),
        fitted(shown, width),
        *_paragraphs(
            [
                left if more else "",
                view.exploratory,
                view.ledger,
                view.best,
                view.resolution,
                *(" ".join(part for part in caution if part) for caution in view.cautions),
            ],
            width,
        ),
    ]


def _pairs(view: PairView, width: int) -> list[str]:
    shown = Table(columns=tuple(_first_rows(column) for column in view.comparisons.columns))
    more = len(view.comparisons.rows) - len(shown.rows)
    left = said(trn("… and {n} more row, in the files below.", "… and {n} more rows, in the files below.", more))
    return [
        *_paragraphs([f"■ {view.title}", view.about], width),
        fitted(shown, width),
        *_paragraphs([left if more else "", view.caution, *view.notes], width),
    ]


def _first_rows(column: Column) -> Column:
    return Column(title=column.title, cells=column.cells[:_MOST_ROWS], align=column.align, names_row=column.names_row)


def _paragraphs(texts: Sequence[str], width: int) -> list[str]:
    return [wrapped(printable(text).replace("**", ""), width) for text in texts if text]


def fitted(table: Table, width: int) -> str:
    """Return a table in lines; one that is wider than the window as a block of lines for each row."""
    titles = [printable(column.title) for column in table.columns]
    rows = [[printable(cell.text) for cell in row] for row in table.rows]
    widths = [max(map(columns, (title, *cells))) for title, *cells in zip(titles, *rows, strict=True)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        aligned = [column.align for column in table.columns]
        lines = [
            _GAP.join(_padded(*cell) for cell in zip(line, widths, aligned, strict=True)).rstrip()
            for line in (titles, *rows)
        ]
        return "\n".join([lines[0], "─" * min(width, columns(lines[0])), *lines[1:]])
    return "\n\n".join(_block(table.columns, row, width) for row in table.rows)


def _padded(text: str, width: int, align: str) -> str:
    blank = " " * (width - columns(text))
    return text + blank if align == "left" else blank + text


def _block(heads: Sequence[Column], row: Sequence[Cell], width: int) -> str:
    """Return one row: its name, and below it every figure with its heading, as many on a line as there is room for."""
    name = _GAP.join(printable(cell.text) for head, cell in zip(heads, row, strict=True) if head.names_row)
    lines = [name]
    line = ""
    for head, cell in zip(heads, row, strict=True):
        if head.names_row or not cell.text.strip():
            continue
        part = f"{printable(head.title)} {printable(cell.text)}"
        if line and columns(f"    {line}{_GAP}{part}") > width:
            lines.append(f"    {line}")
            line = ""
        line += f"{_GAP}{part}" if line else part
    return "\n".join([*lines, f"    {line}"] if line else lines)
