"""Score tables and leaderboards: what a mean is made of, and what never moves it."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard import Leaderboard, build_leaderboard, length_stop_rates
from harness.plan import JudgementItem, PlannedJudge, PlannedTask
from harness.scores import RowKey, ScoreTable, score_tables
from harness.types import LIKERT_5, Generation, RenderedPrompt, Request, Sample, Sampling, Verdict

JUDGE = PlannedJudge(name="j", fingerprint="f", scale=LIKERT_5)
SCORES = st.lists(st.none() | st.integers(min_value=1, max_value=5), min_size=2, max_size=12)


def request(model: str, sample_id: str, repeat: int = 0) -> Request:
    return Request(
        key=f"{model} {sample_id} {repeat}",
        task="t",
        sample_id=sample_id,
        model=model,
        prompt="p",
        repeat=repeat,
        rendered=RenderedPrompt(messages=()),
        sampling=Sampling(),
    )


def verdict(score: float | None) -> Verdict:
    return Verdict.unscored("no verdict") if score is None else Verdict.scored(score)


def table(scores: dict[str, Sequence[float | None]], order: Sequence[int] | None = None) -> ScoreTable:
    """Return the score table of models with one score (or None) per task, tasks in another order if given."""
    n = len(next(iter(scores.values())))
    samples = [Sample(id=str(place), inputs={"input": "x"}) for place in range(n)]
    items = [
        JudgementItem(
            request=request(model, str(place)), judge="j", judge_repeat=0, key="", verdict=verdict(row[place])
        )
        for model, row in scores.items()
        for place in range(n)
    ]
    shuffled = tuple(samples[place] for place in (order or range(n)))
    [built] = score_tables([PlannedTask(name="t", samples=shuffled)], [JUDGE], items, lambda item: item.verdict)
    return built


def board(scores: dict[str, Sequence[float | None]], order: Sequence[int] | None = None) -> Leaderboard:
    return build_leaderboard("run", [table(scores, order)], {}, baseline=next(iter(scores)))


def figures(leaderboard: Leaderboard) -> list[tuple[object, ...]]:
    """Return everything that a report shows of a board, rounded only against the order of additions."""

    def near(value: float | None) -> float | None:
        return None if value is None else round(value, 9)

    [shown] = leaderboard.boards
    rows = [
        (row.key, near(row.estimate.value), near(row.estimate.low), near(row.estimate.high), row.estimate.n, row.rank)
        for row in shown.rows
    ]
    pairs = [
        (
            pair.candidate,
            near(pair.result.difference.value),
            near(pair.result.p_value),
            pair.result.wins,
            pair.result.losses,
        )
        for pair in shown.comparisons
    ]
    return [*rows, *pairs]


@given(SCORES)
def test_an_unscored_verdict_never_moves_a_mean(scores: list[int | None]) -> None:
    """The mean is that of the scores that exist; the others are counted."""
    [row] = board({"m": scores}).boards[0].rows
    known = [score for score in scores if score is not None]
    assert (len(known), len(scores) - len(known)) == (row.estimate.n, row.estimate.n_unscored)
    if known:
        assert math.isclose(sum(known) / len(known), row.estimate.value)
    else:
        assert (None, None, None, None) == (row.estimate.value, row.estimate.low, row.estimate.high, row.rank)


@given(st.data(), st.integers(min_value=2, max_value=9))
def test_the_order_of_tasks_changes_nothing(data: st.DataObject, n: int) -> None:
    """Permuting the tasks leaves every figure where it was."""
    one = st.lists(st.none() | st.integers(min_value=1, max_value=5), min_size=n, max_size=n)
    scores = {model: data.draw(one) for model in ("a", "b", "c")}
    order = data.draw(st.permutations(range(n)))
    assert figures(board(scores)) == figures(board(scores, order))


def test_repeats_are_averaged_before_tasks() -> None:
    """Three repeats of one task weigh as much as one of another: the task is the unit."""
    sample = [Sample(id=name, inputs={"input": "x"}) for name in ("often", "once")]
    items = [
        JudgementItem(
            request=request("m", "often", repeat), judge="j", judge_repeat=judge_repeat, key="", verdict=given
        )
        for repeat, judge_repeat, given in (
            (0, 0, verdict(1)),
            (0, 1, verdict(2)),
            (1, 0, verdict(5)),
            (1, 1, verdict(None)),
            (2, 0, verdict(None)),
        )
    ]
    items.append(JudgementItem(request=request("m", "once"), judge="j", judge_repeat=0, key="", verdict=verdict(4)))
    [built] = score_tables([PlannedTask(name="t", samples=tuple(sample))], [JUDGE], items, lambda item: item.verdict)
    assert [[3.25, 4.0]] == built.scores.tolist()  # ((1 + 2) / 2 + 5) / 2, and 4
    assert (1, 2, 3, 2) == built.cells.shape
    [row] = build_leaderboard("run", [built], {}, baseline="m").boards[0].rows
    assert (3.625, 2) == (row.estimate.value, row.estimate.n)


def test_the_baseline_is_compared_with_every_other_row_once() -> None:
    """The baseline's label decides; rows are best first; the baseline itself has no comparison."""
    leaderboard = build_leaderboard(
        "run", [table({"a": [1, 2, 2, 3], "b": [4, 4, 5, 5], "c": [2, 2, 3, 3]})], {}, baseline="b"
    )
    [shown] = leaderboard.boards
    assert ["b", "c", "a"] == [row.key.model for row in shown.rows]
    assert [("a", "b"), ("c", "b")] == [(pair.candidate.model, pair.baseline.model) for pair in shown.comparisons]
    assert shown.against_baseline(RowKey(model="b", prompt="p")) is None
    assert shown.against_baseline(RowKey(model="a", prompt="p")).difference.value == pytest.approx(-2.5)


def test_length_stops_are_a_share_of_the_answers_whose_end_is_known() -> None:
    """Unknown ends and missing answers are in neither the top nor the bottom of the fraction."""
    reasons = {"0": "length", "1": "stop", "2": "stop", "3": None}
    requests = [request("m", name) for name in (*reasons, "4")]
    generations = {
        f"m {name} 0": Generation(request_key="", text="x", finish_reason=reason) for name, reason in reasons.items()
    }
    generations["m 4 0"] = Generation(request_key="", text=None, finish_reason="error", error="no memory")
    assert {("t", RowKey(model="m", prompt="p")): 1 / 3} == length_stop_rates(requests, generations)


def test_a_board_of_one_model_says_that_nothing_was_compared() -> None:
    """One row has rank 1, no comparison and no resolution."""
    [shown] = board({"m": [3, 4, 5]}).boards
    assert ((), None) == (shown.comparisons, shown.plan.minimum_detectable)
    assert (1, 1) == (shown.rows[0].rank.low, shown.rows[0].rank.high)


@pytest.mark.parametrize("scores", [[5, 5, 5], [1], [None, None], [3], [1, 5]])
def test_degenerate_boards_hold_numbers_or_nothing(scores: list[int | None]) -> None:
    """All at the ceiling, one task, nothing scored: bounds or None, never NaN."""
    shown = figures(board({"a": scores, "b": scores}))
    numbers = [value for row in shown for value in row if isinstance(value, float)]
    assert [] == [value for value in numbers if not np.isfinite(value)]
