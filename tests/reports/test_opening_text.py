"""The verdict as text: what the page opens with, line by line, and nothing that steers a terminal."""

from dataclasses import replace

import pytest

from reports.opening_text import opening_text, report_openings
from reports.wording import LANGUAGES, Language, words
from tests.reports.conftest import ab_report, small_report


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_has_the_verdict_the_numbers_and_the_steps(language: Language) -> None:
    """Of an A/B run the prompts come before the rows."""
    report, say = ab_report(), words(language)
    text = opening_text(report, language=language)
    found = report_openings(report, say)
    assert 2 == len(found)
    places = [text.index(" ".join(one.verdict.split())) for one in found]
    assert sorted(places) == places
    for one in found:
        assert all(figure.value in text for figure in one.numbers)
        assert all(step.text in text for step in one.steps)


def test_a_name_cannot_break_a_line_or_steer_a_terminal() -> None:
    """Each sentence is one line."""
    report = small_report()
    report = replace(report, leaderboard=replace(report.leaderboard, run="a\n# b\x1b[31m"))
    first, *_ = opening_text(report).split("\n")
    assert "Verdict of run a # b\ufffd[31m, 2026-01-02 03:04 +09:00" == first
