"""The judge `openai` through OpenAI's SDK against a loopback server; what the two judges share is in test_gemini."""

import json
import logging
import math
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError, JudgeUnavailableError
from harness.testing.servers import compatible
from harness.testing.servers import openai as wire
from harness.testing.servers.loopback import Call, Step, in_turn, serve
from harness.types import JudgeSpec
from judges.openai import open_openai
from tests.judges.served import Faulty, answer, judge_all, number_of, sample, score_of, spec

CANARY = "canary-c0ffee-key"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)


def turns(call: Call) -> list[str]:
    """What was said so far."""
    return [str(message["content"]) for message in call.body["messages"]]


def right(call: Call) -> Step:
    """The right verdict on the sample in the prompt."""
    score = score_of(number_of(turns(call)[0]))
    return wire.reply(json.dumps({"reason": "理由", "score": score}, ensure_ascii=False))


def judged(*steps: Step, rubric: str = "elyza.v1", **settings: Any) -> Any:
    """The verdict on one answer by a server that answers like this, and the calls that it took."""
    with serve(in_turn(*steps)) as server:
        judge = open_openai(spec("openai", server.url, rubric=rubric, **settings))
        return judge.judge(sample(3), answer(3)), server.calls


def test_verdict() -> None:
    """A score with its reason, the raw reply and the model's version; no price, no cost."""
    verdict, calls = judged(wire.reply('{"reason": "正確", "score": 4}', version="served-7"))
    assert (4.0, "正確", '{"reason": "正確", "score": 4}', "served-7", None) == (
        verdict.score,
        verdict.rationale,
        verdict.raw,
        verdict.version,
        verdict.cost,
    )
    assert (0.0, "json_schema") == (calls[0].body["temperature"], calls[0].body["response_format"]["type"])
    assert "課題(3)" in turns(calls[0])[0]


def test_cost_of_all_calls_that_replied(tmp_path: Any) -> None:
    """A reply that was asked for again is paid for too."""
    prices = tmp_path / "prices.toml"
    prices.write_text('["test-model"]\ninput = 1000\noutput = 10000\n')
    verdict, _ = judged(wire.reply("よい"), wire.reply('{"score": 3}'), prices=str(prices))
    assert (3.0, pytest.approx(2 * (100 * 0.001 + 20 * 0.01))) == (verdict.score, verdict.cost)


def test_plain_text_where_the_server_has_no_structure() -> None:
    """A server without structured output is asked for plain text, and the JSON in its words is read."""

    def script(call: Call) -> Step:
        if "response_format" in call.body:
            return wire.error(400, "response_format is not supported")
        return wire.reply('<think>5かな。</think>5点満点で2点減点しました。\n```json\n{"score": "３点"}\n```')

    with serve(script) as server:
        judge = open_openai(spec("openai", server.url))
        assert [3.0] * 3 == [judge.judge(sample(1), answer(1)).score for _ in range(3)]
        assert 5 == len(server.calls)


def test_digits_rubric_asks_for_no_json() -> None:
    """The rubric that wants a number is sent without a schema, and asked again in its own form."""
    verdict, calls = judged(wire.reply("四点くらい"), wire.reply("**４**点です。"), rubric="digits.v1")
    assert 4 == verdict.score
    assert all("response_format" not in call.body for call in calls)
    assert ["user", "assistant", "user"] == [message["role"] for message in calls[1].body["messages"]]
    assert "JSON" not in turns(calls[1])[-1]


LABELLED = """---
reply: label
labels: [できばえ]
---
{{ fence }}
{{ answer }}
{{ fence }}
課題：{{ input }}
"""


def test_a_rubric_that_asks_for_a_label(tmp_path: Path) -> None:
    """Its label counts and no other form does; the question is repeated with that label, without a schema."""
    rubric = tmp_path / "mine.j2"
    rubric.write_text(LABELLED)
    verdict, calls = judged(wire.reply('{"score": 5}'), wire.reply("2つ誤り。\nできばえ：3"), rubric=str(rubric))
    assert (3.0, "2つ誤り。\nできばえ：3") == (verdict.score, verdict.rationale)
    assert "「できばえ：点数」" in turns(calls[1])[-1]
    assert all("response_format" not in call.body for call in calls)


