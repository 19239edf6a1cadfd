"""Figures from verdicts on pairs: both orders combined, place found and taken out, nothing mixed."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.analysis.pairwise import PairBoard, pair_boards
from harness.engine.pairing import JudgedPairs, PairItem
from harness.pairs.planned import PairOfRows, PlannedPairs
from harness.types import PlannedTask, RowKey, Sample, Verdict
from harness.unscored import Unscored

BASE, A, B = (RowKey(model=name, prompt=None) for name in ("base", "a", "b"))


def task(n: int, clusters: int | None = None) -> PlannedTask:
    return PlannedTask(
        name="t",
        samples=tuple(
            Sample(id=str(i), inputs={"input": "x"}, cluster=None if clusters is None else str(i % clusters))
            for i in range(n)
        ),
    )


def board(
    shares: dict[tuple[str, RowKey, RowKey], float | None],
    *,
    n: int,
    kind: str = "model",
    lengths: dict[tuple[str, RowKey], int] | None = None,
    pairs: tuple[PairOfRows, ...] = (PairOfRows(candidate=A, opponent=BASE),),
    clusters: int | None = None,
    raters: int = 1,
) -> PairBoard:
    """The board of verdicts by sample, first and second row."""
    items, verdicts = [], {}
    for place, ((sample, first, second), share) in enumerate(shares.items()):
        sizes = None if lengths is None else (lengths[sample, first], lengths[sample, second])
        items.append(PairItem(task="t", sample_id=sample, repeat=0, first=first, second=second, key=str(place),
                              characters=sizes, rater=str(place % raters) if kind == "human" else None))  # fmt: skip
        if share is not None:
            verdicts[str(place)] = Verdict.scored(share)
        else:
            verdicts[str(place)] = Verdict.unscored(Unscored("reply_no_json", "no JSON"))
    plan = PlannedPairs(judge="j", fingerprint="f", kind=kind, pairs=pairs)  # type: ignore[arg-type]
    judged = JudgedPairs(plan=plan, items=tuple(items), verdicts=verdicts)
    (found,) = pair_boards([judged], [task(n, clusters)], baseline="base", rows=[BASE, A, B])
    return found


def both(sample: int, candidate_first: float, candidate_second: float) -> dict[tuple[str, RowKey, RowKey], float]:
    """The verdicts of both orders, each as what the candidate got."""
    return {(str(sample), A, BASE): candidate_first, (str(sample), BASE, A): 1 - candidate_second}


def test_two_orders_of_a_task_are_one_share() -> None:
    """Won in both: a win; in one only: a tie; won and tied: a win by three quarters."""
    shares = both(0, 1, 1) | both(1, 1, 0) | both(2, 1, 0.5) | both(3, 0, 0) | both(4, 0.5, 0.5)
    found = board(shares, n=5)
    (one,) = found.comparisons
    assert (one.rate.wins, one.rate.ties, one.rate.losses) == (2, 2, 1)
    assert one.rate.estimate.value == pytest.approx((1 + 0.5 + 0.75 + 0 + 0.5) / 5)
    assert (found.n_both, found.n_changed, found.n_verdicts, found.ties) == (5, 2, 10, 0.3)


def test_a_judges_verdict_in_one_order_alone_counts_in_no_win_rate() -> None:
    """It would carry the effect of place; people's does count, their orders being balanced."""
    shares = both(0, 1, 1) | {("1", A, BASE): 1.0, ("1", BASE, A): None}
    found = board(shares, n=2)
    assert (found.comparisons[0].rate.estimate.n, found.comparisons[0].rate.estimate.n_unscored) == (1, 1)
    assert (found.n_unscored, found.reasons) == (1, {"no JSON": 1})
    by_people = board({key: share for key, share in shares.items() if share is not None}, n=2, kind="human")
    assert by_people.comparisons[0].rate.estimate.n == 2


def test_the_exact_interval_is_scipys() -> None:
    """Twelve of fifteen, both orders alike."""
    shares: dict[tuple[str, RowKey, RowKey], float | None] = {}
    for sample in range(15):
        shares |= both(sample, float(sample < 12), float(sample < 12))
    estimate = board(shares, n=15).comparisons[0].rate.estimate
    expected = scipy_stats.binomtest(12, 15).proportion_ci()
    assert [estimate.low, estimate.high] == pytest.approx([expected.low, expected.high])


def _judged(rng: np.random.Generator, n: int, bias: float, rate: float, *, candidate_first: float) -> PairBoard:
    """People who see each pair once, the candidate first with a given chance, and favour what is first."""
    shares: dict[tuple[str, RowKey, RowKey], float | None] = {}
    for sample in range(n):
        is_first = rng.random() < candidate_first
        won = rng.random() < (rate + bias if is_first else rate - bias)
        shares[(str(sample), A, BASE) if is_first else (str(sample), BASE, A)] = float(won == is_first)
    return board(shares, n=n, kind="human")


