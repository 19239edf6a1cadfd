"""The page of `harness history`: what it holds, what it asks for, and that no name in it acts."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest

from harness.analysis.history import TriesHistory, histories
from harness.ledger import Reset
from reports.history_page import TryFacts, history_html
from reports.wording import LANGUAGES, Language, words
from tests.analysis.test_ledger import LEDGER
from tests.reports.conftest import HOSTILE

RESET = Reset(name="<twenty>", date="2026-11-02T03:04:05+00:00", tasksets=("x",), tries=3, openings=1)


@pytest.fixture(scope="module")
def found() -> TriesHistory:
    """Two tries on twenty tasks."""
    [only] = histories(LEDGER)
    return only


def data_of(page: str) -> dict:
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert text is not None
    return json.loads(text[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_asks_for_nothing(found: TriesHistory, language: Language) -> None:
    """Its policy holds its own style and script and nothing else; no place in its words is left open."""
    page = history_html([found], [RESET], words(language))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for tag in ("script", "style"):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1].replace("&#39;", "'")
    assert not re.search(r"\{\w+\}", page.partition("<script")[0].partition("</style>")[2])
    assert "&lt;twenty&gt;" in page


def test_what_tries_were_made_of(found: TriesHistory) -> None:
    """By its name in words, its group's, or as it stands; a try whose run is not there says so."""
    one = found.rows[0]
    values = {"adapter_digest": "ab", "recipe.learning_rate": "0.1", "strange": "x", "version.torch": "2"}
    facts = {(one.run, one.candidate): TryFacts(state="known", values=values)}
    [tries] = data_of(history_html([found], [], words("en"), facts))["sets"]
    assert ["known", "gone"] == [row["state"] for row in tries]
    assert ["adapter's weights", "recipe: learning_rate", "strange", "version of torch"] == [
        label for _, label, _ in tries[0]["facts"]
    ]
    assert ("+0.50", "better") == (tries[0]["difference"], tries[0]["shows"])


def test_the_seals_of_several_sets_stand_above(found: TriesHistory) -> None:
    """One set needs no overview; of two each part says its seal, its openings and its best."""
    sealed = replace(found, part="sealed", sealed=10, sealed_on="2026-11-03T00:00:00+00:00", openings=2)
    assert 'id="overview"' not in history_html([found], [], words("en"))
    page = history_html([found, sealed], [], words("en"))
    assert "sealed part, since 2026-11-03" in page
    assert 2 == page.count('href="#set-')
    assert "Nothing was tried yet." in history_html([], [], words("en"))


def test_one_try_has_nothing_to_compare_with(found: TriesHistory) -> None:
    page = history_html([replace(found, rows=found.rows[:1])], [], words("en"))
    assert 'class="compare"' not in page


def test_nothing_foreign_acts(found: TriesHistory) -> None:
    """Names of tries, runs, sets and facts are text, however they begin."""
    plain = history_html([found], [], words("en"))
    for text in HOSTILE.values():
        name = text[:3000]
        rows = tuple(replace(row, label=name, run=name, prompt=name) for row in found.rows)
        facts = {(name, row.candidate): TryFacts(state="known", values={name: name}) for row in rows}
        page = history_html([replace(found, names=(name,), rows=rows)], [], words("en"), facts)
        assert (plain.count("<script"), plain.count("<img")) == (page.count("<script"), page.count("<img"))
        page.encode("utf-8")