@pytest.mark.parametrize(
    ("body", "fenced"),
    [
        ("{{ fence }}\n{{ answer }}\n{{ fence }}\n{{ input }}", True),
        ("{{ input }}\n{{ answer }}", False),
        ("{{ input }}\n{{ fence }}\n{{ answer }}", False),
        ("{{ fence }}{{ fence }}{{ input }}\n{{ answer }}", False),
    ],
)
def test_an_answer_without_a_fence_is_noticed(tmp_path: Path, body: str, *, fenced: bool) -> None:
    """A rubric that does not mark where the answer begins and ends is told of once, whatever the task."""
    rubric = tmp_path / "mine.j2"
    rubric.write_text(body)
    judge = open_openai(spec("openai", "http://localhost:1", rubric=str(rubric)))
    notices = [note for task in ("a", "b") for note in judge.check_samples(task, [sample(1)], ["m"])]
    assert ([] if fenced else [notices[0]] * 2) == notices
    assert fenced or f"rubric {rubric} shows the answer without {{{{ fence }}}} before and after it" in notices[0]


@pytest.mark.parametrize("rubric", ["elyza.v1", "elyza-sandwich.v1", "tv.v1", "digits.v1"])
def test_published_rubrics_fence_the_answer(rubric: str) -> None:
    """Nothing is to be noticed about them."""
    judge = open_openai(spec("openai", "http://localhost:1", rubric=rubric))
    assert [] == judge.check_samples("t", [sample(1)], ["m"])


@pytest.mark.parametrize(
    ("step", "status", "reason"),
    [
        (wire.reply(None, finish="content_filter"), "unscored", "blocked for safety: the reply, content_filter"),
        (wire.reply(None, refusal="できません"), "unscored", "blocked for safety: the model refused: できません"),
        (wire.no_choices(), "unscored", "empty reply: no choices"),
        (wire.reply(""), "unscored", "empty reply: no text"),
        (compatible.vllm_too_long(900, 512), "unscored", "longer than the model's context: HTTP 400 This model's"),
        (compatible.azure_filtered_prompt(), "unscored", "blocked for safety: HTTP 400 The response was filtered"),
        (wire.error(400, "too long"), "error", "request refused: HTTP 400 too long"),
    ],
)
def test_one_call_is_enough(step: Step, status: str, reason: str) -> None:
    """Blocks, empty replies and refused requests are not repeated, and each says what it was."""
    verdict, calls = judged(step)
    assert (status, None, 1) == (verdict.status, verdict.score, len(calls))
    assert str(verdict.reason).startswith(reason)


@pytest.mark.parametrize(
    "fault",
    [
        wire.error(429, "Rate limit reached"),
        wire.error(429, "Rate limit reached", retry_after="0.05"),
        wire.error(500, "oops"),
        wire.error(503, "overloaded"),
        wire.reply('{"score": 1}').cut_after(40),
        wire.reply('{"score": 1}').after(1.2),
        Step(b"<html>maintenance</html>", content_type="text/html"),
        Step(b"gateway", content_type="text/plain"),
        Step(drop=True),
    ],
)
def test_passing_faults_pass(fault: Step) -> None:
    """After two faults of each passing kind the right verdict comes, from one reply."""
    verdict, calls = judged(fault, fault, wire.reply('{"score": 4}'), timeout=0.5)
    assert (4.0, '{"score": 4}', 3) == (verdict.score, verdict.raw, len(calls))


def test_500_items_at_20_percent_faults() -> None:
    """Every item gets its own score once: none is lost, none is mixed up, none is judged twice."""
    script = Faulty(
        right,
        turns,
        passing=[
            wire.error(429, "Rate limit reached"),
            wire.error(429, "Rate limit reached", retry_after="0.02"),
            wire.error(500, "oops"),
            wire.reply('{"score": 1}').cut_after(60),
            Step(b"<html>", content_type="text/html"),
            Step(drop=True),
        ],
        unreadable=[wire.reply("読めない返答"), wire.reply('{"score": 9}')],
        rate=0.2,
    )
    with serve(script) as server:
        verdicts = judge_all(open_openai(spec("openai", server.url)), 500)
        calls = len(server.calls)
    assert [float(score_of(number)) for number in range(500)] == [verdict.score for verdict in verdicts]
    assert dict.fromkeys(range(500), 1) == script.served
    assert calls == script.faulted + 500


def test_a_rejected_key_ends_the_judge() -> None:
    """It is said once, without the key, and nothing else is sent."""
    with serve(in_turn(wire.error(401, f"Incorrect API key provided: {CANARY}"))) as server:
        judge = open_openai(spec("openai", server.url))
        for _ in range(3):
            with pytest.raises(JudgeUnavailableError, match="key rejected: HTTP 401") as caught:
                judge.judge(sample(1), answer(1))
            assert CANARY not in str(caught.value)
        assert 1 == len(server.calls)


