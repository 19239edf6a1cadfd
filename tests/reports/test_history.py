"""What harness history says and draws: the same figures in both languages, nothing where there is nothing."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from harness.analysis.history import TriesHistory, histories
from harness.ledger import Reset
from reports.history import (
    history_chart,
    history_csv,
    history_document,
    history_markdown,
    history_svg,
    history_table,
    history_title,
    learnt,
    reset_lines,
)
from reports.svg import Bar, trend
from reports.wording import LANGUAGES, Language, words
from tests.analysis.test_ledger import LEDGER

RESET = Reset(name="<twenty>", date="2026-11-02T03:04:05+00:00", tasksets=("x",), tries=3, openings=1)


@pytest.fixture(scope="module")
def found() -> TriesHistory:
    """Two tries on twenty tasks."""
    [only] = histories(LEDGER)
    return only


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_in_words_and_tables(found: TriesHistory, language: Language) -> None:
    """Each place is filled, and what stands in the table is what was computed."""
    say = words(language)
    text = history_markdown([found], [RESET], say)
    for figure in ("+0.50", "+0.25", "2026-11-01", "twenty", "2026-11-02 03:04"):
        assert figure in text, text
    assert not re.search(r"\{\w+\}", text)
    headers, rows = history_table(found, say)
    assert {len(headers)} == {len(row) for row in rows}
    assert "nan" not in text.lower()


def test_what_was_learnt_counts_what_holds(found: TriesHistory) -> None:
    """Two better; the best with its place; the luck of the best of two; no more."""
    lines = learnt(found, words("en"))
    assert "2 are better than their baseline and 0 worse" in lines[0]
    assert "The best so far is one / p (number 1): +0.50." in lines[1]
    assert lines[2].startswith("If all 2 were equal")
    assert 3 == len(lines)


def test_documents_hold_every_figure(found: TriesHistory) -> None:
    """JSON is JSON, CSV has a line for each try, both unrounded."""
    document = json.loads(json.dumps(history_document([found], [RESET]), allow_nan=False))
    assert 1 == document["schema"]
    assert 2 == len(document["tasksets"][0]["rows"])
    lines = history_csv([found]).splitlines()
    assert 3 == len(lines)
    assert str(document["tasksets"][0]["rows"][1]["p_value"]) in lines[2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_chart_is_well_formed(found: TriesHistory, language: Language) -> None:
    """A mark and an interval for each try, as a part of a page and as a file."""
    say = words(language)
    chart = ET.fromstring(history_chart(found, say))
    assert history_title(found, say) in chart.attrib["aria-label"]
    assert 2 == len(chart.findall("path")), "two triangles: both are better"
    alone = ET.fromstring(history_svg(found, say))
    assert "style" in alone[0].tag


def test_a_chart_without_figures() -> None:
    """One that nothing could be computed of has its axis."""
    bars = [Bar(name="a", value=None, low=None, high=None)]
    assert ET.fromstring(trend(bars, title="t", axis="a", places="p")).tag == "svg"
    assert ET.fromstring(trend([], title="t", axis="a", places="p", lines=[(0.1, "luck")])).tag == "svg"


def test_resets_are_told() -> None:
    """With how many openings they held."""
    assert [
        "<twenty> was reset on 2026-11-02 03:04 UTC: 3 tries were forgotten, 1 of them openings of sealed tasks."
    ] == (reset_lines([RESET], words("en")))
