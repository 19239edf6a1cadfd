"""vLLM's own numbers, as the certificate reads them."""

from collections.abc import Callable, Mapping
from typing import Any

from harness.types import Request, Sampling
from tests.models.vllm.fake_vllm import FakeVllm


def test_greedy_answers_come_in_order_whatever_order_they_end_in(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]
) -> None:
    """With the end token, penalty and limit as asked."""
    fake.answers = lambda ids, lora: [ids[1], 2]
    shown = [ask(text).rendered for text in ("日本", "hello", "猫")]
    given = board["small"].numbers().greedy_answers(shown, Sampling(max_new_tokens=4, repetition_penalty=1.3))
    assert [(board["small"].tokens(one)[1][0], 2) for one in shown] == given
    assert {(1.3, 4, 0.0)} == {
        (one.params.repetition_penalty, one.params.max_tokens, one.params.temperature) for one in fake.asked
    }
    assert all(one.lora is not None for one in fake.asked)


def test_a_forced_answer_has_one_score_for_each_of_its_tokens(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]
) -> None:
    """Those behind the prompt, and no others."""
    fake.scores = lambda ids, lora: [float(-place) for place in range(1, len(ids))]
    shown = [ask(text).rendered for text in ("日本", "hello")]
    ids = [[token for token, _ in board["base"].tokens(one)] for one in shown]
    given = board["base"].numbers().forced_answers(shown, [[5, 6, 2], [9]])
    assert [tuple(one) for one in ids] == [one.prompt for one in given]
    first, second = len(ids[0]), len(ids[1])
    assert [(-first, -first - 1, -first - 2), (-second,)] == [one.values for one in given]
    assert [*ids[1], 9] == fake.asked[-1].ids
