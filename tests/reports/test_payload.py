"""The data in the page: every text once, compact, and whole unless it is too large."""

import json
import re

import pytest

from reports import payload as payload_module
from reports.cautions import cautions
from reports.html import report_html
from reports.payload import embedded, payload
from reports.run_view import SLOT, Report
from reports.wording import Language, words
from tests.reports.conftest import ab_report, hostile_report, small_report


def page(report: Report, language: Language = "en") -> str:
    return report_html(report, cautions(report, words(language)), language=language)


def data_of(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_every_text_is_stored_once_and_not_escaped() -> None:
    """The long answer of every model stands in the page once, in its own characters."""
    text = page(hostile_report())
    assert 1 == text.count("長い" * 50_000)
    assert len(set(data_of(text)["texts"])) == len(data_of(text)["texts"])


def test_the_data_gives_back_answers_scores_and_reasons() -> None:
    """Answers, ends, scores and reasons are found again at the places that the script looks at."""
    report = small_report()
    data = json.loads(embedded(payload(report, words("en"))))
    rows, texts = data["rows"], data["texts"]
    assert ["eight"] == [task["name"] for task in data["tasks"]]
    for answer in report.answers:
        row, sample = rows.index(f"{answer.row.model} / {answer.row.prompt}"), int(answer.sample_id)
        [[text, end, tokens]] = data["answers"][0][sample][row]
        assert answer.generation is not None
        assert (answer.generation.text, 12) == (texts[text], tokens)
        assert (answer.generation.finish_reason == "length") == (end == 1)
        for judge, (verdict,) in enumerate(answer.verdicts.values()):
            [[score, reason, *raw]] = data["verdicts"][0][judge][sample][row]
            assert ([verdict.raw] if verdict.raw else []) == [texts[place] for place in raw]
            assert (verdict.score, verdict.rationale or verdict.reason) == (score, texts[reason])
            assert verdict.score == data["scores"][judge][sample][row]


def test_a_run_too_large_for_a_page_keeps_its_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit the answers of whole tasks are left out, and the page says of how many."""
    monkeypatch.setattr(payload_module, "TEXT_LIMIT", 300)
    text = page(small_report())
    data = data_of(text)
    assert 0 < data["missing"] < 8
    assert [] == data["answers"][0][7][0]
    assert None is not data["scores"][0][7][0]
    assert words("en")("page.missing_answers", count=data["missing"]) in text


def test_the_data_has_what_judges_were_asked() -> None:
    """By the places of judge, task set and sample; the answer's place is marked."""
    data = json.loads(embedded(payload(ab_report(), words("en"))))
    places = data["asked"]["0"]["0"]
    assert [f"採点: {SLOT}"] * 24 == [data["texts"][place] for place in places]
    assert SLOT == data["slot"]
