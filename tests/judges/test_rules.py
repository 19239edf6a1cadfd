"""The rules judge: every rule type, overriding, what is refused before a run, and answers of any kind."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError, InputError, UsageError
from harness.types import UNIT, Generation, JudgeSpec, Sample, Verdict
from judges.checks import TYPES
from judges.rules import GLOBAL_CHECKS, RulesJudge, open_rules

OFF = dict.fromkeys(GLOBAL_CHECKS, False)

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
    ({"type": "json"}, "[1, 2]", "[1, 2", "not JSON: Expecting ',' delimiter (line 1, column 6)"),
    ({"type": "json"}, '```json\n{"a": 1}\n```', "答えは[1]です", "not JSON: Expecting value (line 1, column 1)"),
    ({"type": "json"}, '"文字"', "NaN", "not JSON"),
    ({"type": "json"}, "0", "[" * 100_000, "not JSON"),
    ({"type": "json", "keys": ["日付", "場所"]}, '{"場所": 1, "日付": 2}', '{"日付": 1}', "keys '場所' missing"),
    ({"type": "json", "keys": ["日付"]}, '{"日付": null}', "[1]", "not a JSON object"),
    ({"type": "number", "value": 1200}, "合計は１，２００円（税込）", "12000円", "12000, wanted 1200"),
    ({"type": "number", "value": 480, "position": "last"}, "1000-520=480", "480円です。残り3個", "3, wanted 480"),
    ({"type": "number", "value": 3.14, "tolerance": 0.01}, "3.141", "3.2", "3.2, wanted 3.14"),
    ({"type": "number", "value": 0.3}, "0.30", "零点三", "no number, wanted 0.3"),
]


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


@pytest.mark.parametrize(("rule", "good", "bad", "said"), CASES)
def test_each_rule_type_passes_and_fails(rule: dict[str, Any], good: str, bad: str, said: str) -> None:
    """An answer that meets the rule scores 1; one that does not scores 0 and the rationale names rule and finding."""
    assert Verdict.scored(1, rationale="1 check passed") == verdict(good, rule, **OFF)
    failed = verdict(bad, rule, **OFF)
    assert failed.score == 0
    assert f"{rule['type']}: {said}" in str(failed.rationale)


def test_every_type_is_covered_above() -> None:
    """A rule type without a case here is untested."""
    assert set(TYPES) == {rule["type"] for rule, *_ in CASES}


def test_score_is_the_share_of_checks_passed() -> None:
    """Three global checks and two of the sample's own, one of them failed."""
    found = verdict("りんご\nみかん", {"type": "exactly_n_items", "n": 5}, {"type": "must_include", "any": ["りんご"]})
    assert found.score == pytest.approx(4 / 5)
    assert found.rationale == "1 of 5 checks failed. exactly_n_items: 2 items, wanted 5"


def test_an_empty_answer_passes_nothing() -> None:
    """Not containing a forbidden word is no merit of an empty answer."""
    rules = ({"type": "must_not_include", "any": ["x"]}, {"type": "length", "max": 10})
    for text in ("", " \n\u3000", "\x00", "\ud800", "\u200b\ufeff"):
        assert Verdict.scored(0, rationale="non_empty: the answer is empty") == verdict(text, *rules)
    assert verdict("", *rules, non_empty=False).score == 1


def test_a_rule_of_the_sample_replaces_the_global_one() -> None:
    """An English answer is right where the sample says so, and the check counts once."""
    english = "The capital of Japan is Tokyo."
    assert verdict(english).rationale == "1 of 3 checks failed. japanese_ratio: 0.00 Japanese, wanted 0.5 or more"
    assert verdict(english, {"type": "japanese_ratio", "off": True}).rationale == "2 checks passed"
    mixed = "東京 Tokyo"
    assert verdict(mixed).score == pytest.approx(2 / 3)
    assert verdict(mixed, {"type": "japanese_ratio", "min": 0.2}).rationale == "3 checks passed"


def test_settings_change_the_global_checks() -> None:
    """A bare value, a table, true and false are understood, and any rule type may be global."""
    assert verdict("東京 Tokyo", japanese_ratio=0.2).score == 1
    assert verdict("東京 Tokyo", japanese_ratio={"min": 0.2}).score == 1
    assert verdict("東京 Tokyo", japanese_ratio=True).score == pytest.approx(2 / 3)
    assert verdict("### 指示", must_not_include=["### 指示"], **OFF).score == 0
    assert verdict("{}", json=True, **OFF).score == 1
    assert verdict("x", **OFF) == Verdict.unscored("no check applies")


def test_null_parameters_count_as_absent_and_whole_floats_as_whole() -> None:
    """A Parquet struct column gives every rule the keys of all rules, with nulls, and integers as floats."""
    rule = {"type": "exactly_n_items", "n": 2.0, "min": None, "any": None, "off": None}
    assert verdict("・赤\n・青", rule, **OFF).score == 1


