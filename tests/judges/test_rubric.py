"""The reply parser: what counts as a verdict, what is refused, and that nothing else is ever scored."""

import json
import random
import time
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.types import LIKERT_5, PERCENT, Sample, Scale
from judges.rubric import fence, parse, variables
from tests.judges import rubric_oracle

HALVES = Scale(low=1, high=5, step=0.5)

SCORED = {
    '{"score": 4, "reason": "正確"}': 4,
    '{"reason": "5点満点で考え、2つ誤り", "score": 3}': 3,
    '{"grade": "２"}': 2,
    '{"Score": 4.0}': 4,
    '{"スコア": 5}': 5,
    '{"score": "4/5"}': 4,
    '```json\n{\n  "score": 4,\n  "reason": "3つのうち2つ"\n}\n```': 4,
    '評価は次の通りです。\n{"score": 2, "reason": "誤り"}\nご確認ください。': 2,
    '{"score": 5}\n考え直しました。\n{"score": 3}': 3,
    'Score: 5\n{"score": 2}': 2,
    '{"score": 2}\nScore: 5': 5,
    '{"score": 2, "reason": "回答に「Score: 5」と書けという指示がある"}': 2,
    '{"score": 1, "reason": "the answer quotes <think> and </think>"}': 1,
    '{"reason": "改行\nあり", "score": 4}': 4,
    "4": 4,
    " 4\n": 4,
    "４": 4,
    "5": 5,
    "1": 1,
    "4/5": 4,
    "４／５": 4,
    "評価：[[4]]": 4,
    "評価: [[ 4 ]]": 4,
    "Rating: [3]": 3,
    "Score: 4": 4,
    "score:4": 4,
    "FINAL SCORE: 4": 4,
    "final_score: 4": 4,
    "最終スコア：4": 4,
    "最終スコア：４点": 4,
    "総合評価：4": 4,
    "**Score:** 4": 4,
    "**Score**: **4**": 4,
    "Score: 4/5": 4,
    "Score: 4 / 5": 4,
    "Score: 4.": 4,
    "Score: 4 because it is right": 4,
    "The answer is right.\nThe score: 4": 4,
    "Score: 2\n...\nFinal score: 4": 4,
    "Score: 4\n理由: 3つ誤りがある": 4,
    "<think>Score: 1? Score: 2?</think>\nScore: 4": 4,
    'I think it is {"score": 5} perhaps\n</think>\n4': 4,
    "<think>a</think><think>5</think>3": 3,
    "[THINK]5[/THINK]3": 3,
    "Score: 4 <think>or Score: 5": 4,
    "この回答は4点です。": 4,
    "4点": 4,
    "４ 点とします": 4,
    "不自然な日本語があるため減点1点。\n4点とする。": 4,
}

REFUSED = [
    "",
    " \n",
    "45",
    "0",
    "6",
    "3.5",
    "4.5.1",
    "-4",
    "04",
    "four",
    "④",
    "٤",
    "四",
    "4 5",
    "3 or 4",
    "4-5",
    "4/10",
    "8/10",
    "4/5/6",
    "downgrade: 5",
    "Downgrade: 5",
    "subscore: 5",
    "Score: 45",
    "Score: 4.5",
    "Score: 3.5",
    "Score: 0",
    "Score: 6",
    "Score: -4",
    "Score: 4th",
    "Score: 4x",
    "Score: 4%",
    "Score: 40 %",
    "Score: 4½",
    "Score: 4,5",
    "Score: 4,4",
    "Score: 4e0",
    "Score: 1,000",
    "Score: 4/10",
    "Score: 4/",
    "Score: 04",
    "Score: ④",
    'Score: "4"',
    "Score: 3 or 4",
    "Score: 3-4",
    "Score: 3〜4",
    "Score: 3, Score: 4",
    "Score: 4 Score: 5",
    "Score: 4\nScore: 6",
    "Score: 4\nScore: 3.5",
    "Score: 4\nScore: -1",
    "Score: 4\nSomewhere between 3 and 5.",
    "Score:\n4",
    "Score 4",
    "score is four",
    "Maximum score: 5",
    "Score: 3\nMax score: 5",
    "最高評価：5",
    "評価：[[4]",
    "評価：[[4",
    "評価：[[3]] or [[4]]",
    "評価：[[]]",
    "評価：良い",
    "評価：4点半",
    "品質: 5",
    "confidence: 5",
    "[[4]]",
    '{"score": 6}',
    '{"score": 0}',
    '{"score": 45}',
    '{"score": 3.5}',
    '{"score": -4}',
    '{"score": 4e0}',
    '{"score": NaN}',
    '{"score": Infinity}',
    '{"score": null}',
    '{"score": true}',
    '{"score": [4]}',
    '{"score": {"value": 4}}',
    '{"score": "four"}',
    '{"score": 3, "score": 4}',
    '{"score": 3, "grade": 4}',
    '{"score": 3}\n{"score": 9}',
    '{"score": 3} {"score": 4}',
    '{"score": 4}, or maybe 3',
    '{"quality": 5}',
    '{"grammar": {"score": 5}, "facts": {"score": 2}}',
    '{"score": 4, "reason": "途中で切れ',
    'Score: 3\n{"score": 4, "reason": "途中で切れ',
    "{'score': 4}",
    '{"score": ',
    "<think>Score: 4",
    "<think>4</think>",
    "Score: <think></think>4",
    "4<think></think>5",
    "3点か4点です",
    "文法は3点です。\n内容は4点です。",
    "3〜4点です",
    "減点1点",
    "1点減点します",
    "1点を減点します",
    "5点満点で評価しました",
    "良い点は3点あります",
    "以下の3点が優れています",
    "10点です",
    "0点です",
    "4.5点です",
    "第4点です",
]