def test_a_server_that_is_gone() -> None:
    """Nobody listening ends the judge after a few dozen tries with the address to look at, not after hours."""
    with serve(in_turn(wire.reply("ok"))) as server:
        judge = open_openai(spec("openai", server.url, in_flight=4))
    with pytest.raises(JudgeUnavailableError, match="no connection"):
        judge_all(judge, 40)


def test_fingerprint() -> None:
    """It changes with the server, the model and what is asked of it, not with key, credentials or pace."""

    def fingerprint(**settings: Any) -> str:
        table = {"base_url": "http://localhost:8000/v1"} | settings
        return open_openai(JudgeSpec(text="openai:m", name="openai", option="m", settings=table)).fingerprint

    plain = fingerprint()
    same = [fingerprint(base_url="http://me:secret@localhost:8000/v1/"), fingerprint(in_flight=1, timeout=9)]
    other = [
        fingerprint(base_url="http://localhost:8001/v1"),
        fingerprint(structured="text"),
        fingerprint(extra_body={"top_k": 1}),
        fingerprint(reasoning_effort="low"),
        fingerprint(temperature=1),
    ]
    assert {plain} == set(same)
    assert 6 == len({plain, *other})
    assert "secret" not in plain


def test_openais_own_server_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable; a server of one's own needs none."""
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(HarnessError, match="OPENAI_API_KEY is not set"):
        open_openai(JudgeSpec(text="openai:m", name="openai", option="m"))
    assert 4 == judged(wire.reply('{"score": 4}'))[0].score


def test_misspelt_setting() -> None:
    """A misspelt key of the table is named, with the nearest one."""
    with pytest.raises(HarnessError, match=r"\[judges.openai\]: base_ulr: no such key") as caught:
        open_openai(JudgeSpec(text="openai:m", name="openai", option="m", settings={"base_ulr": "http://x"}))
    assert caught.value.hint == "Did you mean 'base_url'?"


def test_the_key_appears_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs, verdicts, errors nor reprs hold it, even when the server repeats it."""
    caplog.set_level(logging.DEBUG)
    seen = []
    for step in (wire.reply("?"), wire.error(500, CANARY), wire.error(400, CANARY)):
        with serve(in_turn(step)) as server:
            judge = open_openai(spec("openai", server.url, attempts=2))
            verdict = judge.judge(sample(1), answer(1))
            seen += [repr(judge), judge.fingerprint, str(verdict)]
    seen += [record.getMessage() for record in caplog.records]
    assert [] == [text for text in seen if CANARY in text]


def with_logprobs(text: str, tokens: list[tuple[str, dict[str, float]]]) -> Step:
    """A reply with the probabilities of every token and of what else could stand there."""
    step = wire.reply(text)
    content = [
        {
            "token": token,
            "logprob": math.log(shares[token]),
            "bytes": None,
            "top_logprobs": [{"token": one, "logprob": math.log(p), "bytes": None} for one, p in shares.items()],
        }
        for token, shares in tokens
    ]
    assert isinstance(step.body, dict)
    step.body["choices"][0]["logprobs"] = {"content": content, "refusal": None}
    return step


SHARES = {"4": 0.5, "5": 0.25, " 4": 0.125, "４": 0.0625, "3": 0.03125, "よい": 0.03125}


def test_an_expected_score_by_logprobs() -> None:
    """By hand: (.6875 × 4 + .25 × 5 + .03125 × 3) / .96875; twenty are asked for at every place."""
    verdict, calls = judged(with_logprobs("4", [("4", SHARES)]), rubric="digits.v1", logprobs=True)
    assert verdict.score == pytest.approx((0.6875 * 4 + 0.25 * 5 + 0.03125 * 3) / 0.96875, abs=1e-9)
    assert "P(1)=0.000 P(2)=0.000 P(3)=0.031 P(4)=0.688 P(5)=0.250 P(other)=0.031" == verdict.rationale
    assert (True, 20) == (calls[0].body["logprobs"], calls[0].body["top_logprobs"])
    assert "4" == verdict.raw


def test_an_expected_score_behind_a_reason() -> None:
    """The digit of the reason is not the score's."""
    sure = {"5": 1.0}
    tokens = [('{"reason": "', {'{"reason": "': 1.0}), ("5", sure), ('点中", "score": ', {'点中", "score": ': 1.0}),
              ("4", SHARES), ("}", {"}": 1.0})]  # fmt: skip
    verdict, calls = judged(with_logprobs('{"reason": "5点中", "score": 4}', tokens), logprobs=True)
    assert (pytest.approx(4.2258, abs=1e-4), 1) == (verdict.score, len(calls))
    assert verdict.rationale.startswith("5点中 P(1)=")


