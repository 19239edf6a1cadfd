"""A judge that asks a served model to apply a rubric: the same for Google's and for OpenAI-compatible servers."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from harness.codec import digest
from harness.errors import JudgeUnavailableError
from harness.locale import tr
from harness.protocols import BatchNotes, CallEstimate
from harness.remote.batching import AT_ONCE, BatchClient, Batching
from harness.remote.call import CallError, Client, Prompt, Reply
from harness.remote.pricing import find_price, rough_tokens
from harness.remote.serving import Serving
from harness.remote.settings import RemoteSettings
from harness.templates import Template, load_template
from harness.types import LIKERT_5, Generation, JudgeSpec, Message, Sample, Scale, Verdict
from harness.unscored import Unscored, code_of
from judges.expected import METHOD, SCALE, WORDS, check_form, place_of, weighed, word_of
from judges.rubric import LABELS, PARSER_VERSION, Form, parse
from judges.rubric.asking import rubric_messages, rubric_notices

DEFAULT_RUBRIC = "tv.v1"
USUAL_ANSWER = 215  # characters: the median of 6,000 answers of 60 models to ELYZA-tasks-100
USUAL_REPLY: dict[Form, int] = {"json": 100, "number": 2, "label": 100}  # tokens, without thinking
EMPTY_ANSWER = tr("empty answer: lowest score without a call")
_TOP_LOGPROBS = 20  # what OpenAI and vLLM give at most
_FINAL = frozenset({"mass_outside", "no_probabilities"})  # asked once more, the model would say the same
_HALVES = Scale(low=LIKERT_5.low, high=LIKERT_5.high, step=0.5)
_ASK_AGAIN: dict[Form, str] = {
    "json": "いまの返答からは点数を読み取れませんでした。採点の基準はそのままに、"
    '{"reason": "採点の理由", "score": 点数} という形の JSON だけを返してください。点数は一つの数字にしてください。',
    "number": "いまの返答からは点数を読み取れませんでした。採点の基準はそのままに、"
    "点数の数字一つだけを返してください。",
    "label": "いまの返答からは点数を読み取れませんでした。採点の基準はそのままに、"
    "「LABEL：点数」という一行だけを返してください。点数は一つの数字にしてください。",
}
_CUT: dict[Form, str] = {
    "json": "理由は MOST 文字以内の一文にして、点数まで書いてください。",
    "number": "点数の数字一つだけを返してください。",
    "label": "「LABEL：点数」という一行だけを返してください。",
}
_REASON_CHARACTERS = 200  # of a reason that was asked for again because the reply had no end
_NEXT_STEP = {
    "key": tr("Check the API key in the environment."),
    "quota": tr("Wait until the quota is renewed, or use another model."),
    "model": tr("Check the model's name, and that base_url ends as the server has it, mostly in /v1."),
}
_RESUME = tr("The same command continues with what is still to be judged.")


class RubricJudge(Serving):
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
        notices: Sequence[str] = (),
        most_outside: float | None = None,
    ) -> None:
        super().__init__(spec.text, client, settings)
        self.name = spec.text
        self._notices = tuple(notices)
        self.rubric: Template = load_template(spec.rubric or DEFAULT_RUBRIC, kind="judges")
        self.variant = self.rubric.name
        self._asked = _HALVES if self.rubric.meta.get("halves") else LIKERT_5
        self._most_outside = most_outside
        self.scale = self._asked
        method: list[object] = []
        if most_outside is not None:
            check_form(self.rubric)
            self.scale = SCALE
            method = [METHOD, most_outside]
        self.in_flight = settings.in_flight
        self.give_up_after = settings.give_up_after
        self.price = find_price(client.model, settings.prices)
        self._form = cast("Form", self.rubric.meta.get("reply", "json"))
        self._labels = tuple(self.rubric.meta.get("labels", LABELS))
        self._ask_again = _ASK_AGAIN[self._form].replace("LABEL", self._labels[0])
        self._client = client
        self._batching: Batching | None = None
        self.fingerprint = f"{client.identity['server']}:{client.model}:" + digest([
            client.identity, settings.temperature, settings.max_output_tokens, self.rubric.sha256, self.scale,
            self._ask_again, PARSER_VERSION, *method,
        ])[:16]  # fmt: skip

    def __repr__(self) -> str:
        return f"RubricJudge({self.name!r}, {self.fingerprint!r})"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        """Return the verdict on one answer.

        An empty answer has the lowest score and costs no call. A reply that holds no verdict is shown to the model
        once more; if that does not help, the answer is unscored and both replies are kept.

        Raises:
            JudgeUnavailableError: no further call can succeed: the key, the quota, the model or the server is gone.
            QuotaEndedError: none can until its quota begins anew.
        """
        answer = generation.text
        if answer is None:
            return Verdict.unscored(Unscored("no_answer", generation.error or tr("no answer")))
        if not answer.strip():
            return Verdict.scored(self.scale.low, rationale=EMPTY_ANSWER)
        messages = self._messages(sample, answer)
        replies: list[Reply] = []
        try:
            verdict = self._ask(messages, replies)
            if verdict.status != "scored" and verdict.code not in _FINAL:
                verdict = self._once_more(messages, replies)
        except CallError as error:
            verdict = self._without_reply(error)
        return self._complete(verdict, replies)

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> list[str]:  # noqa: ARG002 - the protocol's
        """Return notices if answers are shown without a fence, or a reference is shown that some samples lack."""
        return [*self._notices, *rubric_notices(self.name, self.rubric, self._asked, task, samples)]

    def estimate(self, sample: Sample, generation: Generation | None) -> CallEstimate:
        """Return what the verdict on an answer will take, roughly; without an answer, one of usual length."""
        answer = "あ" * USUAL_ANSWER if generation is None else generation.text or ""
        if not answer.strip():
            return CallEstimate(calls=0, tokens_in=0, tokens_out=0, cost=0.0)
        tokens_in = sum(rough_tokens(message.content) for message in self._messages(sample, answer))
        tokens_out = USUAL_REPLY[self._form]
        cost = self.price.cost(tokens_in, tokens_out) if self.price else None
        return CallEstimate(calls=1, tokens_in=tokens_in, tokens_out=tokens_out, cost=cost)

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

    def _messages(self, sample: Sample, answer: str) -> tuple[Message, ...]:
        return rubric_messages(self.rubric, sample, answer, self._asked)

    def _once_more(self, messages: tuple[Message, ...], replies: list[Reply]) -> Verdict:
        """Return the verdict of a second question, which holds the first reply unless that was cut.

        A reply without an end fills the model's context, and would leave no room for another.
        """
        if replies[0].finish_reason != "length":
            shown = Message(role="assistant", content=replies[0].text)
            return self._ask((*messages, shown, Message(role="user", content=self._ask_again)), replies)
        most = _reason_within(self._settings.max_output_tokens)
        said = _CUT[self._form].replace("MOST", str(most)).replace("LABEL", self._labels[0])
        last = replace(messages[-1], content=f"{messages[-1].content}\n\n{said}")
        return self._ask((*messages[:-1], last), replies, most=most)

    def _ask(self, messages: tuple[Message, ...], replies: list[Reply], *, most: int | None = None) -> Verdict:
        prompt = Prompt(
            messages=messages,
            max_tokens=self._settings.max_output_tokens,
            temperature=self._settings.sent_temperature,
            schema=_schema(self._asked, most) if self._form == "json" else None,
            top_logprobs=None if self._most_outside is None else _TOP_LOGPROBS,
        )
        reply = self._caller.call(prompt)
        replies.append(reply)
        if not reply.text.strip():
            is_cut = reply.finish_reason == "length"
            raise CallError("empty", tr("no text because the token limit was reached") if is_cut else tr("no text"))
        verdict = parse(reply.text, self._asked, self._form, self._labels)
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
        place = place_of([token.text for token in reply.tokens], is_json=self._form == "json")
        if place is None:
            return Verdict.unscored(Unscored("no_probabilities", tr("the reply's score is no single digit token")))
        shares = dict.fromkeys(WORDS, 0.0)
        for text, logprob in reply.tokens[place].choices.items():
            if (word := word_of(text)) is not None:
                shares[word] += math.exp(logprob)
        return weighed(shares, most_outside=most_outside, reason=reason)

    def _without_reply(self, error: CallError) -> Verdict:
        step = _NEXT_STEP.get(error.trouble, tr("Check that the server works and is reachable."))
        self._end_if_final(error, f"{step} {_RESUME}")
        reason = Unscored(f"call_{error.trouble}", error.said)
        return Verdict.unscored(reason) if error.is_about_the_item else Verdict.failed(reason)

    def _says(self, error: CallError) -> str:
        return tr("Judge {name!r} cannot go on: {error}.", name=self.name, error=error)

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

    >>> _reason_within(None), _reason_within(256), _reason_within(20)
    (200, 113, 10)
    """
    return _REASON_CHARACTERS if max_output_tokens is None else min(200, max(10, (max_output_tokens - 30) // 2))


def _schema(scale: Scale, most: int | None = None) -> dict[str, Any]:
    """Return the JSON schema of a reply: the reason first, so that the score follows from it.

    ``most``: the characters of the longest reason.
    """
    kind = "integer" if scale.step == 1 else "number"
    return {
        "type": "object",
        "properties": {
            "reason": {"type": "string", **({"maxLength": most} if most else {})},
            "score": {"type": kind, "minimum": int(scale.low), "maximum": int(scale.high)},
        },
        "required": ["reason", "score"],
    }
