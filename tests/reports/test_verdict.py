"""The verdict in words: each word, what it rests on, and what would decide it."""

import re
from dataclasses import replace

import pytest

from harness.analysis.board import Board
from harness.analysis.leaderboard import Leaderboard
from harness.locale import Language
from harness.types import Declaration
from reports.markdown import comparison_report, leaderboard_markdown
from reports.verdict import board_verdict, comparison_says, verdict_lines, verdict_word
from reports.wording import LANGUAGES, words
from tests.reports.test_gaps import made

LOW, HIGH = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 3.0], [4.0, 4.0, 3.0, 5.0, 4.0, 4.0, 5.0, 4.0]
EN = words("en")


def leaderboard(*scores: list[float]) -> Leaderboard:
    """Return the leaderboard of one judge; its rows are m0, which is the baseline, m1 and so on."""
    return made({f"m{place}": one for place, one in enumerate(scores)})[0]


def board(*scores: list[float]) -> Board:
    [found] = leaderboard(*scores).boards
    return found


def of(*scores: list[float]) -> str:
    """Return what is said of a board with one comparison."""
    [said] = board_verdict(board(*scores), 0.95, EN)
    return said


def test_one_comparison_is_said_by_name() -> None:
    """Better, worse, equal, no worse, open with what remains possible, or not known."""
    assert of(LOW, HIGH).startswith("m1 is better than the baseline m0: +2.50 (")
    assert of(HIGH, LOW).startswith("m1 is worse than the baseline m0: -2.50 (")
    # three in twelve differ by one, both ways alike: within 0.3 by one-sided tests on 240 tasks
    level = [3.0, 3.0, 4.0, 2.0, 3.0, 3.0] * 40
    assert of(level, [3.0, 3.0, 3.0, 3.0, 3.0, 3.0] * 40).startswith("m1 is equal to the baseline m0 within ±0.3: 0.00")
    # up by two on 33 of 100 tasks, down by two on 23: 1.3 standard errors above 0, 3.3 above -0.3
    apart = [5.0] * 33 + [1.0] * 23 + [3.0] * 44
    assert "m1 is no worse than the baseline m0 by more than 0.3: +0.20" in of([3.0] * 100, apart)
    assert "cannot be compared" in of([1.0, float("nan")], [float("nan"), 2.0])


def test_what_is_open_says_what_remains_possible_and_what_would_decide() -> None:
    """The simultaneous interval; more tasks of one's own, but not of a set that has no more."""
    found = board([1.0, 2.0, 3.0, 3.0] * 3, [2.0, 1.0, 3.0, 2.0] * 3)
    [pair] = found.comparisons
    [said] = board_verdict(found, 0.95, EN)
    assert said.startswith("Undecided: m1 may be better than the baseline m0")
    ends = re.search(r"within ([+-]\d\.\d\d) … ([+-]\d\.\d\d) remains possible", said)
    assert ends is not None
    assert pytest.approx((pair.result.simultaneous.low, pair.result.simultaneous.high), abs=0.005) == (
        float(ends[1]),
        float(ends[2]),
    )
    assert f"About {pair.verdict.tasks_needed:,} tasks like these would decide it (12 here)" in said
    [fixed] = board_verdict(replace(found, is_fixed=True), 0.95, EN)
    assert "tasks like these would decide" not in fixed
    assert "The set has no more: add other task sets, repeats" in fixed


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_interval_that_cannot_be_computed_is_not_quoted(language: Language) -> None:
    """Where all differences are equal there may be none, over many tries: then no dash stands in its place."""
    found = board(LOW, [score + 0.1 for score in LOW])
    [one] = found.comparisons
    verdict = replace(one.verdict, code="undecided", low=None, high=None)
    said = comparison_says(found, replace(one, verdict=verdict), words(language))
    assert "+0.10" in said
    assert "–" not in said


def test_several_are_listed_under_their_words() -> None:
    """Counted on top; each with its difference and the chance of the same sign, which is never called certain."""
    lines = board_verdict(board(LOW, HIGH, LOW, [float(6 - one) for one in HIGH]), 0.95, EN)
    assert lines[0] == "Better than the baseline m0: 1 of 3 rows; worse: 0 (corrected p ≤ 0.05)."
    assert "Better: m1 (+2.50, same sign >99 %)." in lines
    assert any(line.startswith("Equal within ±0.3: m2 (0.00)") or "m2" in line for line in lines)


def test_the_margin_says_when_it_was_declared() -> None:
    """By default, before looking, or after, with what held before."""
    plain = leaderboard(LOW, HIGH)
    assert "the default of this scale" in verdict_lines(plain, EN)[-1]
    early = replace(plain, declared=Declaration(margin=0.3))
    assert "as declared before looking" in verdict_lines(early, EN)[-1]
    late = replace(plain, declared=Declaration(margin=0.3, late={"margin": 0.5}))
    assert "declared after looking; before, it was ±0.5" in verdict_lines(late, EN)[-1]
    late = replace(plain, declared=Declaration(margin=0.3, late={"margin": None}))
    assert "declared after looking; before, it was the default" in verdict_lines(late, EN)[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_begins_with_it(language: str) -> None:
    """Before every table; an exploratory board has no verdict, there or in the comparisons."""
    say = words(language)
    shown = leaderboard(LOW, HIGH)
    text = leaderboard_markdown(shown, {}, language=language)
    assert text.index(f"## {say('verdict.title')}") < text.index("|")
    assert verdict_word(shown.boards[0], shown.boards[0].comparisons[0], say) == say("verdict.word_better")
    hidden = replace(shown, boards=(replace(shown.boards[0], is_primary=False),))
    assert [] == verdict_lines(hidden, say)
    assert say("board.exploratory") in comparison_report(hidden, language=language)
