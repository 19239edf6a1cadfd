"""Which pairs and best answers are made of judged ones."""

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.types import Sample
from trainers.data.judged_answers import JudgedAnswer, JudgedPrompt
from trainers.data.preferences import choose_best, choose_pairs

Given = tuple[str, float]


def prompt(number: int, *answers: Given, cut: Sequence[str] = ()) -> JudgedPrompt:
    return JudgedPrompt(
        task="t",
        sample=Sample(id=str(number), inputs={"input": f"{number}?"}),
        answers=tuple(JudgedAnswer(text=text, score=score, model="m", cut=text in cut) for text, score in answers),
    )


def texts(prompts: Sequence[JudgedPrompt], **options: float) -> list[tuple[str, str]]:
    chosen = choose_pairs(prompts, balance=False, **{"gap": 1.0, **options})  # type: ignore[arg-type]
    return [(pair.chosen.text, pair.rejected.text) for pair in chosen.rows]


def test_the_widest_gap_then_the_nearest_length() -> None:
    """4 against 1 twice: of the two worst answers the one as long as the best is taken."""
    assert [("abcd", "wxyz")] == texts([prompt(1, ("abcd", 4), ("v", 1), ("wxyz", 1), ("mid", 3))])


def test_several_pairs_of_a_prompt() -> None:
    """The widest first, no more than asked for."""
    one = prompt(1, ("aa", 5), ("bb", 3), ("cc", 1))
    assert [("aa", "cc"), ("aa", "bb")] == texts([one], per_prompt=2)
    assert 3 == len(texts([one], per_prompt=9))


def test_what_makes_no_pair_is_counted() -> None:
    """A tie and a small gap are close; one answer, none and blank ones are alone."""
    prompts = [
        prompt(1, ("a", 3), ("b", 3)),
        prompt(2, ("a", 3), ("b", 2.5)),
        prompt(3, ("a", 3)),
        prompt(4),
        prompt(5, ("a", 5), (" \n", 1)),
        prompt(6, ("a", 5), ("b", 4)),
    ]
    found = choose_pairs(prompts, gap=1.0, balance=False)
    assert (3, 2, ["6"]) == (found.alone, found.close, [pair.prompt.sample.id for pair in found.rows])


def test_a_cut_answer_is_never_the_better_one() -> None:
    """It may be the worse one: an answer that never ends is worth learning to avoid."""
    assert [] == texts([prompt(1, ("a", 5), ("b", 1), cut="a")])
    assert [("b", "a")] == texts([prompt(1, ("a", 1), ("b", 5), cut="a")])


def test_balance_leaves_out_the_most_unlike_lengths() -> None:
    """Three longer and one shorter better answer: the longer one nearest in length stays, and equal lengths do."""
    prompts = [
        prompt(1, ("a" * 8, 5), ("b", 1)),
        prompt(2, ("a" * 3, 5), ("b" * 2, 1)),
        prompt(3, ("a" * 9, 5), ("b" * 3, 1)),
        prompt(4, ("a", 5), ("b" * 4, 1)),
        prompt(5, ("a", 5), ("b", 1)),
    ]
    found = choose_pairs(prompts, gap=1.0)
    assert (["2", "4", "5"], 2) == ([pair.prompt.sample.id for pair in found.rows], found.unbalanced)
    assert (pytest.approx(3.5 / 5), 0.5) == (found.before.longer, found.after.longer)
    assert found.after.ratio == pytest.approx((3 / 2 * 1 / 4) ** (1 / 3))


@given(
    st.lists(
        st.lists(st.tuples(st.text("ab", min_size=1, max_size=9), st.integers(1, 5).map(float)), max_size=5),
        max_size=12,
    ),
    st.integers(1, 4),
)
def test_balanced_pairs_are_fair(rows: list[list[Given]], per_prompt: int) -> None:
    """As many longer as shorter; every pair is at least the gap apart; prompts keep their order."""
    prompts = [prompt(number, *answers) for number, answers in enumerate(rows)]
    found = choose_pairs(prompts, gap=2.0, per_prompt=per_prompt)
    signs = [math.copysign(1, pair.log_ratio) if pair.log_ratio else 0 for pair in found.rows]
    assert 0 == sum(signs)
    assert all(pair.gap >= 2 for pair in found.rows)
    places = [int(pair.prompt.sample.id) for pair in found.rows]
    assert all(one <= other for one, other in pairwise(places))
    assert all(places.count(place) <= per_prompt for place in places)


def test_the_best_answers() -> None:
    """The highest score, the first of equals; cut and blank ones aside; too low ones are counted."""
    prompts = [
        prompt(1, ("a", 4), ("b", 5), ("c", 5)),
        prompt(2, ("a", 5), ("b", 4), cut="a"),
        prompt(3, ("a", 3)),
        prompt(4, (" ", 5)),
    ]
    found = choose_best(prompts, least=4)
    assert (["b", "b"], 1, 1) == ([answer.text for _, answer in found.rows], found.alone, found.low)
