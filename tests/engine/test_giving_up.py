"""When something is asked no more."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from harness.engine.giving_up import GivenUp


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 6))
def test_it_takes_so_many_failures_in_a_row(calls: list[bool], most: int) -> None:
    """It is news once, at the first call that ends a run of failures of that length, and never before."""
    given_up = GivenUp()
    news = [given_up.after("late" if failed else None, "j", most=most) for failed in calls]
    ends = [place for place in range(len(calls)) if place + 1 >= most and all(calls[place + 1 - most : place + 1])]
    assert ends[:1] == [place for place, is_news in enumerate(news) if is_news]
    assert bool(ends) == (given_up.reason("j") is not None)


def test_the_first_reason_stays_and_names_are_apart() -> None:
    """What was given up is given up by its first reason, and nothing else with it."""
    given_up = GivenUp()
    assert [True, False] == [given_up.at_once("a", f"reason {number}") for number in range(2)]
    assert not given_up.after("late", "a", most=1)
    assert {"a": "reason 0"} == given_up.reasons
    assert given_up.reason("b") is None


def test_many_threads_hear_the_news_once() -> None:
    """Sixteen threads whose calls all fail: one of them is told."""
    given_up = GivenUp()
    with ThreadPoolExecutor(16) as pool:
        news = list(pool.map(lambda number: given_up.after(f"{number}", "j", most=10), range(400)))
    assert 1 == sum(news)
