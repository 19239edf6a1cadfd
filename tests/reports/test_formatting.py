"""Texts in Markdown: cells and lines are read back as what they were."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.formatting import markdown_cell, markdown_line, printable

# The parser is the oracle: CommonMark with GitHub's tables and strikethrough, and HTML let through.
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def inline_texts(tokens: list[Token]) -> list[tuple[str, list[str]]]:
    """Return each inline token's plain text with the types of its children."""
    return [
        ("".join(child.content for child in token.children or []), [child.type for child in token.children or []])
        for token in tokens
        if token.type == "inline"
    ]


@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_a_cell_is_read_back_as_the_text_it_was(cells: list[str]) -> None:
    """Whatever a cell holds, the table keeps its columns, and the parser finds the text and no markup."""
    table = "|" + " x |" * len(cells) + "\n|" + "---|" * len(cells) + "\n|"
    table += "".join(f" {markdown_cell(cell)} |" for cell in cells)
    body = inline_texts(PARSER.parse(table))[len(cells) :]
    assert [" ".join(printable(cell).split()) for cell in cells] == [text for text, _ in body]
    assert {"text", "text_special"} >= {kind for _, kinds in body for kind in kinds}


@given(st.text(max_size=60))
def test_a_line_is_a_paragraph_with_the_text_it_was(line: str) -> None:
    """A line of its own, and an item of a list, hold the text as it was and begin no block."""
    wanted = " ".join(printable(line).split())
    tokens = PARSER.parse(markdown_line(line))
    assert ([wanted] if wanted else []) == [text for text, _ in inline_texts(tokens)]
    assert {"paragraph_open", "inline", "paragraph_close"} >= {token.type for token in tokens}
    item = PARSER.parse(f"- {markdown_line(line)}")
    assert 1 == sum(token.type == "list_item_open" for token in item)
