"""Score tables and leaderboards: what a mean is made of, and what never moves it."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.leaderboard import Leaderboard, build_leaderboard, length_stop_rates
from harness.analysis.scores import ScoreTable, score_tables
from harness.engine.plan import JudgementItem, PlannedJudge
from harness.stats import Design, cluster_interval
from harness.types import LIKERT_5, Generation, PlannedTask, RenderedPrompt, Request, RowKey, Sample, Sampling, Verdict

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
    [built] = score_tables([PlannedTask(name="t", samples=shuffled)], [JUDGE], items, {})
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
    [built] = score_tables([PlannedTask(name="t", samples=tuple(sample))], [JUDGE], items, {})
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


def hard_and_easy(lift: float = 0.0) -> list[float | None]:
    """Return 100 scores of 1-4, the hardest tasks first, with a lift."""
    return [min(5.0, 1 + place * 3 // 99 + lift) for place in range(100)]


def without(scores: Sequence[float | None], places: range) -> list[float | None]:
    return [None if place in places else score for place, score in enumerate(scores)]


@pytest.mark.parametrize("lacks", [range(20), range(40), range(99), range(1, 100)])
def test_a_worse_model_is_not_first_because_its_hardest_tasks_are_unscored(lacks: range) -> None:
    """Its own mean is the higher one, it is lower on each task: it stands below, marked, with its comparable mean."""
    [shown] = board({"better": hard_and_easy(1), "worse": without(hard_and_easy(), lacks)}).boards
    assert ["better", "worse"] == [row.key.model for row in shown.rows]
    assert [False, True] == [row.has_gaps for row in shown.rows]
    assert shown.unlike_gaps
    comparable = [row.comparable for row in shown.rows]
    assert [pytest.approx(np.mean(hard_and_easy(1))), pytest.approx(np.mean(hard_and_easy(1)) - 1)] == comparable
    if lacks == range(40):
        assert shown.rows[1].estimate.value > np.mean(hard_and_easy())
    worst = shown.rows[1].worst_case
    assert worst.low <= worst.worst <= np.mean(hard_and_easy()) <= worst.best <= worst.high
    [pair] = shown.comparisons
    assert (100 - len(lacks), len(lacks), 0) == (
        pair.result.n_pairs,
        pair.result.missing.candidate,
        pair.result.missing.baseline,
    )
    assert pair.result.missing.caution in pair.result.cautions


def test_the_same_when_the_baseline_lacks_the_hard_ones() -> None:
    """Whoever lacks them; and with a third row that lacks the easy ones."""
    scores = {
        "worse": without(hard_and_easy(), range(30)),
        "better": hard_and_easy(1),
        "middle": without(hard_and_easy(0.5), range(60, 100)),
    }
    [shown] = board(scores).boards
    assert ["better", "middle", "worse"] == [row.key.model for row in shown.rows]
    assert [True, True] == [pair.result.missing.caution is not None for pair in shown.comparisons]


def test_a_complete_board_has_its_means_as_comparable_means() -> None:
    """Nothing is marked, and the bounds are the mean and its interval, bit for bit."""
    [shown] = board({"a": [1, 2, 2, 3], "b": [4, 4, 5, 5], "c": [2, 2, 3, 3]}).boards
    assert not shown.has_gaps
    assert not shown.unlike_gaps
    for row in shown.rows:
        case = row.worst_case
        assert (row.estimate.value, row.estimate.low, row.estimate.high) == (row.comparable, case.low, case.high)
        assert row.estimate.value == case.worst == case.best


def test_the_same_few_tasks_unscored_in_every_row_are_no_gap() -> None:
    """A task that no row has a score on leaves all means comparable; from 5 % on it is said all the same."""
    few = {model: without(hard_and_easy(lift), range(3)) for model, lift in (("a", 0), ("b", 1))}
    [shown] = board(few).boards
    assert (False, False) == (shown.has_gaps, shown.unlike_gaps)
    assert shown.rows[0].estimate.value == pytest.approx(shown.rows[0].comparable)
    many = {model: without(hard_and_easy(lift), range(6)) for model, lift in (("a", 0), ("b", 1))}
    [shown] = board(many).boards
    assert (True, False) == (shown.has_gaps, shown.unlike_gaps)


def test_rows_without_a_common_task_are_not_ordered_as_if_they_had_one() -> None:
    """The baseline's group stands first; the other has no comparable mean; an unscored row is last."""
    scores = {
        "none": [None] * 4,
        "apart": [5, 5, None, None],
        "base": [None, None, 1, 2],
        "linked": [None, None, 2, None],
    }
    [shown] = build_leaderboard("run", [table(scores)], {}, baseline="base").boards
    assert ["linked", "base", "apart", "none"] == [row.key.model for row in shown.rows]
    assert [2.5, 1.5, None, None] == [row.comparable for row in shown.rows]
    assert all(row.has_gaps for row in shown.rows)
    assert [(1, 3), (1, 3), (1, 3), None] == [row.rank and (row.rank.low, row.rank.high) for row in shown.rows]
    assert (1, 5) == (shown.rows[-1].worst_case.low, shown.rows[-1].worst_case.high)


def test_a_baseline_without_any_score_leaves_the_others_in_order() -> None:
    """They are linked with each other, though not with it."""
    [shown] = board({"base": [None] * 3, "a": [1, 2, 3], "b": [2, 3, None]}).boards
    assert ["b", "a", "base"] == [row.key.model for row in shown.rows]
    assert [3.0, 2.0, None] == [row.comparable for row in shown.rows]


