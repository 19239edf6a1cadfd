"""How probable each of some words is as the next of an answer: at its beginning, or after a text in a fixed form.

A word is any token whose text is the word, with or without blanks around it, in full-width digits or not: tokenizers
differ in which of them they use. Where an answer begins with a blank that is a token of its own (SentencePiece), the
probabilities behind the most probable one are added to those in front of it.

A text in a fixed form is generated greedily; llguidance says which tokens keep to the form.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
import torch

from harness.errors import ModelLoadError
from harness.locale import tr
from harness.models.hf.batching import BatchRow
from harness.models.hf.forward_eager import EagerSteps, Steps
from harness.protocols import FreeText, WordScores

_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")
_BYTES_OF_A_CHARACTER = 4  # and no token is shorter than a byte


def most_tokens(lead: FreeText | None) -> int:
    """Return how many tokens a text in a fixed form may take at most, with the word and its end.

    >>> most_tokens(None), most_tokens(FreeText(before="<", most=10, after=">", end="."))
    (2, 46)
    """
    if lead is None:
        return 2
    fixed = len((lead.before + lead.after + lead.end).encode())
    return fixed + _BYTES_OF_A_CHARACTER * lead.most + 3  # the longest word, and a blank


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Which tokens are which word, and which are blanks."""

    words: tuple[tuple[int, ...], ...]
    blanks: frozenset[int]

    def of_rows(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the probabilities of the words, shape (rows, words), and of all tokens, shape (rows, vocabulary)."""
        every = scores.double().softmax(dim=-1)
        return torch.stack([every[:, list(tokens)].sum(dim=-1) for tokens in self.words], dim=-1), every


def read_vocabulary(tokenizer: Any, words: Sequence[str], name: str) -> Vocabulary:  # noqa: ANN401 - transformers is untyped
    """Return the tokens of a tokenizer that are the words.

    Raises:
        ModelLoadError: a word takes several tokens.
    """
    special = frozenset(tokenizer.all_special_ids)
    texts = [tokenizer.decode([token]).translate(_WIDE) for token in range(len(tokenizer))]
    found: dict[str, list[int]] = {word: [] for word in words}
    blanks = set[int]()
    for token, text in enumerate(texts):
        bare = text.strip()
        if bare in found:
            found[bare].append(token)
        elif not bare and token not in special:
            blanks.add(token)
    if missing := [word for word, tokens in found.items() if not tokens]:
        raise ModelLoadError(
            tr("The tokenizer of {name} has no single token for {word}.", name=name, word=missing[0]),
            hint=tr("Its probability cannot be read off; take another model as judge."),
        )
    return Vocabulary(words=tuple(tuple(found[word]) for word in words), blanks=frozenset(blanks))


@torch.inference_mode()
def first_words(rows: Sequence[BatchRow], steps: Steps, vocabulary: Vocabulary) -> list[WordScores]:
    """Return how probable each word is as the first of an answer: one forward pass, a second behind a blank."""
    words, every = vocabulary.of_rows(steps.start([row.ids for row in rows]))
    likeliest = every.argmax(dim=-1)
    behind = [index for index, token in enumerate(likeliest.tolist()) if token in vocabulary.blanks]
    if behind:
        steps.keep(behind)
        chosen = likeliest[behind]
        after, _ = vocabulary.of_rows(steps.step(chosen))
        words[behind] += every[behind].gather(1, chosen[:, None]) * after
    return [_result(row, values, None) for row, values in zip(rows, words.tolist(), strict=True)]


def _result(row: BatchRow, values: Sequence[float], text: str | None) -> WordScores:
    index = int(row.request.key)
    if not np.isfinite(values).all():
        return WordScores(index=index, probabilities=None, text=text, error=tr("the model's scores are not numbers"))
    return WordScores(index=index, probabilities=tuple(values), text=text)


@dataclass(slots=True)
class _Writing:
    row: BatchRow
    matcher: Any
    tokens: list[int] = field(default_factory=list)
    values: list[float] | None = None


class FormWriter:
    """Generates texts in one form with one tokenizer, and reads the probabilities of the word in each."""

    def __init__(
        self,
        tokenizer: Any,  # noqa: ANN401 - transformers is untyped
        *,
        name: str,
        end: frozenset[int],
        size: int,
        vocabulary: Vocabulary,
        words: Sequence[str],
        lead: FreeText,
    ) -> None:
        try:
            self._tokenizer = llguidance.hf.from_tokenizer(tokenizer, n_vocab=size, eos_token=sorted(end))
        except ValueError as error:
            raise ModelLoadError(
                tr("The tokenizer of {name} cannot be held to a form: {error}", name=name, error=error),
                hint=tr("Take a rubric that asks for the number alone: --rubric digits.v1."),
            ) from error
        self._vocabulary = vocabulary
        self._is_word = frozenset(token for tokens in vocabulary.words for token in tokens)
        self._place = lead.after.rstrip()
        self._size = size
        self._grammar = llguidance.LLMatcher.grammar_from_lark(
            f"start: {_quoted(lead.before)} FREE {_quoted(lead.after)} WORD {_quoted(lead.end)}\n"
            f'FREE: /[^"\\\\\\x00-\\x1f\\x7f]{{1,{lead.most}}}/\n'
            f"WORD: {' | '.join(map(_quoted, words))}\n"
        )

    @torch.inference_mode()
    def write(self, rows: Sequence[BatchRow], steps: Steps) -> list[WordScores]:
        """Return each row's text with the probabilities of the words at the place where one of them stands."""
        live = [_Writing(row, llguidance.LLMatcher(self._tokenizer, self._grammar)) for row in rows]
        scores = steps.start([row.ids for row in rows])
        done: list[WordScores] = []
        while True:
            chosen = self._choose(scores, live)
            going = [
                index for index, one in enumerate(live) if not self._append(one, int(chosen[index]), scores[index])
            ]
            done += [self._ended(one) for index, one in enumerate(live) if index not in set(going)]
            if not going:
                return done
            if len(going) < len(live):
                steps.keep(going)
                live = [live[index] for index in going]
                chosen = chosen[going]
            scores = steps.step(chosen)

    def _choose(self, scores: torch.Tensor, live: Sequence[_Writing]) -> torch.Tensor:
        """Return the best token of those that keep to the form, for each row."""
        masks = np.zeros((len(live), (self._size + 31) // 32), dtype=np.int32)
        for one, mask in zip(live, masks, strict=True):
            one.matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
        bits = np.unpackbits(masks.view(np.uint8), axis=1, bitorder="little")[:, : self._size]
        allowed = torch.from_numpy(bits.astype(bool)).to(scores.device)
        return scores.float().masked_fill(~allowed, -torch.inf).argmax(dim=-1)

    def _append(self, one: _Writing, token: int, scores: torch.Tensor) -> bool:
        """Append a token, and return whether the text has ended with it, as it should or not."""
        if token in self._is_word and self._place in self._tokenizer.decode_str(one.tokens):
            words, _ = self._vocabulary.of_rows(scores[None])
            one.values = words[0].tolist()
        if not scores.isfinite().any() or not one.matcher.consume_token(token):
            one.values = None
            return True
        one.tokens.append(token)
        return one.matcher.is_accepting() or len(one.tokens) >= one.row.limit

    def _ended(self, one: _Writing) -> WordScores:
        text = self._tokenizer.decode_str(one.tokens)
        if one.matcher.is_accepting() and one.values is not None:
            return _result(one.row, one.values, text)
        cut = len(one.tokens) >= one.row.limit
        error = tr("the reply was cut before its score") if cut else tr("the reply broke off")
        return WordScores(index=int(one.row.request.key), probabilities=None, text=text, error=error)


def _quoted(text: str) -> str:
    """Return a text as a string of a Lark grammar."""
    return json.dumps(text, ensure_ascii=False)


@dataclass(slots=True, kw_only=True)
class WordScorer:
    """Scores the words of rows, one batch after the other; what the tokenizer says of the words is read once."""

    words: Sequence[str]
    lead: FreeText | None
    _vocabulary: Vocabulary | None = None
    _writer: FormWriter | None = None

    def score(self, rows: Sequence[BatchRow], base: Any, name: str) -> list[WordScores]:  # noqa: ANN401 - a `Base`
        """Return the result of each row, in any order.

        Raises:
            ModelLoadError: the tokenizer has no token for a word, or cannot be held to the form.
        """
        tokenizer = base.encoder.tokenizer
        if self._vocabulary is None:
            self._vocabulary = read_vocabulary(tokenizer, self.words, name)
        steps = EagerSteps(base.model, base.pad)
        if self.lead is None:
            return first_words(rows, steps, self._vocabulary)
        if self._writer is None:
            size = base.model.get_output_embeddings().weight.shape[0]
            self._writer = FormWriter(
                tokenizer,
                name=name,
                end=base.end,
                size=max(size, len(tokenizer)),
                vocabulary=self._vocabulary,
                words=self.words,
                lead=self.lead,
            )
        return self._writer.write(rows, steps)
