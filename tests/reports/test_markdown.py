"""leaderboard.md: golden files in both languages, and a document that no name can break."""

import re
from collections.abc import Callable

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.cautions import cautions
from reports.markdown import comparison_report, leaderboard_markdown
from reports.run_view import Report
from reports.wording import Language, words
from tests.reports.conftest import hostile_report, small_report

# The parser is the oracle: CommonMark with GitHub's tables and strikethrough, and HTML let through.
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def document(report: Report, language: Language = "en") -> str:
    return leaderboard_markdown(
        report.leaderboard,
        report.provenance,
        report.notices,
        cautions=cautions(report, words(language)),
        language=language,
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_document_is_the_golden_one(golden: Callable[[str, str], None], language: Language) -> None:
    """A change of rounding, of a column, of a word or of an escape shows here."""
    golden(f"leaderboard.{language}.md", document(small_report(), language))


def test_the_comparisons_are_the_golden_ones(golden: Callable[[str, str], None]) -> None:
    """Likewise for what `harness compare` prints."""
    golden("comparisons.en.md", comparison_report(small_report().leaderboard))


def test_both_languages_have_the_same_numbers() -> None:
    """Every figure of every table row stands in both documents, in the same order."""
    figures = {
        language: [
            re.findall(r"[+-]?\d+\.\d+|\d+/\d+/\d+", line) for line in document(small_report(), language).split("\n")
        ]
        for language in ("en", "ja")
    }
    tables = {language: [found for found in lines if len(found) > 2] for language, lines in figures.items()}
    assert len(tables["en"]) > 5
    assert tables["en"] == tables["ja"]


def inline_texts(tokens: list[Token]) -> list[tuple[str, list[str]]]:
    """Return each inline token's plain text with the types of its children."""
    return [
        ("".join(child.content for child in token.children or []), [child.type for child in token.children or []])
        for token in tokens
        if token.type == "inline"
    ]


def test_hostile_names_stay_in_their_cells() -> None:
    """Scripts, tables, ANSI codes, direction marks and control characters make no HTML, heading or further column."""
    tokens = PARSER.parse(document(hostile_report()))
    kinds = {token.type for token in tokens}
    assert "html_inline" not in {child.type for token in tokens for child in token.children or []}
    assert {"h1", "h2"} == {token.tag for token in tokens if token.type == "heading_open"}
    html = [token.content for token in tokens if token.type == "html_block"]
    assert all(block.startswith(("<details>", "</details>")) for block in html), kinds
    widths = {text.count("\x1b") + text.count("\u202e") + text.count("\x00") for text, _ in inline_texts(tokens)}
    assert {0} == widths


def test_the_command_to_run_again_cannot_end_its_block() -> None:
    """A command that holds backticks or a newline stays inside its fence."""
    report = small_report()
    text = leaderboard_markdown(report.leaderboard, {"command": "harness eval ```` '\n# x'"}, ())
    fences = [token for token in PARSER.parse(text) if token.type == "fence"]
    assert ["$ harness eval ```` ' # x'\n"] == [token.content for token in fences]
