"""A table of a report as Markdown."""

from tabulate import tabulate

from reports.board_view import Table
from reports.formatting import markdown_cell


def markdown_table(table: Table) -> str:
    """Return a table as Markdown that renders on GitHub."""
    headers = [markdown_cell(column.title) for column in table.columns]
    rows = [[markdown_cell(cell.text) for cell in row] for row in table.rows]
    align = [column.align for column in table.columns]
    return tabulate(rows, headers=headers, tablefmt="github", colalign=align if rows else None, disable_numparse=True)
