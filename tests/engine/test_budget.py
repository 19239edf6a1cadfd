"""The budget: kept by many threads at once, and never a reason to hang."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.budget import Budget


def spend(budget: Budget, costs: list[int], threads: int) -> int:
    """Make calls that cost so many thousandths of a dollar, and return how many were let go."""

    def call(place: int) -> bool:
        kind = f"judge {place % 2}"
        if not budget.admit(kind):
            return False
        budget.settle(kind, costs[place] / 1000)
        return True

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(call, range(len(costs)), timeout=30))


@settings(deadline=None, max_examples=60)
@given(
    costs=st.lists(st.integers(0, 9), max_size=40),
    limit=st.integers(1, 100),
    threads=st.integers(1, 8),
)
def test_no_thread_waits_for_ever_and_one_at_a_time_only_the_last_call_passes_the_limit(
    costs: list[int], limit: int, threads: int
) -> None:
    """Whatever calls cost, every one is decided; one at a time, the limit holds but for a dearer last call."""
    budget = Budget(limit / 1000)
    spend(budget, costs, threads)
    assert budget.spent <= (limit + threads * max(costs, default=0)) / 1000 + 1e-9


def test_a_kind_that_cost_nothing_so_far_is_not_free_for_ever() -> None:
    """Its next call may cost: once the limit is reached, none is let go."""
    budget = Budget(0.001)
    assert 2 == spend(budget, [0, 2, 2, 2], threads=1)
    assert (True, pytest.approx(0.002)) == (budget.is_spent, budget.spent)


def test_calls_in_flight_that_cost_up_to_twice_as_much_keep_the_limit() -> None:
    """After one call at a cent, four leave at once on nine cents; the fifth waits, and then no money is left for it."""
    budget = Budget(0.1)
    assert budget.admit("judge")
    budget.settle("judge", 0.01)
    assert all(budget.admit("judge") for _ in range(4))
    with ThreadPoolExecutor(1) as pool:
        fifth = pool.submit(budget.admit, "judge")
        for _ in range(4):
            assert not fifth.done()
            budget.settle("judge", 0.02)
        assert not fifth.result(timeout=10)
    assert pytest.approx(0.09) == budget.spent


@pytest.mark.parametrize("threads", [1, 8])
def test_calls_of_one_price_use_the_limit_up_and_no_more(threads: int) -> None:
    """A hundred calls of 3 thousandths on 100 thousandths: 33."""
    budget = Budget(0.1)
    assert 33 == spend(budget, [3] * 100, threads)
    assert (True, pytest.approx(0.099)) == (budget.is_spent, budget.spent)


def test_a_kind_of_unknown_cost_is_refused_when_nothing_is_left() -> None:
    """The first judge has spent exactly the limit; the second, never asked before, is not asked."""
    budget = Budget(0.01)
    assert budget.admit("first")
    budget.settle("first", 0.01)
    assert not budget.admit("second")


def test_what_is_free_goes_on() -> None:
    """A judge that has shown to cost nothing is let go although the money is spent."""
    budget = Budget(0.01)
    assert budget.admit("free")
    budget.settle("free", None, is_free=True)
    assert budget.admit("paid")
    budget.settle("paid", 0.01)
    assert not budget.admit("paid")
    assert budget.admit("free")


def test_without_a_limit_everything_goes_and_is_counted() -> None:
    """No limit: what was spent is still known."""
    budget = Budget()
    assert 50 == spend(budget, [2] * 50, 8)
    assert (False, pytest.approx(0.1), 10**6) == (budget.is_spent, budget.spent, budget.admit("judge 0", 10**6))


def test_how_many_calls_are_affordable() -> None:
    """One while the cost is unknown, then half of what the rest covers, at last one, then none."""
    budget = Budget(0.1)
    found = [budget.admit("model", 100)]
    for costs in ([0.02], [0.02, 0.02], [0.03]):
        assert found[-1] == len(costs)
        for cost in costs:
            budget.settle("model", cost)
        found.append(budget.admit("model", 100))
    assert [1, 2, 1, 0] == found
    assert (True, pytest.approx(0.09)) == (budget.is_spent, budget.spent)


def test_what_is_known_to_be_free_leaves_all_at_once() -> None:
    """A model on one's own machine is not asked one answer at a time, whatever others have spent."""
    budget = Budget(0.01, free=["model mine"])
    assert 100 == budget.admit("model mine", 100)
    assert 1 == budget.admit("judge")
    budget.settle("judge", 0.01)
    assert (100, 0) == (budget.admit("model mine", 100), budget.admit("judge", 5))


def test_a_closed_budget_ends_every_wait() -> None:
    """A call that waits for others is refused when the run is interrupted, though nothing was settled."""
    budget = Budget(0.1)
    assert 1 == budget.admit("model", 5)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(budget.admit, "model")
        budget.close()
        assert 0 == second.result(timeout=10)


@pytest.mark.parametrize("cost", [None, -1e9, float("nan"), float("inf"), float("-inf")])
def test_a_cost_that_is_none_is_counted_as_estimated(cost: float | None) -> None:
    """What a call cost that tells no sensible cost is what it should have cost; the limit holds."""
    budget, calls = Budget(1.0), 0
    while budget.admit("judge"):
        budget.settle("judge", cost, otherwise=0.3)
        calls += 1
    assert (3, pytest.approx(0.9)) == (calls, budget.spent)