def test_the_fingerprint_follows_the_settings() -> None:
    """Defaults written out are the same judge; any other value, or a check switched off, is another."""
    default = make().fingerprint
    assert default == make(**GLOBAL_CHECKS).fingerprint == make(japanese_ratio={"min": 0.5}).fingerprint
    others = [make(japanese_ratio=0.4), make(japanese_ratio=False), make(max_repetition={"share": 0.4, "n": 9})]
    assert len({default, *(judge.fingerprint for judge in others)}) == 4


def test_the_judge_says_what_it_is() -> None:
    """Its scores are checks on 0-1, under the name typed."""
    judge = make()
    assert ("checks", UNIT, "rules") == (judge.kind, judge.scale, judge.name)


@pytest.mark.parametrize(
    ("rule", "message", "hint"),
    [
        ({"type": "exactly_n_item", "n": 1}, "no rule type named 'exactly_n_item'", "Did you mean 'exactly_n_items'?"),
        ({"n": 1}, "a rule needs a type", "Known: exactly_n_items, "),
        ({"type": 3}, "no rule type named 3", "Known: "),
        ({"type": "length", "maximum": 3}, "maximum: no such key", "Did you mean 'max'?"),
        ({"type": "length"}, "give min, max or both", None),
        ({"type": "length", "min": 5, "max": 3}, "no length is from 5 to 3", None),
        ({"type": "exactly_n_items"}, "n: field required", None),
        ({"type": "exactly_n_items", "n": "5"}, "n: input should be a valid integer (got '5')", None),
        ({"type": "exactly_n_items", "n": True}, "n: input should be a valid integer (got True)", None),
        ({"type": "exactly_n_items", "n": 2.5}, "n: input should be a valid integer (got 2.5)", None),
        ({"type": "exactly_n_items", "n": 0}, "n 0 is less than 1", None),
        ({"type": "max_sentences", "n": 0}, "n 0 is less than 1", None),
        ({"type": "must_include", "any": "東京"}, "any: input should be a valid array (got '東京')", None),
        ({"type": "must_include", "any": [1]}, "any.0: input should be a valid string (got 1)", None),
        ({"type": "must_include"}, "give words in all, any or both", None),
        ({"type": "must_not_include", "any": ["　"]}, "a word is empty: it would occur everywhere", None),
        ({"type": "regex", "pattern": "(a"}, "bad pattern '(a': missing ) at position 2", None),
        ({"type": "regex", "pattern": "(" * 400 + ")" * 100}, "bad pattern", None),
        ({"type": "regex", "pattern": "a" * 501}, "the pattern has 501 characters, more than 500", None),
        ({"type": "japanese_ratio", "min": 50}, "min 50 is not over 0 and up to 1", None),
        ({"type": "script_ratio", "script": "hangul"}, "script: input should be 'hiragana', 'katakana'", None),
        ({"type": "max_repetition", "share": 1}, "share 1 is not in 0-1", None),
        ({"type": "number", "value": math.inf}, "value and tolerance are finite", None),
        ({"type": "number", "value": math.nan}, "value and tolerance are finite", None),
        ({"type": "json", "off": False}, "off is true and stands alone, or is left out", None),
        ({"type": "json", "off": True, "keys": ["a"]}, "off is true and stands alone, or is left out", None),
    ],
)
def test_bad_rules_are_refused_before_the_run(rule: dict[str, Any], message: str, hint: str | None) -> None:
    """The error names the task, the sample, the rule's number and what is wrong with it."""
    error = refusal({"type": "non_empty"}, rule)
    kind = f" ({rule['type']})" if "type" in rule else ""
    assert str(error).startswith(f"task 'my-set', sample 'list-01', rule 2{kind}: ")
    assert message in str(error)
    assert str(error.hint or "").startswith(hint or "")


def test_a_rule_that_is_no_object_is_refused() -> None:
    """A list of words in the rules column is no rule."""
    assert (
        str(refusal("non_empty"))
        == "task 'my-set', sample 'list-01', rule 1: a rule is an object with a type, not 'non_empty'"
    )  # type: ignore[arg-type]


