"""Tables of report.html: a `Table` with bars beside figures, terms behind titles, and what is shown at first. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from harness.analysis.board import Board
from harness.types import RowKey
from reports.board_view import Cell, Table, tone
from reports.formatting import MISSING, number, score_digits
from reports.gaps import marked
from reports.svg import Bar, interval_bar
from reports.wording import Words

_AT_FIRST = frozenset(("rank", "model", "prompt", "mean", "interval", "difference", "simultaneous", "verdict"))
_TERMS = frozenset(("simultaneous", "p_adjusted", "wins"))  # with a word of explanation outside boards
_JUDGES_AT_FIRST = 3
_CUT_SHARE = 0.05  # of answers, from which on the column of cut ones is shown at first


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCell:
    """A cell with the bar beside its text, if it has one."""

    text: str
    sort: float | str | None = None
    tone: str = ""
    bar: Markup = field(default_factory=Markup)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageColumn:
    """A column. ``note``: a second line of its title · ``term``: of the glossary, "" for none · ``shown``: at first."""

    key: str
    title: str
    cells: tuple[PageCell, ...]
    note: str = ""
    term: str = ""
    is_number: bool = True
    names_row: bool = False
    shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """A row's cells; ``place`` is its number in the page's data, ``group`` what its comparison shows; None and ""."""

    cells: tuple[PageCell, ...]
    place: int | None = None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """Columns and rows of one table."""

    columns: tuple[PageColumn, ...]
    rows: tuple[PageRow, ...]


def page_table(table: Table, say: Words, bars: Mapping[str, Sequence[Bar | None]] | None = None) -> PageTable:
    """Return a table as the page shows it. ``bars``: by the key of the column that they stand in, a difference's."""
    columns = [
        column if column.key in _TERMS else replace(column, term="")
        for column in _columns(table, say, bars or {}, zero=0.0)
    ]
    return PageTable(columns=tuple(columns), rows=tuple(PageRow(cells=cells) for cells in _rows(columns)))


def board_table(board: Board, table: Table, others: Sequence[Board], places: Sequence[RowKey], say: Words) -> PageTable:
    """Return the table of a board with bars, and beside its own means those of every other judge of the same tasks.

    ``places``: the rows of the page's data.
    """
    columns = _columns(table, say, {"interval": _means(board)}, zero=None)
    differences = _columns(table, say, {"simultaneous": _differences(board)}, zero=0.0)
    columns = [new if new.key == "simultaneous" else old for old, new in zip(columns, differences, strict=True)]
    columns = _verdict_first([_board_column(column, board, say) for column in columns])
    last = 1 + max(place for place, column in enumerate(columns) if column.key in _AT_FIRST)
    columns[last:last] = [
        _judge_column(number_, other, board, say) for number_, other in enumerate(others) if other is not board
    ]
    groups = [_group(board, row.key) for row in board.rows]
    return PageTable(
        columns=tuple(columns),
        rows=tuple(
            PageRow(cells=cells, place=places.index(row.key), group=group)
            for cells, row, group in zip(_rows(columns), board.rows, groups, strict=True)
        ),
    )


def _verdict_first(columns: Sequence[PageColumn]) -> list[PageColumn]:
    """Return columns with the verdict beside the difference: on a narrow page what comes later is out of sight."""
    verdict = [column for column in columns if column.key == "verdict"]
    others = [column for column in columns if column.key != "verdict"]
    place = 1 + next((at for at, column in enumerate(others) if column.key == "difference"), len(others) - 1)
    return [*others[:place], *verdict, *others[place:]]


def _columns(
    table: Table, say: Words, bars: Mapping[str, Sequence[Bar | None]], *, zero: float | None
) -> list[PageColumn]:
    terms = say.section("term")
    return [
        PageColumn(
            key=column.key,
            title=column.title,
            cells=tuple(
                PageCell(text=cell.text, sort=cell.sort, tone=cell.tone, bar=bar)
                for cell, bar in zip(column.cells, _drawn(bars.get(column.key), column.cells, zero), strict=True)
            ),
            term=column.key if column.key in terms else "",
            is_number=column.align != "left",
            names_row=column.names_row,
        )
        for column in table.columns
    ]


def _drawn(bars: Sequence[Bar | None] | None, cells: Sequence[Cell], zero: float | None) -> list[Markup]:
    """Return the bars of a column on one axis."""
    known = [end for bar in bars or () if bar is not None for end in (bar.low, bar.value, bar.high) if end is not None]
    if bars is None or not known:
        return [Markup()] * len(cells)
    known += [] if zero is None else [zero]
    low, high = min(known), max(known)
    return [
        Markup() if bar is None else Markup(interval_bar(bar, low, high, zero=zero))  # noqa: S704 - figures alone
        for bar in bars
    ]


def _means(board: Board) -> list[Bar | None]:
    return [Bar(name="", value=row.estimate.value, low=row.estimate.low, high=row.estimate.high) for row in board.rows]


def _differences(board: Board) -> list[Bar | None]:
    found = [board.comparison_of(row.key) for row in board.rows]
    return [
        None
        if one is None
        else Bar(
            name="",
            value=one.shown.difference.value,
            low=one.shown.simultaneous.low,
            high=one.shown.simultaneous.high,
            tone=tone(one.shown.difference.value, one.shown.p_adjusted, 1 - one.shown.difference.confidence) or "muted",
        )
        for one in found
    ]


def _board_column(column: PageColumn, board: Board, say: Words) -> PageColumn:
    """Return a column with whose means it shows, and whether it is shown at first."""
    shown = column.key in _AT_FIRST or (column.key == "cut" and _is_cut(board))
    shown = shown or (column.key == "comparable" and board.unlike_gaps)
    shown = shown or (column.key == "unscored" and any(row.estimate.n_unscored for row in board.rows))
    note = f"{board.judge.name}{_star(board, say)}" if column.key == "mean" else ""
    return replace(column, note=note, shown=shown)


def _judge_column(place: int, other: Board, board: Board, say: Words) -> PageColumn:
    """Return another judge's means of the rows of ``board``."""
    digits = score_digits(other.judge.scale.low, other.judge.scale.high)
    means = {row.key: row for row in other.rows}
    cells = []
    for row in board.rows:
        found = means.get(row.key)
        value = None if found is None else found.estimate.value
        text = MISSING if found is None else marked(number(value, digits), found)
        cells.append(PageCell(text=text, sort=value))
    return PageColumn(
        key=f"judge:{place}",
        title=other.judge.name,
        cells=tuple(cells),
        note=say("page.judge_mean", scale=other.judge.scale) + _star(other, say),
        shown=place <= _JUDGES_AT_FIRST,
    )


def _star(board: Board, say: Words) -> str:
    return f" ★ {say('page.primary')}" if board.is_primary else ""


def _is_cut(board: Board) -> bool:
    return any((row.length_stop_rate or 0.0) >= _CUT_SHARE for row in board.rows)


def _group(board: Board, row: RowKey) -> str:
    found = board.comparison_of(row)
    if found is not None:
        return found.verdict.code
    return "baseline" if any(one.baseline == row for one in board.comparisons) else ""


def _rows(columns: Sequence[PageColumn]) -> list[tuple[PageCell, ...]]:
    return list(zip(*(column.cells for column in columns), strict=True))
