"""The view of a board: what Markdown and HTML both show, cell for cell."""

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from reports.board_view import Cell, board_view, comparison_table, tone
from reports.html import report_html
from reports.markdown import leaderboard_markdown
from reports.wording import LANGUAGES, Language, words
from tests.reports.conftest import small_report


def grid(table: str) -> list[list[str]]:
    """Return the texts of an HTML table by row."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def text_of(cell: str) -> str:
    """Return a cell's words, without bars, signs, terms and second lines that stand beside them."""
    for extra in (
        r"<svg.*?</svg>",
        r'<span class="sign".*?</span>',
        r"<a .*?</a>",
        r"<small.*?</small>",
        r"</?span[^>]*>",
    ):
        cell = re.sub(extra, "", cell, flags=re.DOTALL)
    return unescape(cell).strip()


def by_title(table: list[list[str]]) -> dict[str, tuple[str, ...]]:
    """Return the columns of a table by their titles."""
    return {title: cells for title, *cells in zip(*table, strict=True)}  # type: ignore[misc]


@pytest.mark.parametrize("language", LANGUAGES)
def test_markdown_and_html_show_the_same_cells(language: Language) -> None:
    """Read back by a parser of Markdown and out of the page, every table of every board is that of the view.

    The page's board has the means of the other judges besides, and the verdict beside the difference.
    """
    report, say = small_report(), words(language)
    views = [board_view(board, 0.95, say) for board in report.leaderboard.boards]
    tables = [table for view in views for table in (view.table, view.tags) if table is not None]
    wanted = [
        [[column.title for column in table.columns], *([cell.text for cell in row] for row in table.rows)]
        for table in tables
    ]
    text = leaderboard_markdown(report.leaderboard, {}, language=language)
    rendered = MarkdownIt("commonmark").enable("table").render(text)
    assert wanted == [grid(table) for table in re.findall(r"<table>.*?</table>", rendered, re.DOTALL)][: len(wanted)]
    page = report_html(report, language=language)
    found = [grid(table) for table in re.findall(r'<table class="sortable[^>]*>.*?</table>', page, re.DOTALL)]
    judges = {board.judge.name for board in report.leaderboard.boards}
    assert [by_title(table) for table in wanted] == [
        {title: cells for title, cells in by_title(table).items() if title not in judges} for table in found
    ]


def test_every_cell_is_sorted_by_its_unrounded_figure() -> None:
    """The mean that is shown with two digits is sorted by all of them; the baseline stands at a difference of 0."""
    [board, _] = small_report().leaderboard.boards
    columns = {column.title: column.cells for column in board_view(board, 0.95, words("en")).table.columns}
    assert [row.estimate.value for row in board.rows] == [cell.sort for cell in columns["mean"]]
    assert [22 / 7] == [cell.sort for cell in columns["mean"] if cell.text == "3.14 †"]
    assert Cell(text="baseline", sort=0.0, tone="muted") in columns["difference"]
    assert ["better"] == [cell.tone for cell in columns["difference"] if cell.text == "+0.75"]


def test_the_comparison_table_has_a_line_for_each_comparison() -> None:
    """Both of them, with the wins counted by hand: six up and two level; one up and six level."""
    [board, _] = small_report().leaderboard.boards
    table = comparison_table(board, words("en"))
    assert ["6/2/0", "1/6/0"] == [row[9].text for row in table.rows]


def test_a_difference_has_a_tone_only_where_it_holds_after_correction() -> None:
    """Better, worse, and nothing for an unknown or uncorrected one."""
    found = [tone(1.0, 0.01, 0.05), tone(-1.0, 0.01, 0.05), tone(1.0, 0.05, 0.05), tone(None, 0.01, 0.05)]
    assert ["better", "worse", "", ""] == [*found]
    assert "" == tone(1.0, None, 0.05)
