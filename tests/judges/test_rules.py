"""The rules judge: shares of checks passed, global checks and those of a sample, and what is refused before a run."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError, InputError, UsageError
from harness.locale import Text, in_language
from harness.types import UNIT, Generation, JudgeSpec, Sample, Verdict
from judges.rules import GLOBAL_CHECKS, open_rules
from tests.judges.rule_cases import CASES, OFF, make, refusal, sample, verdict


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


def test_ten_thousand_answers() -> None:
    """Each on its own, by three rules."""
    judge = make()
    rules = (
        {"type": "exactly_n_items", "n": 3},
        {"type": "must_include", "any": ["春", "秋"]},
        {"type": "length", "max": 90},
    )
    samples = [Sample(id=str(number), inputs={"input": "質問"}, rules=rules) for number in range(10_000)]
    text = "1. 春は花が咲くから好き。\n2. 夏は海に出かけられるから好き。\n3. 秋は食べ物がおいしいから好き。\n"
    scores = {judge.judge(item, Generation(request_key=item.id, text=text + item.id)).score for item in samples}
    assert scores == {1.0}


@pytest.mark.parametrize(("rule", "answer"), [(rule, bad) for rule, _, bad, _ in CASES])
def test_what_failed_can_be_said_in_japanese(rule: dict[str, Any], answer: str) -> None:
    """As a message whose words are the reader's; what is quoted stays."""
    said = verdict(answer, rule).rationale
    assert isinstance(said, Text)
    japanese = in_language(said, "ja")
    assert japanese != said
    assert not re.search("wanted|missing|found|failed|match| not|Not", japanese), japanese
