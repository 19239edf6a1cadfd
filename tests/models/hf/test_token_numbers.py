"""The HF path's numbers token by token, against transformers' own passes and against its own answers."""

from collections.abc import Sequence

import pytest
import torch

from harness.errors import InputError, OutOfMemoryError
from harness.models.hf import LocalModel
from harness.models.hf.sampling import penalised
from harness.protocols import ShowsNumbers
from harness.types import Message, RenderedPrompt, Sampling
from tests.models.hf.local import PROMPTS

SAMPLING = Sampling(max_new_tokens=9)


def rendered(texts: Sequence[str]) -> list[RenderedPrompt]:
    return [RenderedPrompt(messages=(Message(role="user", content=text),)) for text in texts]


def brute_force(model: LocalModel, ids: Sequence[int], answer: Sequence[int]) -> list[float]:
    """One plain pass for each token: how probable it is as the last of what stands before it."""
    found = []
    for place, token in enumerate(answer):
        with torch.inference_mode():
            scores = model._base().model(torch.tensor([[*ids, *answer[:place]]])).logits[0, -1]
        found.append(float(scores.double().log_softmax(-1)[token]))
    return found


def test_forced_answers_are_as_probable_as_transformers_finds_them(backend: LocalModel) -> None:
    """Prompts and answers of unlike lengths, in one batch and alone; one of the answers has no tokens."""
    assert isinstance(backend, ShowsNumbers)
    answers = [(5, 300, 7), (9,), (), (40, 41, 42, 43, 44)]
    numbers = backend.numbers()
    together, alone = (way(rendered(PROMPTS), answers) for way in (numbers.forced_answers, numbers.forced_alone))
    for one, other, answer, prompt in zip(together, alone, answers, rendered(PROMPTS), strict=True):
        ids = backend._base().encoder.encode(prompt)
        assert (*ids,) == one.prompt == other.prompt
        assert brute_force(backend, ids, answer) == pytest.approx(list(one.values), abs=1e-4)
        assert list(one.values) == pytest.approx(list(other.values), abs=1e-4)


def test_greedy_answers_are_those_that_generate_gives(backend: LocalModel, ask) -> None:  # noqa: ANN001
    """The same tokens, seen by their texts and numbers."""
    numbers = backend.numbers()
    given = {one.request_key: one for one in backend.generate([ask(text, key=text, new=9) for text in PROMPTS])}
    for text, tokens in zip(PROMPTS, numbers.greedy_answers(rendered(PROMPTS), SAMPLING), strict=True):
        assert given[text].tokens_out == len(tokens)
        assert given[text].text == backend._base().encoder.decode([*tokens])


def test_the_first_leader_is_what_a_greedy_answer_takes(backend: LocalModel) -> None:
    """Under the penalty, and not without it: a wrong penalty shows."""
    numbers, prompts = backend.numbers(), rendered(PROMPTS)
    answers = numbers.greedy_answers(prompts, SAMPLING)
    for answer, places in zip(answers, numbers.leaders(prompts, answers, SAMPLING), strict=True):
        assert list(answer) == [leaders[0][0] for leaders in places]
        assert all(leaders == sorted(leaders, key=lambda one: -one[1]) for leaders in places)
    plain = numbers.leaders(prompts, answers, Sampling(max_new_tokens=9, repetition_penalty=1.0))
    assert any(places[at][0][0] != answer[at] for answer, places in zip(answers, plain, strict=True) for at in range(9))


def test_how_finely_scores_are_rounded_goes_by_the_dtype_and_their_size(backend: LocalModel) -> None:
    """Nothing before a pass; after it eps of float32 at the largest score."""
    numbers = backend.numbers()
    assert numbers.resolution == 0
    (one,) = rendered(PROMPTS[:1])
    numbers.forced_answers([one], [(5,)])
    with torch.inference_mode():
        scores = backend._base().model(torch.tensor([backend._base().encoder.encode(one)])).logits[0, -1]
    assert numbers.resolution == pytest.approx(2**-23 * float(scores.abs().max()), rel=1e-4)


def test_a_prompt_without_room_for_an_answer_is_refused(backend: LocalModel) -> None:
    """The tiny model takes 256 tokens."""
    with pytest.raises(InputError, match="takes 256"):
        backend.numbers().greedy_answers(rendered(["はい" * 300]), SAMPLING)


def test_penalised_is_the_penalty_of_the_samplers() -> None:
    """A token that was seen twice is penalised once, a negative score multiplied."""
    assert penalised(torch.tensor([2.0, -1.0, 3.0]), [0, 1, 1], 2.0).tolist() == [1.0, -2.0, 3.0]


def test_a_batch_that_does_not_fit_is_halved_and_a_row_that_does_not_is_refused(
    backend: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same values in smaller passes; with room for none, the tokens of the prompt are named."""
    from harness.models.hf import token_numbers

    numbers, prompts, answers = backend.numbers(), rendered(PROMPTS), [(5, 6)] * len(PROMPTS)
    expected = numbers.forced_answers(prompts, answers)
    plain, sizes = token_numbers._scores, []

    def with_room_for(most: int) -> None:
        def scores(base: object, ids: Sequence[Sequence[int]], given: Sequence[Sequence[int]]) -> list[torch.Tensor]:
            sizes.append(len(ids))
            if len(ids) > most:
                raise torch.OutOfMemoryError
            return plain(base, ids, given)  # type: ignore[arg-type]

        monkeypatch.setattr(token_numbers, "_scores", scores)

    with_room_for(1)
    found = numbers.forced_answers(prompts, answers)
    assert [4, 2, 1, 1, 1, 1] == sizes
    for one, other in zip(expected, found, strict=True):
        assert list(one.values) == pytest.approx(list(other.values), abs=1e-4)
    with_room_for(0)
    with pytest.raises(OutOfMemoryError, match="a prompt of"):
        numbers.forced_answers(prompts, answers)