def test_a_repeat_that_is_missing_is_bounded_and_said() -> None:
    """Two generations judged twice, one verdict of four missing: the score stays, a quarter of the scale is open."""
    samples = tuple(Sample(id=name, inputs={"input": "x"}) for name in ("0", "1"))
    items = [
        JudgementItem(
            request=request(model, sample.id, repeat),
            judge="j",
            judge_repeat=judge_repeat,
            key="",
            verdict=verdict(None if (model, sample.id, repeat, judge_repeat) == ("b", "1", 1, 1) else 3),
        )
        for model in ("a", "b")
        for sample in samples
        for repeat in range(2)
        for judge_repeat in range(2)
    ]
    [built] = score_tables([PlannedTask(name="t", samples=samples)], [JUDGE], items, {})
    least, most = built.ends
    assert [[3, 3], [3, 2.5]] == least.tolist()
    assert [[3, 3], [3, 3.5]] == most.tolist()
    [shown] = build_leaderboard("run", [built], {}, baseline="a").boards
    rows = {row.key.model: row for row in shown.rows}
    assert (0, 1, True) == (rows["b"].estimate.n_unscored, rows["b"].n_partly, rows["b"].has_gaps)
    assert (2.75, 3.25) == (rows["b"].worst_case.worst, rows["b"].worst_case.best)
    assert shown.comparisons[0].result.missing.caution is not None


def test_repeats_that_were_never_asked_for_are_not_missing() -> None:
    """Answers from a file exist once where a model answers three times: nothing of them is missing."""
    samples = (Sample(id="0", inputs={"input": "x"}), Sample(id="1", inputs={"input": "x"}))
    items = [
        JudgementItem(request=request(model, sample.id, repeat), judge="j", judge_repeat=0, key="", verdict=verdict(4))
        for model, repeats in (("often", 3), ("once", 1))
        for sample in samples
        for repeat in range(repeats)
    ]
    [built] = score_tables([PlannedTask(name="t", samples=samples)], [JUDGE], items, {})
    [shown] = build_leaderboard("run", [built], {}, baseline="often").boards
    assert [False, False] == [row.has_gaps for row in shown.rows]
    assert [(4, 4), (4, 4)] == [(row.worst_case.worst, row.worst_case.best) for row in shown.rows]


def test_means_by_tag_have_intervals_over_clusters_where_tasks_have_them() -> None:
    """The interval of a tag is that of its own tasks with their own clusters."""
    rng = np.random.default_rng(5)
    names = [f"c{place // 3}" for place in range(60)]
    samples = [
        Sample(id=str(place), inputs={"input": "x"}, tags=("even",) if place % 2 == 0 else ("odd",), cluster=name)
        for place, name in enumerate(names)
    ]
    scores = np.clip(np.rint(3 + np.repeat(rng.normal(size=20), 3) + rng.normal(size=60) / 2), 1, 5)
    task = PlannedTask(name="t", samples=tuple(samples))
    items = [
        JudgementItem(request=request("m", str(place)), judge="j", judge_repeat=0, key="", verdict=verdict(score))
        for place, score in enumerate(scores)
    ]
    [built] = score_tables([task], [JUDGE], items, lambda item: item.verdict)
    [row] = build_leaderboard("run", [built], {}, baseline="m").boards[0].rows
    expected = cluster_interval(scores[::2], LIKERT_5, Design(clusters=names[::2])).estimate
    assert {tag.tag: tag.estimate for tag in row.tags}["even"] == expected
    assert expected.method == "CR2 logit-t"


def test_means_by_tag_are_made_comparable_too() -> None:
    """Within each tag by the tasks of that tag."""
    scores = {"base": [1, 5, 3, 3], "new": [None, 4, 3, 3]}
    samples = [Sample(id=str(place), inputs={"input": "x"}, tags=("a",) if place < 2 else ("b",)) for place in range(4)]
    items = [
        JudgementItem(
            request=request(model, str(place)), judge="j", judge_repeat=0, key="", verdict=verdict(row[place])
        )
        for model, row in scores.items()
        for place in range(4)
    ]
    [built] = score_tables([PlannedTask(name="t", samples=tuple(samples))], [JUDGE], items, {})
    [shown] = build_leaderboard("run", [built], {}, baseline="base").boards
    new = next(row for row in shown.rows if row.key.model == "new")
    assert [("a", 4.0, 2.0), ("b", 3.0, 3.0)] == [(tag.tag, tag.estimate.value, tag.comparable) for tag in new.tags]


@given(st.data(), st.integers(min_value=1, max_value=8))
def test_the_order_is_that_of_comparable_means(data: st.DataObject, n: int) -> None:
    """Whatever is missing; and a row that is marked lacks something."""
    one = st.lists(st.none() | st.integers(min_value=1, max_value=5), min_size=n, max_size=n)
    scores = {model: data.draw(one) for model in ("a", "b", "c", "d")}
    [shown] = board(scores).boards
    comparable = [row.comparable for row in shown.rows]
    linked = [value for value in comparable if value is not None]
    assert sorted(linked, reverse=True) == linked
    assert comparable == [*linked, *[None] * (4 - len(linked))] or all(value is None for value in scores["a"])
    for row in shown.rows:
        lacks = sum(score is None for score in scores[row.key.model])
        assert lacks == row.estimate.n_unscored
        assert lacks > 0 or not row.has_gaps
        assert row.worst_case.low is not None
