"""How probable words are: against sums over transformers' own scores, in any batch, and in texts held to a form."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from harness.errors import ModelLoadError
from harness.models.hf import LocalModel
from harness.models.hf import forward_eager as steps_module
from harness.models.hf.batching import BatchRow
from harness.models.hf.word_scores import Vocabulary, WordScorer, first_words, most_tokens, read_vocabulary
from harness.protocols import FreeText, ScoresWords, WordScores
from harness.types import Message, RenderedPrompt, Request, Sampling
from tests.models.hf.local import PROMPTS

DIGITS = ("1", "2", "3", "4", "5")
FORM = FreeText(before='{"reason": "', most=12, after='", "score": ', end="}")
TEXTS = [*PROMPTS, "点数：", "### 4点か5点か。\n", "はい " * 9, "a"]


def prompts(texts: Sequence[str]) -> list[RenderedPrompt]:
    return [RenderedPrompt(messages=(Message(role="user", content=text),)) for text in texts]


def scored(model: LocalModel, texts: Sequence[str], lead: FreeText | None = None) -> list[WordScores]:
    return sorted(model.score_words(prompts(texts), DIGITS, lead), key=lambda one: one.index)


def brute_force(model: LocalModel, ids: list[int], *, blank: bool = True) -> list[float]:
    """Sum over all tokens that show a digit, by one plain forward pass, and one more behind a blank that wins."""
    base = model._base()
    tokenizer = base.encoder.tokenizer
    with torch.inference_mode():
        every = base.model(torch.tensor([ids])).logits[0, -1].double().softmax(-1).tolist()
    shown = [tokenizer.decode([token]) for token in range(len(tokenizer))]
    found = [
        sum(
            share
            for share, text in zip(every, shown, strict=False)
            if text.strip() in {digit, chr(ord(digit) + 0xFEE0)}
        )
        for digit in DIGITS
    ]
    best = every.index(max(every))
    if blank and not shown[best].strip() and best not in tokenizer.all_special_ids:
        behind = brute_force(model, [*ids, best], blank=False)
        found = [one + every[best] * more for one, more in zip(found, behind, strict=True)]
    return found


def test_words_at_the_beginning_equal_the_sum_over_their_tokens(backend: LocalModel) -> None:
    """Every token that shows the digit, with blanks or in bytes, to 1e-6."""
    assert isinstance(backend, ScoresWords)
    for text, one in zip(TEXTS, scored(backend, TEXTS), strict=True):
        ids = backend._base().encoder.encode(prompts([text])[0])
        assert one.probabilities == pytest.approx(brute_force(backend, ids), abs=1e-6)


def test_the_batch_changes_nothing(backend: LocalModel) -> None:
    """Each alone, all together and in another order: within 1e-4 in float32."""
    together = scored(backend, TEXTS)
    backwards = scored(backend, TEXTS[::-1])[::-1]
    for text, one, other in zip(TEXTS, together, backwards, strict=True):
        (alone,) = scored(backend, [text])
        assert alone.probabilities == pytest.approx(one.probabilities, abs=1e-4)
        assert alone.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def test_texts_keep_to_the_form_and_the_place_is_that_of_the_score(
    backend: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A random model writes JSON; the probabilities are those in front of the digit, without any mask."""
    given: list[int] = []
    step = steps_module.EagerSteps.step

    def recorded(steps: Any, tokens: torch.Tensor) -> torch.Tensor:
        given.extend(tokens.tolist())
        return step(steps, tokens)

    monkeypatch.setattr(steps_module.EagerSteps, "step", recorded)
    for text in TEXTS[:5]:
        given.clear()
        (one,) = scored(backend, [text], FORM)
        reply = json.loads(one.text or "")
        assert ["reason", "score"] == list(reply)
        assert 1 <= len(reply["reason"]) <= FORM.most
        ids = backend._base().encoder.encode(prompts([text])[0])
        word = len(given) - 1  # the end of the form takes one token, which no step is given
        assert str(reply["score"]) == backend._base().encoder.tokenizer.decode([given[word]]).strip()
        expected = brute_force(backend, [*ids, *given[:word]], blank=False)
        assert one.probabilities == pytest.approx(expected, abs=1e-6)


def test_many_replies_can_all_be_read_whatever_the_batch(backend: LocalModel) -> None:
    """The end of a reason is forced where the model finds none: 60 texts at once, and some of them alone."""
    texts = [f"{number}番目の課題。" * (number % 4 + 1) for number in range(60)]
    found = scored(backend, texts, FORM)
    assert 60 == len(found)
    for one in found:
        assert one.text is not None
        assert re.fullmatch(r'\{"reason": "[^"\\]{1,12}", "score": [1-5]\}', one.text)
    for index in (0, 31, 59):
        (alone,) = scored(backend, [texts[index]], FORM)
        assert (found[index].text, pytest.approx(found[index].probabilities, abs=1e-4)) == (
            alone.text,
            alone.probabilities,
        )


