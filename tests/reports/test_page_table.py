"""The page's tables: bars on one axis, other judges' means, what is shown at first, and which row is which."""

import re

from reports.board_view import board_view
from reports.page_table import PageTable, board_table, page_table
from reports.payload import page_rows
from reports.wording import words
from tests.reports.conftest import small_report

EN = words("en")


def table(place: int = 0) -> PageTable:
    report = small_report()
    boards = report.leaderboard.boards
    view = board_view(boards[place], 0.95, EN)
    return board_table(boards[place], view.table, boards, page_rows(report), EN)


def test_bars_stand_where_the_figures_are() -> None:
    """Three means of equal distance have points of equal distance; differences have a rule at nought."""
    columns = {column.key: column for column in table().columns}
    points = [float(found) for cell in columns["interval"].cells for found in re.findall(r'cx="([\d.]+)"', cell.bar)]
    assert 3 == len(points)
    assert sorted(points, reverse=True) == points
    assert [True, True, False] == ["stroke-muted" in cell.bar for cell in columns["simultaneous"].cells]
    assert 'class="fill-better"' in columns["simultaneous"].cells[0].bar


def test_every_judge_has_a_column_and_the_primary_a_star() -> None:
    """The board's own judge stands above its mean; of the others each has its own scale."""
    columns = {column.key: column for column in table().columns}
    assert "gemini:<x>|y ★ primary" == columns["mean"].note
    assert ("rules", "mean, 0-1") == (columns["judge:1"].title, columns["judge:1"].note)
    assert "mean, 1-5 ★ primary" == {column.key: column for column in table(1).columns}["judge:0"].note


def test_few_columns_are_shown_at_first_and_rows_know_their_place() -> None:
    """What answers first; unscored because there are some; each row's place is that of the page's data."""
    found = table()
    shown = {column.key for column in found.columns if column.shown}
    assert {"rank", "model", "mean", "interval", "difference", "simultaneous", "verdict", "unscored"} <= shown
    assert not shown & {"wins", "n", "p_adjusted", "bounds"}
    rows = page_rows(small_report())
    assert [rows[row.place or 0].model for row in found.rows] == [row.cells[1].text for row in found.rows]
    assert ["better", "no_worse", "baseline"] == [row.group for row in found.rows]


def test_other_tables_keep_their_cells() -> None:
    """Of a table without bars only the look changes."""
    view = board_view(small_report().leaderboard.boards[0], 0.95, EN)
    assert view.tags is not None
    found = page_table(view.tags, EN)
    assert [[cell.text for cell in row] for row in view.tags.rows] == [
        [cell.text for cell in row.cells] for row in found.rows
    ]
