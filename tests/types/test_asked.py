"""Specs: whether a label was chosen, and when two evaluations are the same."""

from dataclasses import replace

import pytest

from harness.types import EvalSpec, JudgeSpec, ModelSpec, Sampling, TaskSpec

SPEC = EvalSpec(
    models=(ModelSpec(text="echo", label="echo", backend="echo"),),
    prompts=("course.v1",),
    tasks=(TaskSpec(name="bundled:ja-mini"),),
    judges=(JudgeSpec(text="rules", name="rules"),),
)


@pytest.mark.parametrize(("label", "chosen"), [("echo", False), ("mine", True), ("Echo", True)])
def test_a_label_is_chosen_unless_it_is_the_spec(label: str, chosen: bool) -> None:
    """As it was typed, letter by letter."""
    assert chosen == replace(SPEC.models[0], label=label).is_labelled


def test_the_defaults_are_those_of_the_contract() -> None:
    """What nobody says is what the documentation promises."""
    assert Sampling(max_new_tokens=512, temperature=0.0, repetition_penalty=1.2, seed=0) == SPEC.sampling
    assert (1, None, None, None, 0.95) == (  # verdicts on an answer: as many as each judge needs
        SPEC.repeats, SPEC.judge_repeats, SPEC.limit, SPEC.baseline, SPEC.confidence,
    )  # fmt: skip


def test_equal_specs_are_the_same_run() -> None:
    """By value: another order of models is another board."""
    assert replace(SPEC, sampling=Sampling()) == SPEC
    two = replace(SPEC, models=(*SPEC.models, replace(SPEC.models[0], label="b")))
    assert replace(two, models=two.models[::-1]) != two