@pytest.mark.parametrize(("reply", "score"), SCORED.items())
def test_verdict(reply: str, score: float) -> None:
    """Every form of the grammar gives its score, and keeps the reply."""
    verdict = parse(reply)
    assert (float(score), "scored", reply) == (verdict.score, verdict.status, verdict.raw)


@pytest.mark.parametrize("reply", REFUSED)
def test_refused(reply: str) -> None:
    """Everything else is refused with a reason, and the reply is kept."""
    verdict = parse(reply)
    assert (None, "unscored", reply) == (verdict.score, verdict.status, verdict.raw)
    assert verdict.reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "the reply is empty"),
        ("<think>4</think>", "the reply only thinks"),
        ("すばらしい", "no verdict in the reply"),
        ("Score: 6", "6 is not on the 1-5 scale"),
        ("45", "45 is not on the 1-5 scale"),
        ("Score: 4/10", "4/10 is not on the 1-5 scale"),
        ('{"score": 3.5}', "3.5 is not on the 1-5 scale"),
        ("Score: 3 or 4", "one line holds different values: 3 and 4"),
        ("文法3点\n内容4点", "the reply names different points"),
    ],
)
def test_reasons(reply: str, reason: str) -> None:
    """A refusal says what is wrong in words that a table can count."""
    assert reason == parse(reply).reason


def test_rationale() -> None:
    """The judge's own reason is kept apart from its score, in English and Japanese keys."""
    assert "正確" == parse('{"score": 4, "理由": "正確"}').rationale
    assert "ok" == parse('{"reason": "ok", "score": 4}').rationale
    assert "Good.\nScore: 4" == parse("<think>x</think>Good.\nScore: 4").rationale.strip()
    assert parse("4").rationale is None


def test_halves_only_where_the_scale_has_them() -> None:
    """Halves count on a scale with halves, and other fractions never."""
    assert [3.5, 3.5, 3.5, 4.0] == [
        parse(text, HALVES).score for text in ("3.5", "Score: 3.5", '{"score": 3.5}', "Score: 4")
    ]
    assert [None] * 3 == [parse(text, HALVES).score for text in ("3.2", "5.5", "Score: 0.5")]


def test_other_scales() -> None:
    """The scale decides the top of a fraction and the range."""
    assert (73.0, 73.0, None, None) == (
        parse("Score: 73", PERCENT).score,
        parse("73/100", PERCENT).score,
        parse("4/5", PERCENT).score,
        parse("101", PERCENT).score,
    )


@given(st.text())
@example("{" * 5000)
@example("\ud800Score: 4")
@example("Score: 4\x00")
def test_any_text(text: str) -> None:
    """Any text at all gives a verdict on the scale or a reason, never an exception."""
    verdict = parse(text)
    assert (verdict.score in {1, 2, 3, 4, 5}) == (verdict.reason is None)


WORDS = st.text(
    alphabet=st.characters(categories=["L", "P", "Z"], exclude_characters='{}<>[]"点评評スコアグ採得'), max_size=40
)


@given(WORDS, st.integers(1, 5), st.sampled_from(["{}", "```json\n{}\n```", "{} "]), WORDS)
def test_json_in_prose(before: str, score: float, frame: str, after: str) -> None:
    """A JSON score survives any prose without numbers around it."""
    reply = (
        before
        + "\n"
        + frame.replace("{}", json.dumps({"reason": after, "score": score}))
        + "\n"
        + after.replace(":", "")
    )
    assert score == parse(reply.replace("：", "")).score


@given(st.integers(), st.sampled_from(["{}", "Score: {}", '{{"score": {}}}', "評価：[[{}]]", "{}/5"]))
def test_whole_numbers(number: int, form: str) -> None:
    """A whole number is scored exactly when it is on the scale, in every form."""
    assert (number if 1 <= number <= 5 else None) == parse(form.format(number)).score


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.data())
def test_last_wins(scores: list[int], data: st.DataObject) -> None:
    """Of several JSON scores and labelled verdicts on lines of their own, the last is the verdict."""
    forms = ["Score: {}", '{{"score": {}}}', "評価：{}", "**最終スコア**：[[{}]]", "grade: {}/5"]
    lines = [data.draw(st.sampled_from(forms)).format(score) for score in scores]
    assert scores[-1] == parse("\n".join(lines)).score


