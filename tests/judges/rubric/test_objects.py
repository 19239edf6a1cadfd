"""JSON objects in a judge's reply, among prose and inside strings."""

import json
import time

from hypothesis import given
from hypothesis import strategies as st

from judges.rubric import parse
from tests.patience import PATIENCE


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Z"], exclude_characters="{}")), st.integers(1, 5))
def test_any_reason(reason: str, score: int) -> None:
    """Whatever the judge writes into its reason, its own score is read."""
    reply = json.dumps({"reason": reason, "score": score}, ensure_ascii=False)
    assert (score, score) == (parse(reply, form="json").score, parse(reply).score)


@given(st.recursive(st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner)), st.integers(1, 5))
def test_a_quotation_inside_a_string_is_no_verdict(anything: object, score: int) -> None:
    """JSON that is quoted in the reason, whatever it is, changes nothing."""
    quoted = json.dumps({"score": 6 - score, "x": anything})
    reply = json.dumps({"reason": f"回答は {quoted} と書く", "score": score})
    assert score == parse(reply, form="json").score


def test_hostile_objects_are_read_in_linear_time() -> None:
    """Long keys, values, lists and strings of an object cost no more than their length."""
    for inside in ("a" * 290_000, "1" * 290_000, "\\\\" * 140_000, "5/" * 140_000, "10点満点" * 50_000):
        for reply in (f'{{"score": 4, "x": "{inside}"}}', f'{{"{inside}": 4}}', f'{{"score": "{inside}"}}'):
            start = time.process_time()
            parse(reply)
            assert time.process_time() - start < PATIENCE
    pairs = ", ".join(f'"k{number}": {number}' for number in range(20_000))
    start = time.process_time()
    parse(f'{{"score": 4, {pairs}, "list": [{"1," * 20_000} 1]}}')
    assert time.process_time() - start < PATIENCE
