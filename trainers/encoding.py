"""From examples to token ids with a loss mask, and the checks that come before the first step.

The prompt's ids are those that an evaluation gives the model, from the same template and the same encoder; the answer's
ids follow, with the end-of-sequence token last. What is not learnt has the label −100.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.errors import TemplateError, TrainingDataError, TrainingError
from harness.locale import Text, tr
from harness.models.hf.tokens import Encoder
from harness.tables.rows import shorten
from harness.templates import Template
from harness.types import Message, RenderedPrompt
from trainers.data.examples import BadRow, Example

IGNORED = -100  # the label that no loss is computed for
_BEFORE = ("\n", "。", "1", "a")  # what an answer may follow: most tokenizers join the first with no answer's beginning
_UNSEEN = "\u115f\u1160\u2800\u3164\uffa0"  # fillers of Hangul and an empty Braille cell: signs by their category
_MANY_CUT = 0.05  # share of truncated samples that is worth a warning
_MOST_MISMATCHES = 0.5  # share of samples whose boundary may tokenise otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A sample as the model sees it: ``ids``, of which the first ``prompt`` are the prompt's.

    ``loss_start`` is the position of the first token with a label; ``truncated``: the end was cut off, EOS with it.
    """

    where: str
    ids: tuple[int, ...]
    prompt: int
    loss_start: int
    truncated: bool = False

    @property
    def labels(self) -> tuple[int, ...]:
        """The ids again, with −100 where nothing is learnt; position 0 is predicted from nothing, so never learnt."""
        start = max(1, self.loss_start)
        return (*(IGNORED for _ in self.ids[:start]), *self.ids[start:])

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedSet:
    """All samples of a training. ``left_out`` are too long or have nothing left to learn; ``notices`` are for people.

    ``boundary_mismatches``: samples whose prompt and answer together tokenise otherwise than one after the other.
    """

    samples: tuple[Encoded, ...]
    left_out: tuple[BadRow, ...]
    boundary_mismatches: int
    notices: tuple[str, ...]

    @property
    def truncated(self) -> int:
        """How many samples were cut."""
        return sum(sample.truncated for sample in self.samples)


