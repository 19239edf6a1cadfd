"""What plugins declare: the defaults, free and unknown prices, and who judged in runs of before."""

import dataclasses

import pytest

from harness import protocols
from harness.protocols import FREE, JudgeInfo, ModelInfo, Price, is_free, older_source
from harness.types import UNIT


def test_who_says_nothing_is_a_free_judge_of_quality_one_call_at_a_time() -> None:
    """The defaults are promises to plugin authors."""
    info = JudgeInfo(name="j", scale=UNIT, fingerprint="1")
    assert ("quality", None, {}, 1, 10, FREE, None, None) == (
        info.kind, info.scored_by, info.metrics, info.in_flight, info.give_up_after, info.price,
        info.requests_per_minute, info.variant,
    )  # fmt: skip
    model = ModelInfo(fingerprint="1")
    assert ({}, FREE, 1, None) == (model.details, model.price, model.in_flight, model.requests_per_minute)


def test_free_is_a_price_and_an_unknown_price_is_none() -> None:
    """Free costs 0, whatever nobody counted."""
    assert isinstance(FREE, Price)
    assert (0.0, 0.0, "FREE") == (FREE.cost(10, 10), FREE.cost(None, None), repr(FREE))


class Cents:
    """A cent a token, unless nobody counted."""

    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        return None if tokens_in is None or tokens_out is None else (tokens_in + tokens_out) / 100


def test_what_is_sold_by_the_token_is_not_free() -> None:
    """And neither is what nobody knows the price of."""
    assert [True, False, False] == [is_free(price) for price in (FREE, Cents(), None)]


@pytest.mark.parametrize(
    ("name", "source"),
    [("gemini", "model"), ("gemini:gemini-2.5 (tv.v1)", "model"), ("openai:x", "model"), ("geminize", None),
     ("rules", None), ("my-gemini", None)],
)  # fmt: skip
def test_runs_of_before_say_who_judged_by_the_name_alone(name: str, source: str | None) -> None:
    """A name that only begins alike is a stranger's."""
    assert source == older_source(name)


def test_kinds_and_sources_are_those_of_their_types() -> None:
    """In this order, which reports use."""
    assert ("quality", "checks", "similarity", "human") == protocols.KINDS
    assert ("model", "program", "file") == protocols.SOURCES
    assert all(field.kw_only for record in (JudgeInfo, ModelInfo) for field in dataclasses.fields(record))
