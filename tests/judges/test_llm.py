"""The rubric judge without a server: what it asks, what it makes of replies, and what it costs."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from harness.errors import JudgeUnavailableError, UnknownNameError
from harness.protocols import FREE, EstimatesCost
from harness.remote.call import CallError, Prompt, Reply
from harness.remote.settings import RemoteSettings
from harness.types import LIKERT_5, Generation, JudgeSpec, Sample
from judges.llm import RubricJudge
from judges.rubric.question import EMPTY_ANSWER

SAMPLE = Sample(id="1", inputs={"input": "日本の首都は？"}, reference="東京", criteria="- 正しい")


class Scripted:
    """A client that replies as told, one after the other, and keeps what it was asked."""

    def __init__(self, *replies: Reply | CallError, model: str = "m") -> None:
        self.model = model
        self.asked: list[Prompt] = []
        self._replies: Iterator[Reply | CallError] = iter(replies)

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"server": "test", "model": self.model}

    def send(self, prompt: Prompt) -> Reply:
        self.asked.append(prompt)
        reply = next(self._replies)
        if isinstance(reply, CallError):
            raise reply
        return reply


def opened(client: Scripted, *, rubric: str | None = "elyza.v1", **settings: Any) -> RubricJudge:
    return RubricJudge(
        JudgeSpec(text="test:m", name="test", rubric=rubric), client, RemoteSettings(attempts=1, **settings)
    )


def says(text: str, **more: Any) -> Reply:
    return Reply(text=text, version="m-1", tokens_in=100, tokens_out=10, **more)


def answer(text: str | None = "東京です。") -> Generation:
    return Generation(request_key="k", text=text, error=None if text is not None else "out of memory")


def test_one_reply_is_one_verdict_with_all_that_came_with_it() -> None:
    """The score, the reason, the reply as it was, the model's version; no table prices this model."""
    client = Scripted(says('{"reason": "正しい", "score": 5}'))
    judge = opened(client)
    found = judge.judge(SAMPLE, answer())
    assert (5.0, "正しい", "m-1", None) == (found.score, found.rationale, found.version, found.cost)
    assert '{"reason": "正しい", "score": 5}' == found.raw
    [prompt] = client.asked
    text = prompt.messages[-1].content
    assert all(part in text for part in ("日本の首都は？", "東京", "- 正しい", "東京です。"))
    assert ("test:m", LIKERT_5, "quality", None) == (judge.name, judge.scale, judge.kind, judge.price)


def test_the_schema_is_the_scale() -> None:
    """Whole numbers from 1 to 5, the reason before the score; a rubric that wants digits asks for no JSON."""
    client = Scripted(says('{"reason": "a", "score": 4}'), says("4"))
    opened(client).judge(SAMPLE, answer())
    opened(client, rubric="digits.v1").judge(SAMPLE, answer())
    schema = client.asked[0].schema
    assert schema is not None
    assert ["reason", "score"] == list(schema["properties"])
    assert {"type": "integer", "minimum": 1, "maximum": 5} == schema["properties"]["score"]
    assert None is client.asked[1].schema


def test_a_reply_that_cannot_be_read_is_asked_about_once() -> None:
    """The second question shows the first reply; both are kept."""
    client = Scripted(says("すばらしい"), says('{"reason": "a", "score": 4}'))
    found = opened(client).judge(SAMPLE, answer())
    assert 4 == found.score
    assert 'すばらしい\n--- asked again ---\n{"reason": "a", "score": 4}' == found.raw
    first, second = client.asked
    assert first.messages == second.messages[:-2]
    assert ("assistant", "すばらしい") == (second.messages[-2].role, second.messages[-2].content)


def test_twice_unreadable_is_unscored_with_the_reason() -> None:
    """Never a number."""
    found = opened(Scripted(says("よい"), says("とてもよい"))).judge(SAMPLE, answer())
    assert ("unscored", None) == (found.status, found.score)
    assert str(found.reason).startswith("unreadable reply: ")
    assert "よい\n--- asked again ---\nとてもよい" == found.raw


