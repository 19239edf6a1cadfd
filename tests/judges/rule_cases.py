"""Each rule type with an answer that meets it and one that does not, and the judge `rules` on one answer."""

from typing import Any

import pytest

from harness.errors import InputError
from harness.types import Generation, JudgeSpec, Sample, Verdict
from judges.rules import GLOBAL_CHECKS, RulesJudge, open_rules

# One rule of each type, an answer that passes it, one that fails it, and what the rationale says then.
CASES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"type": "non_empty"}, "はい", " \u200b\n", "the answer is empty"),
    ({"type": "japanese_ratio", "min": 0.5}, "東京", "Tokyo", "0.00 Japanese, wanted 0.5 or more"),
    ({"type": "japanese_ratio", "min": 0.5}, "42", "这是什么", "0.00 Japanese, wanted 0.5 or more"),
    ({"type": "script_ratio", "script": "hiragana"}, "こいのぼり。", "鯉のぼり", "0.75 hiragana, wanted 1 or more"),
    ({"type": "script_ratio", "script": "latin", "min": 0.9}, "Tokyo", "42", "no letter, wanted latin"),
    ({"type": "max_repetition", "share": 0.4}, "東京です。", "はい。" * 50, "0.98 repeated, wanted 0.4 or less"),
    ({"type": "max_repetition", "share": 0, "n": 2}, "abc", "abab", "0.33 repeated, wanted 0 or less"),
    ({"type": "length", "min": 3}, "三文字", "二 字", "2 characters, wanted 3 or more"),
    ({"type": "length", "max": 3}, "三 文\n字", "四文字だ", "4 characters, wanted 3 or fewer"),
    ({"type": "length", "min": 2, "max": 3}, "二字", "字", "1 characters, wanted 2 or more"),
    ({"type": "exactly_n_items", "n": 2}, "①赤\n②青", "・赤\n・青\n・白", "3 items, wanted 2"),
    ({"type": "max_sentences", "n": 1}, "はい。", "はい。どうぞ。", "2 sentences, wanted 1 or fewer"),
    ({"type": "must_include", "all": ["ABC", "東京"]}, "ａｂｃは東京", "ABC", "'東京' missing"),
    ({"type": "must_include", "any": ["１０時", "十時"]}, "10時です", "11時です", "none of '１０時', '十時'"),
    ({"type": "must_include", "all": ["a"], "any": ["b"]}, "ab", "c", "'a' missing, none of 'b'"),
    ({"type": "must_not_include", "any": ["ダメ", "駄目"]}, "良い", "ﾀﾞﾒ", "'ダメ' found"),
    (
        {"type": "regex", "pattern": "[0-9]{3}-[0-9]{4}"},
        "１２３－４５６７",
        "123",
        "'[0-9]{3}-[0-9]{4}' does not match",
    ),
    ({"type": "regex", "pattern": "（.+）"}, "（全角）", "(half)", "'（.+）' does not match"),
    ({"type": "regex", "pattern": "で", "full": True}, " で\n", "です", "'で' does not match"),
    ({"type": "regex", "pattern": "[A-Z]", "absent": True}, "あ", "Ａ", "'[A-Z]' found"),
    ({"type": "json"}, "[1, 2]", "[1, 2", "not JSON: a ',' is missing (line 1, column 6)"),
    ({"type": "json"}, '```json\n{"a": 1}\n```', "答えは[1]です", "not JSON: a value is missing (line 1, column 1)"),
    ({"type": "json"}, '"文字"', "NaN", "not JSON"),
    ({"type": "json"}, "0", "[" * 100_000, "not JSON"),
    ({"type": "json", "keys": ["日付", "場所"]}, '{"場所": 1, "日付": 2}', '{"日付": 1}', "keys '場所' missing"),
    ({"type": "json", "keys": ["日付"]}, '{"日付": null}', "[1]", "not a JSON object"),
    ({"type": "number", "value": 1200}, "合計は１，２００円（税込）", "12000円", "12000, wanted 1200"),
    ({"type": "number", "value": 480, "position": "last"}, "1000-520=480", "480円です。残り3個", "3, wanted 480"),
    ({"type": "number", "value": 3.14, "tolerance": 0.01}, "3.141", "3.2", "3.2, wanted 3.14"),
    ({"type": "number", "value": 0.3}, "0.30", "零点三", "no number, wanted 0.3"),
]


OFF = dict.fromkeys(GLOBAL_CHECKS, False)


def make(**settings: Any) -> RulesJudge:
    return open_rules(JudgeSpec(text="rules", name="rules", settings=settings))


def sample(*rules: dict[str, Any]) -> Sample:
    return Sample(id="list-01", inputs={"input": "質問"}, rules=rules)


def verdict(text: str, *rules: dict[str, Any], **settings: Any) -> Verdict:
    return make(**settings).judge(sample(*rules), Generation(request_key="k", text=text))


def refusal(*rules: dict[str, Any]) -> InputError:
    with pytest.raises(InputError) as caught:
        make().check_samples("my-set", [sample(*rules)], ["base"])
    return caught.value
