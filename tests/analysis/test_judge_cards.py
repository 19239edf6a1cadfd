"""The cards of a report: counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.judge_audit import JudgeAudits, judge_audits
from reports.run_view import Report
from tests.reports.conftest import SCORES, small_report


def cards_of(report: Report) -> tuple[JudgeAudits, ...]:
    lengths = {
        (answer.task, answer.row, answer.sample_id, answer.repeat): len(str(answer.generation.text))
        for answer in report.answers
        if answer.generation is not None
    }
    return judge_audits(report.tables, lengths)


def test_a_card_counts_scores_and_missing_ones() -> None:
    """23 of 24 scores, their mean and histogram, as the list of scores says."""
    [found] = cards_of(small_report())
    quality, checks = found.cards
    known = [score for scores in SCORES.values() for score in scores if score is not None]
    assert (24, 23) == (quality.n, quality.n_scored)
    assert pytest.approx(np.mean(known)) == quality.mean
    assert [known.count(level) for level in (1, 2, 3, 4, 5)] == [one.count for one in quality.histogram]
    assert "rules" == checks.judge.name
    assert [None] == [pair.agreement for pair in found.pairs], "checks do not agree or disagree with scores"


def test_judges_of_one_scale_are_compared() -> None:
    """A judge that gives one point more wherever it can: exact on fives, always within one, biased by the mean gain."""
    report = small_report()
    first = report.tables[0]
    generous = replace(first, judge=replace(first.judge, name="generous"), cells=np.minimum(first.cells + 1, 5))
    [found] = cards_of(replace(report, tables=(generous, first)))
    [pair] = found.pairs
    fives = sum(score == 5 for scores in SCORES.values() for score in scores) / 23
    assert pair.agreement is not None
    assert pytest.approx(fives) == pair.agreement.exact.value
    assert 1 == pair.agreement.within_one.value
    assert pytest.approx(1 - fives) == pair.agreement.bias.value


def test_a_judges_liking_for_length_is_seen() -> None:
    """Answers twice as long with one point more: a slope of one point per doubling."""
    report = small_report()
    texts = {"base": 1023, "a|b <i>x</i> `c`": 2047, "日本語モデル": 4095}  # lengths are counted from one
    cells = np.broadcast_to(np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1), (3, 8, 1, 1))
    answers = tuple(
        replace(answer, generation=replace(answer.generation, text="x" * texts[answer.row.model]))
        for answer in report.answers
        if answer.generation is not None
    )
    [found] = cards_of(replace(report, tables=(replace(report.tables[0], cells=cells),), answers=answers))
    assert pytest.approx(1) == found.cards[0].length_slope.value
