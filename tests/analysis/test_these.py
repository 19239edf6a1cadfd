"""Boards about exactly these tasks: what they say with repeats, without, and of a part of a set."""

from collections import Counter

import numpy as np
import pytest

from harness.analysis.board import Board
from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.scores import ScoreTable
from harness.analysis.these import SetSize, about_sets
from harness.engine.plan import PlannedJudge
from harness.stats.finite import finite_mean, within_tasks
from harness.types import LIKERT_5, Declaration, RowKey, Sample
from reports.board_text import estimand_note
from reports.verdict import board_verdict, verdict_lines
from reports.wording import words

EN = words("en")


def board(cells: np.ndarray, *, size: int | None = None, estimand: str = "these") -> Board:
    """Return the board of rows m0, m1, … with ``cells`` (rows, tasks, answers, verdicts)."""
    table = ScoreTable(
        task="t",
        judge=PlannedJudge(name="j", fingerprint="", scale=LIKERT_5),
        rows=tuple(RowKey(model=f"m{place}", prompt=None) for place in range(len(cells))),
        samples=tuple(Sample(id=str(place), inputs={"input": "?"}) for place in range(cells.shape[1])),
        cells=cells,
        reasons={RowKey(model=f"m{place}", prompt=None): Counter() for place in range(len(cells))},
        versions=frozenset(),
    )
    made = build_leaderboard("r", [table], {}, baseline="m0", declared=Declaration(estimand=estimand))
    sets = {"t": SetSize(size=size or cells.shape[1], is_fixed=True)}
    found = about_sets(made, [table], sets)
    assert ("exactly these tasks" in estimand_note(found, EN)) == (estimand == "these")
    return found.boards[0]


def repeated(lift: float, *, answers: int = 3, tasks: int = 40) -> np.ndarray:
    """Return scores of two models; the second is better by ``lift`` on each task, give or take an answer's luck."""
    rng = np.random.default_rng(5)
    level = rng.uniform(1.5, 4.5, (1, tasks, 1, 1))
    luck = rng.normal(0, 0.5, (2, tasks, answers, 1))
    lifts = np.array([0.0, lift])[:, None, None, None]
    return np.clip(np.rint(level + luck + lifts), 1, 5)


def test_with_repeats_the_figures_are_those_of_the_formula() -> None:
    """Difference, interval and p rest on the repeats; the spread between tasks is in none of them."""
    cells = repeated(0.3)
    shown = board(cells)
    [one] = shown.comparisons
    first, second = cells.mean(axis=(2, 3))
    error = finite_mean(second - first, [within_tasks(cells[1]), within_tasks(cells[0])], share=1.0)
    assert one.result.difference.value == pytest.approx(error.mean)
    assert (one.result.spread.se, one.result.spread.df) == (pytest.approx(error.se), pytest.approx(error.df))
    new = board(cells, estimand="new").comparisons[0].result
    assert new.difference.value == pytest.approx(error.mean)
    assert one.result.p_value is not None
    assert ("better", None, None) == (one.verdict.code, one.verdict.same_sign, one.verdict.tasks_needed)
    assert [] == [caution for caution in shown.cautions if "repeats" in caution]


def test_without_repeats_nothing_is_claimed() -> None:
    """However far apart: the figure stands as a fact, without an interval, a p-value or a rank."""
    shown = board(repeated(1.5, answers=1))
    [one] = shown.comparisons
    result = one.result
    assert (None, None, None, None) == (result.difference.low, result.p_value, result.p_adjusted, result.spread.se)
    assert (one.verdict.code, one.verdict.is_no_worse) == ("undecided", False)
    assert {(1, 2)} == {(row.rank.low, row.rank.high) for row in shown.rows if row.rank is not None}
    assert "no repeats measured how much" in " ".join(shown.cautions)
    [said] = board_verdict(shown, 0.95, EN)
    assert said.startswith("On exactly these tasks, as answered and judged once, m1 scores +")


def test_repeats_of_verdicts_alone_say_so() -> None:
    """One answer each, judged three times."""
    cells = repeated(0.5, answers=3).transpose(0, 1, 3, 2)
    shown = board(cells)
    assert shown.comparisons[0].result.spread.se is not None
    assert "each task was answered once" in " ".join(shown.cautions)


def test_a_part_of_a_known_set_is_corrected_for_its_share() -> None:
    """40 of 50 tasks: sqrt(1 - 0.8) of the error for new tasks, and said to be taken for a random draw."""
    cells = repeated(0.3, answers=1)
    part, new = board(cells, size=50), board(cells, estimand="new")
    ratio = part.comparisons[0].result.spread.se / new.comparisons[0].result.spread.se
    assert ratio == pytest.approx(0.2**0.5)
    assert "40 of 50 tasks are taken for a random draw" in " ".join(part.cautions)
    assert part.plan.gains == ()


def test_new_tasks_stay_as_they_are() -> None:
    """Only what is known of the set is added."""
    shown = board(repeated(0.3), estimand="new")
    assert (True, False) == (shown.is_fixed, shown.is_about_these)


def test_declared_late_is_said() -> None:
    """Of either estimand, and in the first lines of a report."""
    made = build_leaderboard(
        "r", [], {}, baseline="m0", declared=Declaration(estimand="these", late={"estimand": None})
    )
    assert "Declared after looking; before, they were about new tasks" in estimand_note(made, EN)
    made = build_leaderboard(
        "r", [], {}, baseline="m0", declared=Declaration(estimand="new", late={"estimand": "these"})
    )
    assert "before, they were about exactly these tasks" in estimand_note(made, EN)
    assert [] == verdict_lines(made, EN)
