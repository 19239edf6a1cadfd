"""Tables as Markdown."""

from reports.board_view import Cell, Column, Table
from reports.markdown_table import markdown_table


def test_cells_are_escaped_and_aligned() -> None:
    """A bar in a cell makes no column; figures stand to the right."""
    table = Table(
        columns=(
            Column(title="a|b", cells=(Cell(text="x|y"),), align="left", names_row=True),
            Column(title="n", cells=(Cell(text="1"),)),
        )
    )
    assert markdown_table(table).splitlines() == ["| a\\|b   |   n |", "|--------|-----|", "| x\\|y   |   1 |"]


def test_a_table_without_rows_has_its_heading() -> None:
    """And no alignment to fail on."""
    assert "| n" in markdown_table(Table(columns=(Column(title="n", cells=()),)))
