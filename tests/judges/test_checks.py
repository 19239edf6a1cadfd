"""Every rule type: what it finds in an answer, and rules that make no sense."""

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.types import Verdict
from judges.checks import TYPES
from tests.judges.rule_cases import CASES, OFF, refusal, verdict
from tests.patience import PATIENCE


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


def test_null_parameters_count_as_absent_and_whole_floats_as_whole() -> None:
    """A Parquet struct column gives every rule the keys of all rules, with nulls, and integers as floats."""
    rule = {"type": "exactly_n_items", "n": 2.0, "min": None, "any": None, "off": None}
    assert verdict("・赤\n・青", rule, **OFF).score == 1


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


@pytest.mark.parametrize("pattern", [r"(.*){1,32000}[bc]", r"((a{1,1000}){1,1000}){1,1000}b", "(?R)"])
def test_a_pattern_that_explodes_leaves_the_answer_unscored(pattern: str) -> None:
    """A pattern that would run for ever ends in time, and its answer gets no score."""
    start = time.perf_counter()
    found = verdict("a" * 5000, {"type": "regex", "pattern": pattern})
    assert time.perf_counter() - start < PATIENCE
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