def test_a_bad_rule_that_nobody_checked_is_an_error_not_a_score() -> None:
    """Judging without the check beforehand ends in an error verdict for that answer."""
    found = verdict("はい", {"type": "lenght", "max": 3})
    assert found.status == "error"
    assert found.reason == "sample 'list-01', rule 1 (lenght): no rule type named 'lenght'"


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        (
            {"japanese_ration": 0.5},
            "[judges.rules]: no rule type named 'japanese_ration'",
            "Did you mean 'japanese_ratio'?",
        ),
        ({"japanese_ratio": "half"}, "[judges.rules] japanese_ratio: min: input should be a valid number", ""),
        ({"japanese_ratio": {"minimum": 0.5}}, "minimum: no such key", "Did you mean 'min'?"),
        ({"length": 5}, "[judges.rules] length: a table of parameters, true or false is wanted, not 5", ""),
        ({"exactly_n_items": True}, "[judges.rules] exactly_n_items: n: field required", ""),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str, hint: str) -> None:
    """The error names the key of harness.toml."""
    with pytest.raises(InputError) as caught:
        make(**settings)
    assert message in str(caught.value)
    assert str(caught.value.hint or "").startswith(hint)


def test_an_option_is_refused() -> None:
    """``rules:strict`` means nothing, and says so rather than being ignored."""
    with pytest.raises(UsageError, match="takes no option, got 'strict'"):
        open_rules(JudgeSpec(text="rules:strict", name="rules", option="strict"))


def test_notices_say_what_is_checked_without_rules() -> None:
    """Samples without rules are told, and a task with nothing at all to check is refused."""
    bare, ruled = sample(), sample({"type": "length", "max": 5})
    assert make().check_samples("t", [ruled], []) == []
    [notice] = make().check_samples("t", [bare, ruled], [])
    assert notice.startswith("rules: 1 of 2 samples of task 't' have no rules of their own; checked there: non_empty, ")
    assert "the samples of task 't' have no rules" in make().check_samples("t", [bare], [])[0]
    assert "checked there: nothing." in make(**OFF).check_samples("t", [bare, ruled], [])[0]
    with pytest.raises(HarnessError, match="nothing to check"):
        make(**OFF).check_samples("t", [bare], [])


@pytest.mark.parametrize("pattern", [r"(.*){1,32000}[bc]", r"((a{1,1000}){1,1000}){1,1000}b", "(?R)"])
def test_a_pattern_that_explodes_leaves_the_answer_unscored(pattern: str) -> None:
    """A pattern that would run for ever ends in time, and its answer gets no score."""
    start = time.perf_counter()
    found = verdict("a" * 5000, {"type": "regex", "pattern": pattern})
    assert time.perf_counter() - start < 5
    assert found.status == "unscored"
    assert found.reason == f"regex {pattern!r} found no end within 0.5 s on this answer"


def test_surrogates_in_a_rule_do_not_reach_the_store() -> None:
    """A rationale can always be written as UTF-8."""
    found = verdict("はい", {"type": "must_include", "all": ["\ud83d"]})
    text = found.rationale or found.reason or ""
    assert text.encode("utf-8")


RULES = tuple(rule for rule, *_ in CASES)


@given(
    st.one_of(st.text(st.characters(codec=None)), st.text(st.sampled_from('1.-・①「」。\n {}[]",:0９あ亜A\x00\ud800')))
)
def test_no_answer_raises(text: str) -> None:
    """Whatever the answer, all rule types together give a score from 0 to 1 and a rationale that UTF-8 can hold."""
    found = verdict(text, *RULES)
    assert found.status == "scored"
    assert 0 <= (found.score or 0) <= 1
    assert (found.rationale or "").encode("utf-8")


@given(st.permutations(CASES[1:8]), st.sampled_from([case[1] for case in CASES]))
def test_the_order_of_rules_changes_no_score(cases: list[Any], text: str) -> None:
    """The score is a share: it does not depend on the order of the rules."""
    assert verdict(text, *(case[0] for case in cases)).score == verdict(text, *(case[0] for case in CASES[1:8])).score


def test_good_answers_pass_the_global_checks(shared_data: Path) -> None:
    """All 100 references of ELYZA-tasks-100 pass what every answer is checked for."""
    lines = (shared_data / "elyza-tasks-100" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    references = [json.loads(line)["output"] for line in lines]
    failed = [text for text in references if verdict(text).score != 1]
    assert failed == []


def test_ten_thousand_answers_take_about_a_second() -> None:
    """A guard against a check that turns slow: 0.6 s on an idle core, so 5 s leaves room for a busy machine."""
    judge = make()
    rules = (
        {"type": "exactly_n_items", "n": 3},
        {"type": "must_include", "any": ["春", "秋"]},
        {"type": "length", "max": 90},
    )
    samples = [Sample(id=str(number), inputs={"input": "質問"}, rules=rules) for number in range(10_000)]
    text = "1. 春は花が咲くから好き。\n2. 夏は海に出かけられるから好き。\n3. 秋は食べ物がおいしいから好き。\n"
    start = time.perf_counter()
    scores = {judge.judge(item, Generation(request_key=item.id, text=text + item.id)).score for item in samples}
    assert time.perf_counter() - start < 5
    assert scores == {1.0}