def test_planted_position_bias_of_ten_points_is_found_and_removed() -> None:
    """Both orders of 3,000 tasks: bias 10 +- 2 points, win rate and expected win rate 60 +- 2."""
    rng = np.random.default_rng(3)
    shares: dict[tuple[str, RowKey, RowKey], float | None] = {}
    for sample in range(3_000):
        shares |= both(sample, float(rng.random() < 0.7), float(rng.random() < 0.5))
    found = board(shares, n=3_000)
    (one,) = found.comparisons
    assert found.position.value == pytest.approx(0.10, abs=0.02)
    assert found.position.low > 0
    assert one.rate.estimate.value == pytest.approx(0.60, abs=0.02)
    assert one.expected == pytest.approx(0.60, abs=0.02)


def test_planted_position_bias_is_removed_where_orders_are_not_balanced() -> None:
    """The candidate first in 85 of 100: the plain rate is wrong by seven points, the model's by under two."""
    found = _judged(np.random.default_rng(4), 6_000, 0.10, 0.60, candidate_first=0.85)
    (one,) = found.comparisons
    assert one.rate.estimate.value > 0.65
    assert one.expected == pytest.approx(0.60, abs=0.02)
    assert found.place.value == pytest.approx(np.log(0.6 / 0.4), abs=0.1)
    assert found.n_both == 0  # nobody saw a pair in both orders


def test_all_pairs_give_strengths_best_first() -> None:
    """A beats everybody mostly, b nobody; the baseline stands at 0 between them."""
    rng = np.random.default_rng(5)
    strength = {BASE: 0.0, A: 1.0, B: -1.0}
    pairs = tuple(PairOfRows(candidate=one, opponent=other) for one, other in ((A, BASE), (B, BASE), (B, A)))
    shares: dict[tuple[str, RowKey, RowKey], float | None] = {}
    for sample in range(400):
        for pair in pairs:
            for first, second in ((pair.candidate, pair.opponent), (pair.opponent, pair.candidate)):
                chance = 1 / (1 + np.exp(strength[second] - strength[first] - 0.4))
                shares[str(sample), first, second] = float(rng.random() < chance)
    found = board(shares, n=400, pairs=pairs)
    assert [one.row for one in found.strengths] == [A, BASE, B]
    assert [one.estimate.value for one in found.strengths] == pytest.approx([1.0, 0.0, -1.0], abs=0.25)
    assert found.reference == BASE
    assert found.place.low < 0.4 < found.place.high
    assert [one.p_adjusted >= one.rate.p_value for one in found.comparisons] == [True] * 3


def test_length_is_controlled_by_the_difference_of_a_task() -> None:
    """Whoever writes more wins: at equal lengths nobody does."""
    rng = np.random.default_rng(6)
    shares: dict[tuple[str, RowKey, RowKey], float | None] = {}
    lengths: dict[tuple[str, RowKey], int] = {}
    for sample in range(300):
        lengths[str(sample), A], lengths[str(sample), BASE] = int(rng.integers(50, 400)), int(rng.integers(50, 250))
        gap = lengths[str(sample), A] - lengths[str(sample), BASE]
        won = float(rng.random() < 1 / (1 + np.exp(-gap / 60)))
        shares |= both(sample, won, won)
    (one,) = board(shares, n=300, lengths=lengths).comparisons
    assert one.rate.estimate.value > 0.6
    assert one.controlled.estimate.value == pytest.approx(0.5, abs=0.08)
    assert one.longer == pytest.approx(np.mean([lengths[str(s), A] - lengths[str(s), BASE] for s in range(300)]))


def test_clusters_of_tasks_are_the_unit() -> None:
    """Families of tasks make intervals wider than their tasks alone would."""
    shares: dict[tuple[str, RowKey, RowKey], float | None] = {}
    for sample in range(60):
        won = float(sample % 6 < 4)
        shares |= both(sample, won, won)
    alone, families = board(shares, n=60), board(shares, n=60, clusters=6)
    widths = [one.comparisons[0].rate.estimate.high - one.comparisons[0].rate.estimate.low for one in (alone, families)]
    assert widths[1] > 2 * widths[0]


def test_nothing_judged_is_nothing_invented() -> None:
    """All without a verdict: no rate, no strength, the reason counted."""
    found = board({("0", A, BASE): None, ("0", BASE, A): None}, n=1)
    (one,) = found.comparisons
    assert (one.rate.estimate.value, one.rate.p_value, one.p_adjusted, one.expected) == (None, None, None, None)
    assert (found.position.value, found.ties, found.n_unscored) == (None, None, 2)
    assert [one.estimate.value for one in found.strengths] == [None, None]
