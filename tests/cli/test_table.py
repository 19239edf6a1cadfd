"""Tables in the terminal line up, whatever stands in them."""

from hypothesis import given
from hypothesis import strategies as st

from harness.cli.table import columns, table

CELLS = st.text(st.sampled_from("abc前後、ｱＡ é"), max_size=8).map(str.strip)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5)


@given(ROWS)
def test_every_line_is_as_wide_as_the_others(rows: list[tuple[str, str]]) -> None:
    """With Japanese beside English, too, and an empty cell."""
    lines = table(rows, headers=["見出し", "n"]).splitlines()
    assert len(rows) + 2 == len(lines)
    assert 1 == len({columns(line) for line in lines})


def test_without_headers_it_is_plain() -> None:
    """No rules, and no blanks at the end of a line."""
    assert "デバイス  CPU\nkey       none" == table([("デバイス", "CPU"), ("key", "none")])