def test_too_much_outside_the_digits_has_no_score_and_is_asked_once() -> None:
    """The model would say the same again; the setting decides how much is too much."""
    step = with_logprobs("4", [("4", {"4": 0.5, "はい": 0.5})])
    verdict, calls = judged(step, rubric="digits.v1", logprobs=True)
    assert ("unscored", "mass_outside", 1) == (verdict.status, verdict.code, len(calls))
    assert 4.0 == judged(step, rubric="digits.v1", logprobs=True, most_outside=0.5)[0].score
    verdict, _ = judged(with_logprobs("5点満点中4点", [("5", SHARES | {"5": 0.2}), ("点満点中", {"点満点中": 1.0}),
                        ("4", SHARES), ("点", {"点": 1.0})]), rubric="digits.v1", logprobs=True)  # fmt: skip
    assert "no_probabilities" == verdict.code


def test_a_server_without_logprobs_is_told_at_once() -> None:
    """One sentence with what to do, and no score."""
    with pytest.raises(JudgeUnavailableError, match="the server gives no logprobs") as caught:
        judged(wire.reply("4"), rubric="digits.v1", logprobs=True)
    assert "Take logprobs = true out of [judges.openai]" in str(caught.value.hint)


def test_the_fingerprint_says_that_scores_are_expected_ones() -> None:
    """Without the setting it is what it always was; the scale holds what lies between."""
    plain = open_openai(spec("openai", "http://127.0.0.1:9/v1"))
    others = [open_openai(spec("openai", "http://127.0.0.1:9/v1", logprobs=True, **more))
              for more in ({}, {"most_outside": 0.2})]  # fmt: skip
    assert 3 == len({plain.fingerprint, *(one.fingerprint for one in others)})
    assert (1, None) == (plain.scale.step, others[0].scale.step)
    with pytest.raises(HarnessError, match="most_outside lies between 0 and 1"):
        open_openai(spec("openai", "http://127.0.0.1:9/v1", most_outside=-1))


CUT = '{"reason": "よい。よい。よい。'


@pytest.mark.parametrize(
    ("rubric", "first", "second", "asked"),
    [
        (
            "elyza.v1",
            CUT,
            '{"reason": "よい。", "score": 4}',
            "理由は 54 文字以内の一文にして、点数まで書いてください。",
        ),
        ("digits.v1", "まず内容を見ると", "4", "点数の数字一つだけを返してください。"),
    ],
)
def test_a_reply_that_was_cut_is_asked_for_anew_and_shorter(rubric: str, first: str, second: str, asked: str) -> None:
    """Without the reply, which would fill the context again; the form itself ends the reason."""
    steps = (wire.reply(first, finish="length"), wire.reply(second))
    verdict, calls = judged(*steps, rubric=rubric, max_output_tokens=256)
    assert (4.0, 2, f"{first}\n--- asked again ---\n{second}") == (verdict.score, len(calls), verdict.raw)
    assert [len(turns(calls[0]))] * 2 == [len(turns(call)) for call in calls]
    assert f"{turns(calls[0])[-1]}\n\n{asked}" == turns(calls[1])[-1]
    forms = [call.body.get("response_format", {}).get("json_schema", {}).get("schema") for call in calls]
    if rubric == "elyza.v1":
        assert [None, 54] == [form["properties"]["reason"].get("maxLength") for form in forms]


def test_a_reply_that_is_cut_twice_is_unscored() -> None:
    """Both are kept; a whole first reply that cannot be read is shown again, as it always was."""
    verdict, calls = judged(wire.reply(CUT, finish="length"))
    assert ("unscored", None, 2) == (verdict.status, verdict.score, len(calls))
    _, calls = judged(wire.reply("四点くらい"), wire.reply("4"), rubric="digits.v1")
    assert ["四点くらい"] == [text for text in turns(calls[1]) if text == "四点くらい"]


def test_a_cut_reply_of_which_nothing_is_given_is_asked_for_shorter_too() -> None:
    """The server's 500 is neither a fault to be tried again nor about the form, which stays the schema."""
    steps = (compatible.llama_server_unfinished(), wire.reply('{"reason": "よい。", "score": 4}'))
    verdict, calls = judged(*steps, max_output_tokens=256)
    assert (4.0, 2) == (verdict.score, len(calls))
    forms = [call.body["response_format"]["json_schema"]["schema"]["properties"]["reason"] for call in calls]
    assert [{"type": "string"}, {"type": "string", "maxLength": 54}] == forms
    verdict, calls = judged(compatible.llama_server_unfinished())
    assert ("unscored", "call_unfinished", 2) == (verdict.status, verdict.code, len(calls))
