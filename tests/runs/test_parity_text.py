"""Reasons in words: each of them, in both languages, with its figures."""

from dataclasses import replace
from typing import get_args

import pytest

from harness.analysis.parity import Certificate, ModelParity, Parted, Reason
from harness.locale import LANGUAGES, in_language
from harness.runs.parity_text import reason_texts

MODEL = ModelParity(
    label="mine",
    n=40,
    mean=0.5,
    p99=0.75,
    largest=2.0,
    parted=1,
    answered=8,
    worst=Parted(prompt=0, place=3, gap=1.25),
    effect=0.375,
    share=0.02,
    unlike=("dtype",),
    nearer="yours",
)
FOUND = Certificate(
    engine="other 1.0",
    prompts=8,
    tokens=40,
    floor_mean=0.1,
    floor_p99=0.2,
    limit_mean=0.3,
    limit_p99=0.6,
    limit_greedy=0.9,
    models=(MODEL,),
)
FIGURES = {
    "settings": ("dtype",),
    "prompt": (),
    "not_numbers": (),
    "few_tokens": ("40", "50"),
    "difference": ("0.5", "0.3"),
    "tail": ("0.75", "0.6"),
    "greedy": ("1.2", "0.9"),
    "ended": (),
    "adapter_lost": ("2 %",),
    "adapter_strength": ("2 %",),
    "adapter_unclear": ("0.38", "80 %", "125 %"),
    "other_model": ("yours",),
}


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_has_words_with_its_figures(reason: Reason) -> None:
    """In English and in Japanese, which differ."""
    (text,) = reason_texts(replace(MODEL, reasons=(reason,)), FOUND)
    said = [in_language(text, language) for language in LANGUAGES]
    assert all(figure in one for one in said for figure in FIGURES[reason])
    assert len({*said}) == len(LANGUAGES)


def test_an_equal_model_has_no_reasons() -> None:
    """Nothing is said of it."""
    assert [] == reason_texts(MODEL, FOUND)


def test_no_percent_is_minus_zero() -> None:
    """A share of -0.001 is none."""
    (text,) = reason_texts(replace(MODEL, share=-0.001, reasons=("adapter_lost",)), FOUND)
    assert ": 0 % of" in text
