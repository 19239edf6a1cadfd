"""The records: what each refuses to be, since everything behind them relies on it."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import types
from harness.types import LIKERT_5, PASS_FAIL, PERCENT, UNIT, Generation, Message, RenderedPrompt, Scale, Verdict

RECORDS = [one for one in vars(types).values() if dataclasses.is_dataclass(one) and isinstance(one, type)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_is_frozen_slotted_and_keyword_only(record: type) -> None:
    """So that no plugin changes what another one reads, or swaps two fields."""
    parameters = record.__dataclass_params__  # type: ignore[attr-defined]
    assert parameters.frozen
    assert "__slots__" in vars(record)
    assert all(field.kw_only for field in dataclasses.fields(record))


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf")])
def test_a_score_is_a_number(score: float) -> None:
    """Nothing that a mean could be lost in."""
    with pytest.raises(ValueError, match="a score is a number"):
        Verdict.scored(score)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"status": "scored"}, "if and only if it is scored"),
        ({"status": "unscored", "score": 1.0, "reason": "x"}, "if and only if it is scored"),
        ({"status": "error"}, "says why"),
        ({"status": "unscored", "reason": ""}, "says why"),
        ({"status": "unscored", "reason": ["a"]}, "reason is text or None"),
        ({"status": "scored", "score": 1.0, "rationale": 3}, "rationale is text or None"),
    ],
)
def test_a_verdict_has_a_score_or_a_reason(fields: dict, message: str) -> None:
    """Never both, never neither."""
    with pytest.raises(ValueError, match=message):
        Verdict(**fields)


def test_the_three_constructors_keep_what_came_with_a_verdict() -> None:
    """The reply, the version and the cost of a failed call are as real as those of a good one."""
    about = {"raw": "4", "version": "m-1", "cost": 0.25}
    for verdict, status in (
        (Verdict.scored(4, **about), "scored"),  # type: ignore[arg-type]
        (Verdict.unscored("why", **about), "unscored"),  # type: ignore[arg-type]
        (Verdict.failed("why", **about), "error"),  # type: ignore[arg-type]
    ):
        assert (status, "4", "m-1", 0.25) == (verdict.status, verdict.raw, verdict.version, verdict.cost)
    assert isinstance(Verdict.scored(4).score, float)


@pytest.mark.parametrize("count", [-1, 2**63, 1.5, "3"])
def test_tokens_are_counted_or_unknown(count: object) -> None:
    """A count that no column holds, or that is none, is refused at once."""
    with pytest.raises(ValueError, match="tokens_out is a number of tokens or None"):
        Generation(request_key="k", text="x", tokens_out=count)  # type: ignore[arg-type]
    assert 0 == Generation(request_key="k", text="", tokens_in=0).tokens_in


@given(st.integers(0, 10))
def test_a_scale_allows_its_steps_alone(step: int) -> None:
    """Tenths are no binary fractions and are on the scale all the same; halves between them are not."""
    tenths = Scale(low=0, high=1, step=0.1)
    assert tenths.allows(step / 10)
    assert not tenths.allows(step / 10 + 0.05)
    assert (tenths.covers(step / 10 + 0.05), UNIT.allows(step / 10)) == (step < 10, True)


def test_pass_or_fail_is_what_has_two_values() -> None:
    """A scale of any value between 0 and 1 is none, and neither is 1 to 5."""
    assert [True, False, False, False] == [one.is_pass_fail for one in (PASS_FAIL, UNIT, LIKERT_5, PERCENT)]
    assert ["0-1", "1-5", "0-100"] == [str(one) for one in (UNIT, LIKERT_5, PERCENT)]


def test_a_prompt_as_text_is_all_its_messages() -> None:
    """One after the other."""
    messages = (Message(role="system", content="丁寧に。"), Message(role="user", content="質問"))
    assert "丁寧に。\n質問" == RenderedPrompt(messages=messages).text
