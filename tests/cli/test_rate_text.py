"""What is said of a rating in lines: who is how far, and what people would say."""

from dataclasses import replace

from harness.cli.rate_text import people_lines, raters_table, short_state, unlike_lines, what_remains
from harness.human.remaining import remaining
from harness.types import LIKERT_5
from tests.human.drawn_sheets import drawn
from tests.human.test_remaining import rated
from tests.reports.test_rating_progress import state_of


def test_lines_of_a_state() -> None:
    """In a table, in one line, and with the interval where there is one."""
    state = state_of()
    assert "| sato  | 50/50 | 1       | 2026-11-26 01:35 UTC |" in raters_table(state).replace(
        "10:35 +09:00", "01:35 UTC"
    )
    assert "sato 50/50" == short_state(state)
    head, line = people_lines(state, "en")
    assert head.startswith("What people would say")
    assert line.startswith("  t: m1 − m0 ")
    assert [] == people_lines(state_of(10), "en")


def test_what_is_missing_and_what_comes_next() -> None:
    """By task set; a rater who has not begun is told nothing."""
    export = drawn(sample=24)
    ratings = rated(export, {0})
    state = state_of()
    sets = tuple(replace(state.sets[0], remaining=one) for one in remaining(export, ratings))
    lines = [str(line) for line in what_remains(export, ratings, replace(state, sets=sets))]
    assert "0 of 24 drawn tasks are rated whole. Missing for an interval" in lines[0]
    assert "Rate next, rater 1: answers 2, " in lines[1] or "Rate next, rater 1: answers" in lines[1]
    assert 2 == len(lines)


def test_where_raters_are_far_apart() -> None:
    """Two points of 1-5 or more, the widest first, by task and item; one rater alone differs from nobody."""
    export = drawn(sample=24)
    first = rated(export, {0, 1, 2})
    answers = [(one.drawn.task, one.drawn.sample_id, one.drawn.answer) for one in first]
    other = [
        one for one in rated(export, set(range(len(export.of("2")))), rater="2")
        if (one.drawn.task, one.drawn.sample_id, one.drawn.answer) in answers
    ]  # fmt: skip
    assert [] == unlike_lines(first, LIKERT_5) == unlike_lines([*first, *other], LIKERT_5)
    second = [replace(one, score=score) for one, score in zip(other, (5.0, 4.0, 1.0), strict=True)]
    head, *lines = map(str, unlike_lines([*first, *second], LIKERT_5))
    assert head.startswith("Raters are 2 points or more apart on 2 of 3 answers")
    assert 2 == len(lines)
    assert all("1 3, 2 " in line and export.draw.tag in line for line in lines)