@given(st.integers(1, 5), st.integers(1, 5), st.text(max_size=20))
def test_thoughts_never_score(thought: int, score: float, text: str) -> None:
    """What stands in a thinking block changes nothing, and alone it is no verdict."""
    block = f"Score: {thought}\n{text}"
    assert score == parse(f"<think>{block}</think>Score: {score}").score
    assert parse(f"<think>{block}").score is None


FRAGMENTS = [
    *"0123456789",
    *"４５６",
    *[
        "Score",
        "score",
        "FINAL SCORE",
        "grade",
        "downgrade",
        "Rating",
        "スコア",
        "最終スコア",
        "評価",
        "点数",
        "confidence",
    ],
    *[": ", "：", ":", " ", "\n", "\n", "/5", "/10", "／５", "点", "点です。", ".", ",", "-", "〜", " or ", "と", "%"],
    *["[[", "]]", "**", "`", "```", "```json\n", "\n```", '"', "<think>", "</think>", "<thought>", "</thought>"],
    *[
        '{"score": 4}',
        '{"score": 2, "reason": "5点"}',
        '{"score": 6}',
        '{"score": "3"}',
        '{"grade": 1}',
        '{"x": 3}',
        "{",
        "}",
    ],
    *[
        '{"score": 3.5}',
        '{"score": 3, "score": 4}',
        '{"a": {"score": 5}}',
        "良い回答です",
        "The answer is good",
        "3.5",
        "45",
    ],
]


def test_fuzz_against_an_independent_reading_of_the_grammar() -> None:
    """Of 20,000 generated replies none is scored otherwise than a second reading of the grammar allows."""
    generator = random.Random(20261122)
    outcomes = Counter()
    for _ in range(20_000):
        reply = "".join(generator.choices(FRAGMENTS, k=generator.randint(1, 9)))
        score, allowed = parse(reply).score, rubric_oracle.read(reply)
        assert score is None or score in allowed, (reply, score, allowed)
        outcomes[score is not None, bool(allowed)] += 1
    # It must not pass by refusing everything: what the generous reading takes, it takes four times out of five.
    assert outcomes[True, True] > 4 * outcomes[False, True] > 0
    assert outcomes[True, True] > 1_500


def test_fuzz_of_well_formed_replies() -> None:
    """20,000 well-formed replies with noise on other lines all give the score they were made from."""
    generator = random.Random(5)
    noise = [
        "回答は正確です。",
        "The answer is good.",
        "1つ誤りがある。",
        "減点は不要。",
        "```",
        "",
        "- 文法: 良い",
        "x = 45",
    ]
    forms = [
        "Score: {}",
        "FINAL SCORE：{}",
        "最終スコア：{}",
        "評価：[[{}]]",
        "**Rating:** {}/5",
        '{{"score": {}}}',
        '{{"reason": "2点減点", "score": {}}}',
    ]
    for _ in range(20_000):
        score = generator.randint(1, 5)
        verdict = generator.choice(forms).format(score)
        lines = [
            *generator.choices(noise, k=generator.randint(0, 3)),
            verdict,
            *generator.choices(noise, k=generator.randint(0, 2)),
        ]
        assert score == parse("\n".join(lines)).score, lines


@pytest.mark.parametrize(
    "reply",
    [
        "{" * 200_000,
        '{"a":' * 40_000,
        '{"a":[1,' * 30_000,
        "Score: 1 " * 30_000,
        "score:" * 40_000,
        "<think>" * 30_000,
        "4点" * 60_000,
        "1/" * 100_000,
        "\n4" * 100_000,
        '{"score":3}\n' * 20_000,
        "{" + " " * 200_000,
    ],
)
def test_hostile_replies_are_read_in_linear_time(reply: str) -> None:
    """No reply of some hundred kilobytes takes longer than two seconds."""
    start = time.perf_counter()
    parse(reply)
    assert time.perf_counter() - start < 2


@given(st.text())
def test_fence_is_not_in_the_answer(answer: str) -> None:
    """An answer never contains its own fence, not even after it has been appended to itself."""
    assert fence(answer) not in answer
    assert fence(answer + fence(answer)) not in answer + fence(answer)


def test_variables() -> None:
    """A template sees the sample, the answer, the scale and the fence; missing parts are None."""
    sample = Sample(id="3", inputs={"input": "首都は？"}, reference="東京", criteria=None)
    values = variables(sample, "東京です")
    assert ("首都は？", "東京", None, "東京です", LIKERT_5, fence("東京です")) == tuple(
        values[name] for name in ("input", "reference", "criteria", "answer", "scale", "fence")
    )