class SampleEncoder:
    """Encodes examples with one template, one tokenizer, and one rule for what is learnt."""

    def __init__(
        self,
        encoder: Encoder,
        template: Template,
        *,
        loss: Literal["completion_only", "all"],
        max_length: int,
        overlong: Literal["truncate", "drop"],
        end: frozenset[int],
    ) -> None:
        """Take the ids that end an answer when the model generates (``end``) to check EOS against.

        Raises:
            HarnessError: the tokenizer has no EOS token, or generation would not stop at it.
        """
        self.encoder = encoder
        self.template = template
        self._loss = loss
        self._max_length = max_length
        self._overlong = overlong
        self.eos = _checked_eos(encoder, end)
        self._ends = end | {self.eos}
        self._special = _special_texts(encoder.tokenizer)

    def encode_all(self, examples: Sequence[Example]) -> EncodedSet:
        """Return every example encoded, after the checks that must pass before anything is trained on.

        Raises:
            HarnessError: no sample is left, the boundary between prompt and answer tokenises otherwise for most
                samples, or a prompt cannot be rendered or encoded.
        """
        samples: list[Encoded] = []
        mismatched: list[Example] = []
        left_out: list[BadRow] = []
        usable: list[Example] = []
        for example in examples:
            trouble = self._unusable(example)
            if trouble is None:
                usable.append(example)
            else:
                left_out.append(BadRow(where=example.where, why=trouble))
        for example, prompt in zip(usable, self._prompts(usable), strict=True):
            ids = self.encoder.encode(prompt)
            answer, alike = self._answer(prompt, ids, self._without_end(example.answer))
            if not alike:
                mismatched.append(example)
            sample = self._cut(example, ids, answer)
            if isinstance(sample, BadRow):
                left_out.append(sample)
            else:
                samples.append(sample)
        encoded = EncodedSet(
            samples=tuple(samples),
            left_out=tuple(left_out),
            boundary_mismatches=len(mismatched),
            notices=tuple(self._notices(samples, len(mismatched))),
        )
        self._check(encoded, usable, mismatched)
        return encoded

    def answer_ids(self, answer: str) -> list[int]:
        """Return the ids of an answer on its own, without the blank that some tokenizers put before every text."""
        for before in _BEFORE:
            start, whole = self.ids_of(before), self.ids_of(before + answer)
            if whole[: len(start)] == start:
                return whole[len(start) :]
        return self.ids_of(answer)

    def answer_tokens(self, prompt: RenderedPrompt, answer: str) -> list[tuple[int, str]]:
        """Return what is learnt of an answer to a prompt, each id with its text; the last ends it."""
        ids, _ = self._answer(prompt, self.encoder.encode(prompt), answer)
        shown = [self.encoder.decode([token]) for token in ids[:-1]]
        return list(zip(ids, [*shown, str(self.encoder.tokenizer.convert_ids_to_tokens(ids[-1]))], strict=True))

    def _unusable(self, example: Example) -> str | None:
        """Return why an example cannot be encoded, or None."""
        if example.history and self.template.format != "chat":
            return tr(
                "a conversation of {n} turns; {name} holds one instruction (a chat template takes it: --set "
                "prompt=chat.v2)",
                n=len(example.history) + 2,
                name=self.template.name,
            )
        if example.history and not self.encoder.has_chat_template:
            return tr(
                "a conversation of {n} turns; the base's tokenizer has no chat template", n=len(example.history) + 2
            )
        answer = self._without_end(example.answer)
        if _is_blank(answer):
            return tr("the answer is blank")
        asked = (*example.inputs.values(), *(message.content for message in example.history))
        for what, texts in ((tr("the answer"), [answer]), (tr("the prompt"), asked)):
            found = next(filter(None, (self._special.search(str(text)) for text in texts)), None)
            if found is not None:
                return tr("{what} holds the special token {token} as text", what=what, token=found.group())
        return None

    def _without_end(self, answer: str) -> str:
        """Return an answer without the EOS that a notebook wrote at its end: it gets one from us."""
        end = str(self.encoder.tokenizer.eos_token)
        while answer.endswith(end):
            answer = answer.removesuffix(end)
        return answer

    def _prompts(self, examples: Sequence[Example]) -> list[RenderedPrompt]:
        rendered = self.template.render_all([example.inputs for example in examples])
        return [
            self._with_history(prompt, example) if example.history else prompt
            for prompt, example in zip(rendered, examples, strict=True)
        ]

    def _with_history(self, prompt: RenderedPrompt, example: Example) -> RenderedPrompt:
        """Return the prompt with a chat's earlier turns before its last one; a system turn replaces the template's."""
        own = [message for message in prompt.messages if message.role == "system"]
        system = [] if any(message.role == "system" for message in example.history) else own
        last = [message for message in prompt.messages if message.role != "system"]
        return replace(prompt, messages=(*system, *example.history, *last), text_form=None)

    def _answer(self, prompt: RenderedPrompt, prompt_ids: list[int], answer: str) -> tuple[list[int], bool]:
        """Return the answer's ids with EOS last, and whether prompt and answer in one piece begin with the prompt's."""
        if prompt.format == "chat" and self.encoder.has_chat_template:
            return self._chat_answer(prompt, prompt_ids, answer)
        text = prompt.text_form if prompt.format == "chat" else prompt.text
        rest = self._after(self.ids_of(str(text) + answer), prompt_ids)
        return [*(self.answer_ids(answer) if rest is None else rest), self.eos], rest is not None

    def _after(self, whole: list[int], prompt_ids: list[int]) -> list[int] | None:
        """Return what follows a prompt's ids in those of the whole text, whatever BOS stands before either."""
        start, whole = self._bare(prompt_ids), self._bare(whole)
        return whole[len(start) :] if whole[: len(start)] == start else None

    def _bare(self, ids: list[int]) -> list[int]:
        bos = self.encoder.tokenizer.bos_token_id
        return ids[next((index for index, token in enumerate(ids) if token != bos), len(ids)) :]

    def _chat_answer(self, prompt: RenderedPrompt, prompt_ids: list[int], answer: str) -> tuple[list[int], bool]:
        """Return what the chat template writes after the prompt: the answer and the end of the turn.

        What is learnt ends with the first token at which generation ends, a mark of the chat template's or EOS: behind
        it a model is never asked to go on.
        """
        messages = [*prompt.messages, Message(role="assistant", content=answer)]
        text = self.encoder.chat_text(messages, awaiting=False)
        before = self.encoder.chat_text(messages[:-1], awaiting=True)
        after = _after_prompt(before, text, answer)
        if after is None:
            raise TemplateError(
                tr("The chat template of the tokenizer writes a prompt otherwise once its answer follows."),
                hint=tr("Train with a text prompt, for example --set prompt=course.v1."),
            )
        rest = self._after(self.ids_of(before + after), prompt_ids)
        ids = self.answer_ids(after) if rest is None else rest
        end = next((index for index, token in enumerate(ids) if token in self._ends), None)
        return [*ids, self.eos] if end is None else ids[: end + 1], rest is not None

    def ids_of(self, text: str) -> list[int]:
        """Return the ids of a text without special tokens of the tokenizer's own."""
        return list(self.encoder.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _cut(self, example: Example, prompt: list[int], answer: list[int]) -> Encoded | BadRow:
        length = len(prompt) + len(answer)
        where = example.where
        if len(answer) <= 1:
            return BadRow(where=where, why=tr("the answer has no tokens"))
        if length > self._max_length and self._overlong == "drop":
            return BadRow(where=where, why=tr("{n} tokens; max_length is {most}", n=length, most=self._max_length))
        ids = (*prompt, *answer)[: self._max_length]
        if len(ids) <= len(prompt):
            why = tr("the prompt alone has {n} tokens; max_length is {most}", n=len(prompt), most=self._max_length)
            return BadRow(where=where, why=why)
        return Encoded(
            where=where,
            ids=ids,
            prompt=len(prompt),
            loss_start=0 if self._loss == "all" and not _answered_before(example) else len(prompt),
            truncated=length > self._max_length,
        )

    def _notices(self, samples: Sequence[Encoded], mismatched: int) -> Iterator[str]:
        cut = sum(sample.truncated for sample in samples)
        if samples and cut:
            share = cut / len(samples)
            told = tr("{cut} of {n} samples ({share:.1%}) are cut at {most} tokens", cut=cut, n=len(samples),
                      share=share, most=self._max_length)  # fmt: skip
            loud = tr("{told}; they teach no end: raise max_length or set overlong=drop", told=told)
            yield loud if share > _MANY_CUT else told
        unknown = self.encoder.tokenizer.unk_token_id
        lost = sum(sample.ids.count(unknown) for sample in samples) if unknown is not None else 0
        if lost:
            first = next(sample.where for sample in samples if unknown in sample.ids)
            yield tr(
                "{lost} of {n:,} tokens are unknown to the base's tokenizer ({token}), first in {first}: what they "
                "stand for cannot be learnt",
                lost=lost,
                n=sum(map(len, samples)),
                token=self.encoder.tokenizer.unk_token,
                first=first,
            )
        if mismatched:
            yield tr(
                "in {mismatched} of {n} samples prompt and answer tokenise otherwise where they meet; those answers "
                "were encoded on their own, as a model generates them",
                mismatched=mismatched,
                n=len(samples),
            )

    def _check(self, encoded: EncodedSet, usable: Sequence[Example], mismatched: Sequence[Example]) -> None:
        """Raise if what would be trained on cannot be right."""
        if not encoded.samples:
            raise TrainingDataError(
                tr(
                    "None of the {n_left_out} samples can be trained on: {left_out}.",
                    n_left_out=len(encoded.left_out),
                    left_out=encoded.left_out[0].said,
                ),
                hint=remedy(encoded.left_out[0]),
            )
        if len(mismatched) > _MOST_MISMATCHES * len(usable):
            raise TrainingDataError(
                tr(
                    "Where prompt and answer meet, {n_mismatched} of {n_usable} samples tokenise otherwise than "
                    "when the model generates (first: {where}, answer {answer}).",
                    n_mismatched=len(mismatched),
                    n_usable=len(usable),
                    where=mismatched[0].where,
                    answer=shorten(mismatched[0].answer),
                ),
                hint=tr(
                    "End the template {name} with a line end, not with a blank or a word.", name=self.template.name
                ),
            )
        for sample in encoded.samples:
            labels = sample.labels
            if not sample.truncated and labels[-1] not in self._ends:
                raise TrainingError(
                    tr(
                        "{where}: the last label is {labels}, not EOS ({eos}): the model would not learn "
                        "to stop. This is a defect: please report it.",
                        where=sample.where,
                        labels=labels[-1],
                        eos=self.eos,
                    )
                )


def remedy(row: BadRow) -> str | None:
    """Return what would make a sample usable that was left out, or None if nothing but its text can."""
    if "max_length" in row.why:
        return tr("Long samples need a larger limit, for example --set max_length=2048 (memory grows with it).")
    return (
        tr("Conversations need --set prompt=chat.v2, on a base with a chat template.")
        if "conversation" in row.why
        else None
    )


def _answered_before(example: Example) -> bool:
    """Return whether earlier answers, which are samples of their own, stand before an example's question."""
    return any(message.role == "assistant" for message in example.history)


def _checked_eos(encoder: Encoder, end: frozenset[int]) -> int:
    tokenizer = encoder.tokenizer
    eos = tokenizer.eos_token_id
    if eos is None:
        raise TrainingError(
            tr("The base's tokenizer has no end-of-sequence token, so no answer could learn to end."),
            hint=tr("Use a base whose tokenizer_config.json names an eos_token."),
        )
    if end and eos not in end:
        raise TrainingError(
            tr(
                "The tokenizer's EOS is {eos}, and generation ends at {end}: the adapter would never stop.",
                eos=eos,
                end=sorted(end),
            ),
            hint=tr("Mend eos_token_id in the base's generation_config.json."),
        )
    return int(eos)


def _after_prompt(before: str, text: str, answer: str) -> str | None:
    """Return what follows a prompt in the text of a whole conversation, or None where it begins otherwise.

    A prompt may hold more than what stands before the answer later on, such as an empty thought.
    """
    if text.startswith(before):
        return text[len(before) :]
    starts = (text.rfind(written) for written in (answer, answer.strip()))  # a template may trim what it is given
    return next((text[start:] for start in starts if start >= 0 and before.startswith(text[:start])), None)


def _is_blank(text: str) -> bool:
    r"""Return whether nothing of a text is seen: blanks, line ends, characters of no width.

    >>> _is_blank("\u200b\u3000\n"), _is_blank("🍣")
    (True, False)
    """
    return all(character in _UNSEEN or unicodedata.category(character)[0] in "CZ" for character in text)


def _special_texts(tokenizer: Any) -> re.Pattern[str]:  # noqa: ANN401 - transformers is untyped
    """Return what finds a text that the tokenizer takes for a special token, such as one that ends a turn."""
    added = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    texts = {*added, *tokenizer.all_special_tokens} - {tokenizer.unk_token}
    return re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))) or r"(?!)")


def preview(sample: Encoded, encoder: Encoder) -> Text:
    """Return a sample token by token, for people: what is learnt stands between ⟦ and ⟧."""
    tokens = [_token(encoder.tokenizer, number) for number in sample.ids]
    start = max(1, sample.loss_start)
    learnt = tr("EOS ({eos}) is learnt", eos=sample.ids[-1])
    return tr(
        "{where}: {n} tokens, {learnt} in the loss; {end}\n  {before}\n  ⟦{after}⟧",
        where=sample.where,
        n=len(sample),
        learnt=len(sample) - start,
        end=tr("cut at max_length, EOS is not learnt") if sample.truncated else learnt,
        before="|".join(tokens[:start]),
        after="|".join(tokens[start:]),
    )


def _token(tokenizer: Any, number: int) -> str:  # noqa: ANN401 - transformers is untyped
    text = str(tokenizer.decode([number]))
    if not text or "\ufffd" in text:
        text = str(tokenizer.convert_ids_to_tokens(number))
    return "".join("⏎" if c == "\n" else c if c.isprintable() else "·" for c in text)