def test_a_prompt_that_leaves_no_room_has_an_error(backend: LocalModel) -> None:
    """The others are scored all the same."""
    found = scored(backend, ["a", "あ" * 400])
    assert found[0].probabilities is not None
    assert (None, True) == (found[1].probabilities, "tokens, and the model takes 256" in str(found[1].error))


def test_a_reply_without_room_for_its_end_has_an_error(backend: LocalModel) -> None:
    """Two hundred tokens of prompt leave too few for the form: no score is made of what there is."""
    base = backend._base()
    room = next(n for n in range(1, 300) if len(base.encoder.encode(prompts(["a " * n])[0])) > 240)
    (one,) = scored(backend, ["a " * room], FORM)
    assert (None, "the reply was cut before its score") == (one.probabilities, one.error)


def test_a_word_of_several_tokens_is_refused(backend: LocalModel) -> None:
    """10 is two digits to this tokenizer; nothing is guessed."""
    with pytest.raises(ModelLoadError, match="no single token for 10"):
        list(backend.score_words(prompts(["a"]), ("9", "10")))


def test_memory_that_runs_out_halves_the_batch(backend: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows fit, eight do not; none is lost."""
    start, sizes = steps_module.EagerSteps.start, []

    def limited(steps: Any, given: Sequence[Sequence[int]]) -> torch.Tensor:
        sizes.append(len(given))
        if len(given) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return start(steps, given)

    monkeypatch.setattr(steps_module.EagerSteps, "start", limited)
    assert [True] * len(TEXTS) == [one.probabilities is not None for one in scored(backend, TEXTS)]
    assert [8, 4, 2, 2, 4, 2, 2] == sizes


def test_out_of_memory_alone_is_an_error_of_that_row(backend: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing left to halve."""

    def full(steps: Any, given: Sequence[Sequence[int]]) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(steps_module.EagerSteps, "start", full)
    assert ["out of memory, alone in its batch"] == [one.error for one in scored(backend, ["a"])]


class Steps:
    """A model of five tokens: two digits, a blank, and two others, with the scores that it is told."""

    def __init__(self, first: list[list[float]], second: list[list[float]]) -> None:
        self.first, self.second, self.given = first, second, []

    def start(self, given: Sequence[Sequence[int]]) -> torch.Tensor:
        return torch.tensor(self.first).log()

    def keep(self, index: Sequence[int]) -> None:
        self.kept = list(index)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        self.given = tokens.tolist()
        return torch.tensor(self.second).log()


def row(key: str) -> BatchRow:
    sampling = Sampling()
    request = Request(
        key=key, task="", sample_id=key, model="", prompt=None, repeat=0, rendered=prompts(["a"])[0], sampling=sampling
    )
    return BatchRow(request=request, ids=[0], limit=2)


def test_behind_a_blank_the_probabilities_are_added() -> None:
    """The first row answers at once; the second begins with a blank of .6: .1 + .6 × .5 and .2 + .6 × .4."""
    steps = Steps([[0.7, 0.1, 0.1, 0.05, 0.05], [0.1, 0.2, 0.6, 0.05, 0.05]], [[0.5, 0.4, 0.02, 0.04, 0.04]])
    vocabulary = Vocabulary(words=((0,), (1,)), blanks=frozenset({2}))
    first, second = first_words([row("0"), row("1")], steps, vocabulary)  # type: ignore[arg-type]
    assert (pytest.approx((0.7, 0.1)), pytest.approx((0.4, 0.44))) == (first.probabilities, second.probabilities)
    assert ([1], [2]) == (steps.kept, steps.given)


def test_scores_that_are_no_numbers_are_an_error() -> None:
    """As float16 gives where it overflows."""
    steps = Steps([[float("nan")] * 5], [])
    vocabulary = Vocabulary(words=((0,), (1,)), blanks=frozenset())
    (one,) = first_words([row("0")], steps, vocabulary)  # type: ignore[arg-type]
    assert (None, "the model's scores are not numbers") == (one.probabilities, one.error)


def test_the_words_of_a_vocabulary(llama_tokenizer: Any) -> None:
    """Digits as they stand and as bytes; a blank is no word, a special token neither."""
    found = read_vocabulary(llama_tokenizer, DIGITS, "tiny")
    assert all(f"<0x{ord(digit):02X}>" in llama_tokenizer.convert_ids_to_tokens(list(tokens))
               for digit, tokens in zip(DIGITS, found.words, strict=True))  # fmt: skip
    assert llama_tokenizer.convert_tokens_to_ids("▁") in found.blanks
    assert not found.blanks & set(llama_tokenizer.all_special_ids)
    with pytest.raises(ModelLoadError, match="no single token for 猫犬"):
        read_vocabulary(llama_tokenizer, ("猫犬",), "tiny")


def test_the_longest_text_is_known_beforehand() -> None:
    """Every character of a reason may take a token for each of its bytes."""
    assert 12 + 4 * 12 + 12 + 1 + 3 == most_tokens(FORM)
    assert WordScorer(words=DIGITS, lead=FORM).lead is FORM
