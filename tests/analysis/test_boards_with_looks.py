"""Boards that were looked at on the way."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.leaderboard import Board, build_leaderboard
from harness.analysis.looks import at_look, board_looks
from harness.analysis.panel import panel_tables
from harness.analysis.scores import ScoreTable
from harness.engine.looks import Looks, stops
from harness.engine.plan import PlannedPanel
from harness.stats import paired_comparison
from harness.stats.sequential import sequential_p
from harness.types import LIKERT_5, RowKey
from tests.analysis.test_leaderboard import table

RNG = np.random.default_rng(6)
BASE = RNG.integers(1, 5, 80)
SCORES = {
    "base": BASE,
    "mine": np.clip(BASE + RNG.integers(-1, 3, 80), 1, 5),
    "same": np.clip(BASE + RNG.integers(-1, 2, 80), 1, 5),
}
ORDER = tuple(str(one) for one in RNG.permutation(80))
SHARES = [0.25, 0.5, 0.75, 1.0]


def looks(**stopped: int) -> Looks:
    found = Looks(kind="looks", sizes={"t": (20, 40, 60, 80)}, order={"t": ORDER}, reached=4)
    for model, look in stopped.items():
        found = replace(found, stops=(*found.stops, *stops("t", {RowKey(model=model, prompt="p")}, look)))
    return found


def scores(**stopped: int) -> ScoreTable:
    """Return the scores, without those of tasks that a stopped row was not asked."""
    found = {}
    for model, values in SCORES.items():
        seen = {int(one) for one in ORDER[: 20 * stopped.get(model, 4)]}
        found[model] = [int(value) if place in seen else None for place, value in enumerate(values)]
    return table(found)


def board(found: ScoreTable, looked: Looks | None) -> Board:
    return build_leaderboard("r", [found], {}, baseline="base", looks=looked).boards[0]


def test_the_p_value_is_that_of_the_design() -> None:
    """Of all looks so far, each by the exact sign-flip test of the tasks that it saw."""
    shown = board(scores(), looks())
    for comparison in shown.comparisons:
        mine = SCORES[comparison.candidate.model]
        history = []
        for size in (20, 40, 60, 80):
            seen = [int(one) for one in ORDER[:size]]
            history.append(paired_comparison(mine[seen], BASE[seen], LIKERT_5).p_value)
        expected = sequential_p([p for p in history if p is not None], SHARES)
        assert expected == pytest.approx(comparison.result.p_value)
        assert comparison.result.p_method == "O'Brien-Fleming, look 4 of 4"
    plain = board(scores(), None)
    for one, other in zip(shown.comparisons, plain.comparisons, strict=True):
        assert one.result.difference.value == other.result.difference.value
        assert one.result.difference.low < other.result.difference.low  # type: ignore[operator]


def test_what_a_stopped_row_was_not_asked_is_not_missing() -> None:
    """Its comparison is on what it saw, with no caution about missing scores; its row has the mark all the same."""
    shown = board(scores(mine=2), looks(mine=2))
    [mine, same] = shown.comparisons
    assert (40, 0, None) == (mine.result.n_pairs, mine.result.n_missing, mine.result.missing.caution)
    assert "O'Brien-Fleming, look 2 of 4" == mine.result.p_method
    assert 80 == same.result.n_pairs
    assert {"mine": True, "same": False, "base": False} == {row.key.model: row.has_gaps for row in shown.rows}
    assert shown.looks is not None
    assert ["mine"] == [stop.model for stop in shown.looks.stops]
    unlooked = board(scores(mine=2), None).comparisons[0]
    assert unlooked.result.missing.caution is not None


def test_a_panel_is_looked_at_like_a_judge() -> None:
    """Each look has the members' scores of its tasks alone."""
    first = scores()
    members = [replace(first, judge=replace(first.judge, name=name)) for name in ("a", "b")]
    [found] = panel_tables(members, [PlannedPanel(name="p", members=("a", "b"))])
    part = at_look(found, looks(), 2)
    assert (2, 3, 40) == part.by_member.shape  # type: ignore[attr-defined]
    assert {sample.id for sample in part.samples} == set(ORDER[:40])
    [comparison, _] = board(found, looks()).comparisons
    assert "repeated interval, look 4 of 4" == comparison.result.difference.method


def test_one_look_is_none() -> None:
    """A board that was only looked at in the end, or of another task set."""
    assert board_looks(scores(), None) is None
    assert board_looks(scores(), replace(looks(), sizes={"t": (80,)})) is None
    assert board_looks(scores(), replace(looks(), sizes={"other": (40, 80)})) is None
