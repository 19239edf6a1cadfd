"""What plugins may be: the defaults of what they declare, and what an object can do by its methods."""

import dataclasses

import pytest

from harness import protocols
from harness.protocols import FREE, JudgeInfo, ModelInfo, Price, names_prompts, older_source, prompts_share
from harness.types import UNIT, Generation, Sample, Verdict


class Plain:
    """A judge with nothing but what every judge has."""

    name, scale, fingerprint = "plain", UNIT, "1"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        return Verdict.scored(1)


class ByModel(Plain):
    """Ratings of models."""

    def for_model(self, label: str) -> Plain:
        return self


class ByPrompt(ByModel):
    """Ratings that may name prompts, and do not for the model ``both``."""

    def __init__(self, *, names: bool) -> None:
        self.names_prompts = names

    def rates_alike(self, label: str) -> bool:
        return label == "both"


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


@pytest.mark.parametrize(
    ("judge", "names", "shared"),
    [
        (Plain(), False, [False, False]),
        (ByModel(), False, [True, True]),
        (ByPrompt(names=False), False, [True, True]),
        (ByPrompt(names=True), True, [False, True]),
    ],
)
def test_who_can_tell_prompts_apart(judge: object, names: bool, shared: list[bool]) -> None:
    """A judge of texts can; ratings can if their rows name the prompt for this model."""
    assert (names, shared) == (names_prompts(judge), [prompts_share(judge, label) for label in ("one", "both")])


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
