"""A judge that asks a served model to apply a rubric: the same for Google's and for OpenAI-compatible servers."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from harness.codec import digest
from harness.errors import JudgeUnavailableError
from harness.locale import joined, tr
from harness.notices import Notice
from harness.protocols import BatchNotes, CallEstimate
from harness.remote.batching import AT_ONCE, BatchClient, Batching
from harness.remote.call import CallError, Client, Prompt, Reply
from harness.remote.pricing import find_price, rough_tokens
from harness.remote.serving import Serving
from harness.remote.settings import RemoteSettings
from harness.templates import Template, load_template
from harness.types import Generation, JudgeSpec, Message, Sample, Verdict
from harness.unscored import Unscored, code_of
from judges.expected import METHOD, SCALE, WORDS, check_form, place_of, weighed, word_of
from judges.kept_version import KeptVersion
from judges.rubric.pair_question import DEFAULT_PAIR_RUBRIC, PairQuestion
from judges.rubric.question import AnswerQuestion, Question

DEFAULT_RUBRIC = "tv.v1"
_TOP_LOGPROBS = 20  # what OpenAI and vLLM give at most
_FINAL = frozenset({"mass_outside", "no_probabilities"})  # asked once more, the model would say the same
_REASON_CHARACTERS = 200  # of a reason that was asked for again because the reply had no end
_FORM_TOKENS = 40  # of {"reason": "", "score": 5}, with blanks
_NEXT_STEP = {
    "key": tr("Check the API key in the environment."),
    "quota": tr("Wait until the quota is renewed, or use another model."),
    "model": tr("Check the model's name, and that base_url ends as the server has it, mostly in /v1."),
}
_RESUME = tr("The same command continues with what is still to be judged.")


class RubricJudge(KeptVersion, Serving):
    """A served model with a rubric template. Thread-safe; waits, paces and retries by itself.

    Attributes:
        name: the spec as typed.
        scale: 1 to 5, in halves if the rubric's front matter says ``halves: true``, with every value between where
            scores are expected ones (``most_outside`` is given; see `judges.expected`).
        kind: "quality".
        in_flight: how many threads may judge at once.
        give_up_after: how many failures in a row end the run for this judge.
        price: what tokens cost, or None if no table has the model.
        variant: the rubric's name.
        kept_version: the only version of the model whose verdicts count, None: whichever answers.
        default_repeats: 2 where the model takes no temperature of 0, else 1.
    """

    kind = "quality"
    scored_by = "model"
    _unavailable = JudgeUnavailableError

    def __init__(
        self,
        spec: JudgeSpec,
        client: Client,
        settings: RemoteSettings,
        *,
        notices: Sequence[Notice] = (),
        most_outside: float | None = None,
        question: Question | None = None,
        is_noisy: bool = False,
    ) -> None:
        super().__init__(spec.text, client, settings)
        self.name = spec.text
        self._spec = spec
        self._notices = tuple(notices)
        self.default_repeats = 2 if is_noisy or settings.sent_temperature != 0 else 1
        self._question = question or AnswerQuestion(load_template(spec.rubric or DEFAULT_RUBRIC, kind="judges"))
        self.rubric: Template = self._question.rubric
        self.variant = self.rubric.name
        self._most_outside = most_outside
        self.scale = self._question.scale
        method: list[object] = []
        if most_outside is not None:
            check_form(self.rubric)
            self.scale = SCALE
            method = [METHOD, most_outside]
        self.in_flight = settings.in_flight
        self.give_up_after = settings.give_up_after
        self.price = find_price(client.model, settings.prices)
        self._client = client
        self._batching: Batching | None = None
        self.fingerprint = f"{client.identity['server']}:{client.model}:" + digest([
            client.identity, settings.temperature, settings.max_output_tokens, self.rubric.sha256, self.scale,
            self._question.ask_again, self._question.version, *method,
        ])[:16]  # fmt: skip

    def __repr__(self) -> str:
        return f"RubricJudge({self.name!r}, {self.fingerprint!r})"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        """Return the verdict on one answer.

        An empty answer has the lowest score and costs no call. A reply that holds no verdict is shown to the model
        once more, and one that was cut is asked for anew with a short reason; if that does not help, the answer is
        unscored and both replies are kept.

        Raises:
            JudgeUnavailableError: no further call can succeed: the key, the quota, the model or the server is gone.
            QuotaEndedError: none can until its quota begins anew.
        """
        answer = generation.text
        if answer is None:
            return Verdict.unscored(Unscored("no_answer", generation.error or tr("no answer")))
        if (known := self._question.known(answer)) is not None:
            return known
        messages = self._question.messages(sample, answer)
        replies: list[Reply] = []
        try:
            verdict = self._ask_unless_cut(messages, replies)
            if verdict is None or (verdict.status != "scored" and verdict.code not in _FINAL):
                verdict = self._once_more(messages, replies)
        except CallError as error:
            verdict = self._without_reply(error)
        return self.of_kept_version(self._complete(verdict, replies))

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> list[Notice]:  # noqa: ARG002 - the protocol's
        """Return notices if answers are shown without a fence, or a reference is shown that some samples lack."""
        return [*self._notices, *self._question.notices(self.name, task, samples)]

    def estimate(self, sample: Sample, generation: Generation | None) -> CallEstimate:
        """Return what the verdict on an answer will take, roughly; without an answer, one of usual length."""
        answer = self._question.usual_text if generation is None else generation.text
        if answer is None or self._question.known(answer) is not None:
            return CallEstimate(calls=0, tokens_in=0, tokens_out=0, cost=0.0)
        tokens_in = sum(rough_tokens(message.content) for message in self._question.messages(sample, answer))
        tokens_out = self._question.usual_reply
        cost = self.price.cost(tokens_in, tokens_out) if self.price else None
        return CallEstimate(calls=1, tokens_in=tokens_in, tokens_out=tokens_out, cost=cost)

    def comparing(self, name: str, rubric: str | None) -> "RubricPairJudge":
        """Return the judge of pairs that asks the same model in the same way, by a rubric for pairs.

        Raises:
            HarnessError: the rubric cannot be loaded, or is none for pairs.
        """
        question = PairQuestion(load_template(rubric or DEFAULT_PAIR_RUBRIC, kind="judges"))
        spec = replace(self._spec, text=name)
        return RubricPairJudge(spec, self._client, self._settings, notices=self._notices, question=question)

    def judge_in_batches(self, notes: BatchNotes) -> None:
        """Hand calls over in batches from now on, at the price of batches; the scores are those of single calls."""
        self._batching = Batching(cast("BatchClient", self._client), notes)
        self.in_flight = AT_ONCE
        settings = replace(
            self._settings, in_flight=AT_ONCE, requests_per_minute=None, requests_per_day=None, tokens_per_minute=None
        )
        self._serve_by(self._batching, settings)
        self.price = self.price.in_batches() if self.price else None

    def batches_done(self) -> None:
        """Forget the batches whose replies are all in the store."""
        if self._batching is not None:
            self._batching.done()

    def close(self) -> None:
        """End every wait: calls that have not left yet fail at once."""
        self._caller.close()
        if self._batching is not None:
            self._batching.close()

    def _ask_unless_cut(self, messages: tuple[Message, ...], replies: list[Reply]) -> Verdict | None:
        """Return the verdict of a first question, None if its reply was cut and nothing of it was given."""
        try:
            return self._ask(messages, replies)
        except CallError as error:
            if error.trouble != "unfinished":
                raise
            return None

    def _once_more(self, messages: tuple[Message, ...], replies: list[Reply]) -> Verdict:
        """Return the verdict of a second question, which holds the first reply unless that was cut.

        A reply without an end fills the model's context, and would leave no room for another.
        """
        if replies and replies[0].finish_reason != "length":
            shown = Message(role="assistant", content=replies[0].text)
            return self._ask((*messages, shown, Message(role="user", content=self._question.ask_again)), replies)
        most = _reason_within(self._settings.max_output_tokens)
        last = replace(messages[-1], content=f"{messages[-1].content}\n\n{self._question.ask_shorter(most)}")
        return self._ask((*messages[:-1], last), replies, most=most)

    def _ask(self, messages: tuple[Message, ...], replies: list[Reply], *, most: int | None = None) -> Verdict:
        prompt = Prompt(
            messages=messages,
            max_tokens=self._settings.max_output_tokens,
            temperature=self._settings.sent_temperature,
            schema=self._question.schema(most),
            top_logprobs=None if self._most_outside is None else _TOP_LOGPROBS,
        )
        reply = self._caller.call(prompt)
        replies.append(reply)
        if not reply.text.strip():
            is_cut = reply.finish_reason == "length"
            raise CallError("empty", tr("no text because the token limit was reached") if is_cut else tr("no text"))
        verdict = self._question.read(reply.text)
        if self._most_outside is None or verdict.score is None:
            return verdict
        return self._expected(reply, verdict.rationale, self._most_outside)

    def _expected(self, reply: Reply, reason: str | None, most_outside: float) -> Verdict:
        """Return the verdict by the probabilities of the digits, where the reply's score stands."""
        if not reply.tokens:
            raise JudgeUnavailableError(
                tr("Judge {name!r} cannot go on: the server gives no logprobs.", name=self.name),
                hint=tr(
                    "Take logprobs = true out of [judges.openai], or ask a server that gives them (vLLM, llama.cpp)."
                ),
            )
        place = place_of([token.text for token in reply.tokens], is_json=self._question.form == "json")
        if place is None:
            return Verdict.unscored(Unscored("no_probabilities", tr("the reply's score is no single digit token")))
        shares = dict.fromkeys(WORDS, 0.0)
        for text, logprob in reply.tokens[place].choices.items():
            if (word := word_of(text)) is not None:
                shares[word] += math.exp(logprob)
        return weighed(shares, most_outside=most_outside, reason=reason)

    def _without_reply(self, error: CallError) -> Verdict:
        step = _NEXT_STEP.get(error.trouble, tr("Check that the server works and is reachable."))
        self._end_if_final(error, joined([step, _RESUME], " "))
        reason = Unscored(f"call_{error.trouble}", error.said)
        return Verdict.unscored(reason) if error.is_about_the_item else Verdict.failed(reason)

    def _says(self, error: CallError) -> str:
        return tr("Judge {name!r} cannot go on: {error}.", name=self.name, error=error.said)

    def _complete(self, verdict: Verdict, replies: list[Reply]) -> Verdict:
        """Return the verdict with what the replies add: raw texts, the model's version and the cost of all calls."""
        raw = "\n--- asked again ---\n".join(reply.text for reply in replies) if replies else None
        version = replies[-1].version if replies else None
        costs = [self.price.cost(reply.tokens_in, reply.tokens_out) if self.price else None for reply in replies]
        cost = sum(cast("list[float]", costs)) if costs and None not in costs else None
        if verdict.score is not None:
            return Verdict.scored(verdict.score, rationale=verdict.rationale, raw=raw, version=version, cost=cost)
        reason = verdict.reason or ""
        if verdict.raw is not None:
            reason = Unscored(code_of(reason), tr("unreadable reply: {problem}", problem=reason))
        return replace(verdict, reason=reason, raw=raw, version=version, cost=cost)


def _reason_within(max_output_tokens: int | None) -> int:
    """Return how many characters a reason may have, so that a reply of so many tokens has room for its score.

    A character takes four tokens at most, one for each of its bytes.

    >>> _reason_within(None), _reason_within(256), _reason_within(20)
    (200, 54, 1)
    """
    if max_output_tokens is None:
        return _REASON_CHARACTERS
    return min(_REASON_CHARACTERS, max(1, (max_output_tokens - _FORM_TOKENS) // 4))


class RubricPairJudge(RubricJudge):
    """A served model that says which of two answers is better: what it judges is an `AnswerPair` as text."""

    judges_pairs = True
