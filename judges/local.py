"""The judge `local`: a model on this machine applies a rubric; the score is the one that it expects.

Where the rubric asks for the number alone, the probabilities of the scale's digits are read off where the answer to the
rubric begins: one forward pass an answer. Where it asks for a reason first, the reply is held to
``{"reason": "…", "score": N}`` while it is generated, and the probabilities are those at N. The score is the mean of
the digits by their probabilities, not rounded (`judges.expected`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness import plugins
from harness.codec import decode, digest
from harness.errors import UsageError
from harness.locale import tr
from harness.notices import Notice
from harness.pairs.answer_pair import PAIR_SCALE, TIE
from harness.protocols import FreeText, ScoresWords, WordScores
from harness.templates import Template, load_template
from harness.types import Generation, JudgeSpec, ModelSpec, RenderedPrompt, Sample, Verdict
from harness.unscored import Unscored
from judges.expected import METHOD, SCALE, WORDS, check_form, weighed
from judges.llm import DEFAULT_RUBRIC
from judges.rubric.pair_question import DEFAULT_PAIR_RUBRIC, PairQuestion, share_of
from judges.rubric.pair_question import WORDS as PAIR_WORDS
from judges.rubric.question import AnswerQuestion, Question

_LONGEST_VERSION = 120
# A base without a chat template continues the rubric's text.
_NUMBER_BEGINS, _REPLY_BEGINS = "\n\n点数：", "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """The table ``[judges.local]``.

    Attributes:
        most_outside: the most probability outside the scale's digits with which an answer still has a score, 0 to 1.
            What lies outside could shift the score by at most 4 points times itself, so that 0.1 stays below half a
            point.
        reason_characters: how long a reason may be, where the rubric asks for one.
        base: the base of an adapter, or of ``local:base``; unset takes the adapter's own.
        quantization, dtype: "nf4" or "none", "float32", "bfloat16" or "float16"; unset takes what suits the machine.
        trust_remote_code, fast_dequantize, double_quant, max_batch_rows, max_batch_tokens: as under ``[models.hf]``.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - pydantic's
    most_outside: float = 0.1
    reason_characters: int = 200
    base: str | None = None
    quantization: str | None = None
    dtype: str | None = None
    trust_remote_code: tuple[str, ...] | None = None
    fast_dequantize: bool | None = None
    double_quant: bool | None = None
    max_batch_rows: int | None = None
    max_batch_tokens: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.most_outside <= 1:
            raise ValueError(tr("most_outside lies between 0 and 1 (got {value:g})", value=self.most_outside))
        if self.reason_characters < 1:
            raise ValueError(
                tr("{name} must be at least 1 (got {value})", name="reason_characters", value=self.reason_characters)
            )

    @property
    def of_the_model(self) -> Mapping[str, Any]:
        """What the model is told."""
        values = {
            "trust_remote_code": None if self.trust_remote_code is None else list(self.trust_remote_code),
            "fast_dequantize": self.fast_dequantize,
            "double_quant": self.double_quant,
            "max_batch_rows": self.max_batch_rows,
            "max_batch_tokens": self.max_batch_tokens,
        }
        return {name: value for name, value in values.items() if value is not None}


def open_local(spec: JudgeSpec) -> "LocalJudge":
    """Return the judge ``local:SPEC``; its settings are the ``[judges.local]`` table. No weight is loaded.

    Raises:
        UsageError: no model is named, one that cannot say how probable words are, or a rubric of another form.
        HarnessError: the model cannot be opened, or a setting is wrong.
    """
    settings = decode(LocalSettings, dict(spec.settings), where="[judges.local]")
    if not spec.option:
        raise UsageError(
            tr("--judge local names no model."),
            hint=tr("Write --judge local:SPEC, for example local:hf:REPO_OR_DIR or local:embedded:gemma-3-270m."),
        )
    backend, _, target = spec.option.partition(":")
    model = ModelSpec(
        text=spec.option,
        label=spec.text,
        backend=backend,
        target=target or None,
        base=settings.base,
        quantization=settings.quantization,
        dtype=settings.dtype,
        settings=settings.of_the_model,
    )
    rubric = load_template(spec.rubric or DEFAULT_RUBRIC, kind="judges")
    check_form(rubric)
    made = plugins.make("models", backend, model)
    if not isinstance(made, ScoresWords):
        raise UsageError(
            tr("{model} cannot be a local judge: it does not say how probable words are.", model=spec.option),
            hint=tr("A model on this machine does: hf:, gguf:, adapter:, base or embedded:."),
        )
    return LocalJudge(spec.text, made, rubric, settings)