@pytest.mark.parametrize("text", ["", " \n\u3000"])
def test_an_empty_answer_has_the_lowest_score_without_a_call(text: str) -> None:
    """ELYZA's scale says so; nobody need be asked."""
    client = Scripted()
    found = opened(client).judge(SAMPLE, answer(text))
    assert (1.0, EMPTY_ANSWER, []) == (found.score, found.rationale, client.asked)
    assert 0 == opened(client).estimate(SAMPLE, answer(text)).calls


def test_no_answer_is_no_score() -> None:
    """With the reason that the generation has."""
    found = opened(Scripted()).judge(SAMPLE, answer(None))
    assert ("unscored", "out of memory") == (found.status, found.reason)


@pytest.mark.parametrize(
    ("trouble", "status"), [("safety", "unscored"), ("empty", "unscored"), ("server", "error"), ("network", "error")]
)
def test_trouble_is_the_answers_or_the_servers(trouble: Any, status: str) -> None:
    """What a server blocks is unscored; what a server lacks has failed, and is asked for again by the next run."""
    found = opened(Scripted(CallError(trouble, "why"))).judge(SAMPLE, answer())
    assert (status, None) == (found.status, found.score)
    assert "why" in str(found.reason)


def test_a_reply_without_text_is_no_verdict() -> None:
    """Cut off while it thought."""
    found = opened(Scripted(says("", finish_reason="length"))).judge(SAMPLE, answer())
    assert "unscored" == found.status
    assert "because the token limit was reached" in str(found.reason)


def test_what_no_call_can_mend_ends_the_judge() -> None:
    """With what to do, and that the rest goes on from here."""
    with pytest.raises(JudgeUnavailableError, match="Judge 'test:m' cannot go on") as caught:
        opened(Scripted(CallError("key", "no such key"))).judge(SAMPLE, answer())
    assert (
        caught.value.hint
        == "Check the API key in the environment. The same command continues with what is still to be judged."
    )


def test_a_verdict_costs_what_all_its_calls_cost(tmp_path: Any) -> None:
    """A reply whose tokens nobody counted makes the cost unknown, not 0."""
    prices = tmp_path / "prices.toml"
    prices.write_text("[m]\ninput = 1.0\noutput = 10.0\n", encoding="utf-8")
    judge = opened(Scripted(says("?"), says('{"score": 4}')), prices=str(prices))
    assert 2 * (100 * 1.0 + 10 * 10.0) / 1e6 == pytest.approx(judge.judge(SAMPLE, answer()).cost)
    uncounted = opened(Scripted(Reply(text='{"score": 4}')), prices=str(prices))
    assert None is uncounted.judge(SAMPLE, answer()).cost


def test_an_estimate_grows_with_the_answer_and_knows_no_price_that_is_not_there() -> None:
    """Without an answer yet, one of usual length."""
    judge = opened(Scripted())
    assert isinstance(judge, EstimatesCost)
    short, usual, long = (judge.estimate(SAMPLE, one) for one in (answer(), None, answer("長い回答。" * 500)))
    assert short.tokens_in < usual.tokens_in < long.tokens_in
    assert {1} == {one.calls for one in (short, usual, long)}
    assert (None, None) == (usual.cost, judge.price)
    assert judge.price is not FREE


def test_another_prompt_model_or_setting_is_another_judge() -> None:
    """Settings that change no verdict leave it the same."""
    same = {opened(Scripted()).fingerprint, opened(Scripted(), in_flight=2, timeout=9.0).fingerprint}
    assert 1 == len(same)
    others = [opened(Scripted(), rubric="tv.v1"), opened(Scripted(model="n")), opened(Scripted(), temperature=0.5),
              opened(Scripted(), max_output_tokens=9)]  # fmt: skip
    assert 5 == len(same | {one.fingerprint for one in others})
    with pytest.raises(UnknownNameError, match=r"elyza\.v9"):
        opened(Scripted(), rubric="elyza.v9")


def test_samples_without_a_reference_are_said_beforehand() -> None:
    """Only by a rubric that shows one."""
    bare = Sample(id="2", inputs={"input": "x"})
    [notice] = opened(Scripted()).check_samples("t", [SAMPLE, bare], ["m"])
    assert "test:m: 1 of 2 tasks of t have no reference; rubric elyza.v1 judges them without." == notice
    assert [] == opened(Scripted(), rubric="tv.v1").check_samples("t", [SAMPLE, bare], ["m"])
