"""Batch plans: longest first, within the budget, equal for equal input."""

import random

from hypothesis import given
from hypothesis import strategies as st

from harness.models.hf.batching import BatchBudget, BatchRow, describe, halves, plan_batches
from harness.types import Message, RenderedPrompt, Request, Sampling


def row(key: str, length: int, limit: int) -> BatchRow:
    """Return a row with a prompt of so many tokens."""
    request = Request(
        key=key,
        task="t",
        sample_id=key,
        model="m",
        prompt="p",
        repeat=0,
        rendered=RenderedPrompt(messages=(Message(role="user", content=key),)),
        sampling=Sampling(max_new_tokens=limit),
    )
    return BatchRow(request=request, ids=[7] * length, limit=limit)


def budget(rows: int = 100, tokens: int | None = None, memory: int = 10**9) -> BatchBudget:
    """Return a budget in which a token costs one byte."""
    return BatchBudget(rows=rows, tokens=tokens, memory=memory, row_bytes=lambda prompt, new: prompt + new)


shapes = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=40)


@given(shapes, st.integers(1, 9), st.integers(1, 400), st.integers(1, 400), st.randoms())
def test_every_row_once_longest_first_within_the_budget(
    lengths: list[tuple[int, int]], most: int, tokens: int, memory: int, shuffled: random.Random
) -> None:
    """Only a row that is alone may exceed the budget; the order in which rows arrive does not matter."""
    rows = [row(f"{index:02}", length, limit) for index, (length, limit) in enumerate(lengths)]
    allowed = budget(rows=most, tokens=tokens, memory=memory)
    plan = plan_batches(rows, allowed)
    flat = [item for batch in plan for item in batch]
    assert sorted(flat, key=lambda item: (-len(item.ids), item.request.key)) == flat
    assert {item.request.key for item in rows} == {item.request.key for item in flat}
    for batch in plan:
        padded = len(batch) * (max(len(item.ids) for item in batch) + max(item.limit for item in batch))
        assert len(batch) == 1 or (len(batch) <= most and padded <= min(tokens, memory))
    shuffled.shuffle(rows)
    assert plan == plan_batches(rows, allowed)


def test_rows_that_fit_together_are_together() -> None:
    """A plan does not split without need."""
    rows = [row(str(index), 10, 10) for index in range(8)]
    assert [8] == [len(batch) for batch in plan_batches(rows, budget(rows=8))]
    assert [4, 4] == [len(batch) for batch in plan_batches(rows, budget(memory=80))]
    assert [3, 3, 2] == [len(batch) for batch in plan_batches(rows, budget(tokens=60))]


def test_a_plan_is_described() -> None:
    """What the report records."""
    rows = [row("a", 5, 1), row("b", 9, 1), row("c", 7, 1)]
    expected = "batch plan (rows × prompt tokens, longest first): 2×9, 1×5"
    assert expected == describe(plan_batches(rows, budget(rows=2)))


@given(st.integers(2, 50))
def test_halves_keep_order_and_lose_nothing(count: int) -> None:
    """Two nearly equal parts."""
    rows = [row(str(index), 1, 1) for index in range(count)]
    first, second = halves(rows)
    assert rows == first + second
    assert len(first) - len(second) in {0, 1}