class LocalJudge:
    """A model on this machine with a rubric. See the module.

    Attributes:
        name: the spec as typed.
        scale: 1 to 5, with every value between.
        variant: the rubric's name.
    """

    kind = "quality"
    scored_by = "model"
    scale = SCALE
    _after, _end = '", "score": ', "}"
    words: tuple[str, ...] = WORDS

    def __init__(self, name: str, model: ScoresWords, rubric: Template, settings: LocalSettings) -> None:
        self.name = name
        self.rubric = rubric
        self.variant = rubric.name
        self._model = model
        self._settings = settings
        self._question = self._asking(rubric)
        self._most_outside = settings.most_outside
        asks_reason = rubric.meta.get("reply", "json") == "json"
        self._begins = _REPLY_BEGINS if asks_reason else _NUMBER_BEGINS
        self._lead = (
            FreeText(before='{"reason": "', most=settings.reason_characters, after=self._after, end=self._end)
            if asks_reason
            else None
        )
        self.fingerprint = f"{model.fingerprint} local/{METHOD}:" + digest([
            METHOD, self.words, self.rubric.sha256, self._begins, self._most_outside,
            settings.reason_characters if asks_reason else None,
        ])[:16]  # fmt: skip

    def __repr__(self) -> str:
        return f"LocalJudge({self.name!r}, {self.fingerprint!r})"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        """Return the verdict on one answer.

        Raises:
            HarnessError: the model cannot be loaded.
        """
        ((_, verdict),) = self.judge_together([(sample, generation)])
        return verdict

    def judge_together(self, answers: Sequence[tuple[Sample, Generation]]) -> Iterator[tuple[int, Verdict]]:
        """Yield the verdict on each answer with its place, batch by batch.

        An empty answer has the lowest score, and the model is not asked.

        Raises:
            HarnessError: the model cannot be loaded, or its tokenizer has no token for a digit.
        """
        places: list[int] = []
        prompts: list[RenderedPrompt] = []
        for place, (sample, generation) in enumerate(answers):
            if generation.text is None:
                yield place, Verdict.unscored(Unscored("no_answer", generation.error or tr("no answer")))
            elif (known := self._question.known(generation.text)) is not None:
                yield place, known
            else:
                places.append(place)
                prompts.append(self._prompt(sample, generation.text))
        for found in self._model.score_words(prompts, self.words, self._lead) if prompts else ():
            yield places[found.index], self._verdict(found)

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> list[Notice]:  # noqa: ARG002 - the protocol's
        """Return notices if answers are shown without a fence, or a reference is shown that some samples lack."""
        return self._question.notices(self.name, task, samples)

    def comparing(self, name: str, rubric: str | None) -> "LocalPairJudge":
        """Return the judge of pairs by the same model, by a rubric for pairs.

        Raises:
            HarnessError: the rubric cannot be loaded, or is none for pairs.
        """
        return LocalPairJudge(
            name, self._model, load_template(rubric or DEFAULT_PAIR_RUBRIC, kind="judges"), self._settings
        )

    def _asking(self, rubric: Template) -> Question:
        return AnswerQuestion(rubric)

    def _prompt(self, sample: Sample, answer: str) -> RenderedPrompt:
        messages = self._question.messages(sample, answer)
        text = "\n\n".join(message.content.rstrip() for message in messages) + self._begins
        return RenderedPrompt(messages=messages, format="chat", bos="template", text_form=text)

    def _verdict(self, found: WordScores) -> Verdict:
        version = self._model.fingerprint[:_LONGEST_VERSION]
        if found.probabilities is None:
            said = tr("the judge model gave no score: {error}", error=found.error or "")
            return Verdict.unscored(Unscored("local_failed", said), raw=found.text, version=version)
        by_word = dict(zip(self.words, found.probabilities, strict=True))
        reason = None if found.text is None else json.loads(found.text)["reason"]
        verdict = self._weighed(by_word, reason)
        raw = {"probabilities": by_word, "outside": max(0.0, 1 - sum(by_word.values())), "reply": found.text}
        return replace(verdict, raw=json.dumps(raw, ensure_ascii=False), version=version)

    def _weighed(self, by_word: Mapping[str, float], reason: str | None) -> Verdict:
        return weighed(by_word, most_outside=self._most_outside, reason=reason)


class LocalPairJudge(LocalJudge):
    """A model on this machine that says which of two answers is better: A, B or tie, whichever is most probable.

    What it judges is an `AnswerPair` as text.
    """

    judges_pairs = True
    scale = PAIR_SCALE
    _after, _end = '", "verdict": "', '"}'
    words = PAIR_WORDS

    def _asking(self, rubric: Template) -> Question:
        return PairQuestion(rubric)

    def _weighed(self, by_word: Mapping[str, float], reason: str | None) -> Verdict:
        outside = max(0.0, 1 - sum(by_word.values()))
        if outside > self._most_outside:
            said = tr(
                "{outside:.1%} of the probability lies outside A, B and tie; at most {most:.1%} may (most_outside)",
                outside=outside,
                most=self._most_outside,
            )
            return Verdict.unscored(Unscored("mass_outside", said))
        best = max(by_word.values())
        words = [word for word, chance in by_word.items() if chance == best]
        share = share_of(words[0]) if len(words) == 1 else TIE
        chances = " ".join(f"P({word})={value:.3f}" for word, value in by_word.items())
        return Verdict.scored(share, rationale=f"{reason} {chances}" if reason else chances)
