"""A certificate in a line: in both languages, with the figures that it has, and with none that it has not."""

import pytest

from reports.parity import certificate_text, provenance_value
from reports.wording import words

ENTRY = {
    "verdict": "equal",
    "engine": "vllm 0.27.1",
    "prompts": 8,
    "mean": 0.0123,
    "limit_mean": 0.0456,
    "p99": 0.09,
    "limit_p99": 0.3,
    "parted": 2,
    "share": 0.987,
    "share_low": 0.95,
    "share_high": 1.021,
}


def test_a_certificate_is_a_sentence_with_its_figures() -> None:
    """Two digits of a difference, whole percents of an adapter."""
    assert certificate_text(ENTRY, words("en")) == (
        "vllm 0.27.1 computes what transformers does; log-probabilities differ by 0.012 in the mean (0.046 allowed), "
        "by 0.09 at the 99th percentile (0.3); greedy texts part in 2 of 8; 99 % of the adapter's effect (95–102)"
    )
    said = certificate_text(ENTRY, words("ja"))
    assert "vllm 0.27.1 の計算はtransformersと一致" in said
    assert "アダプターの効果の 99 %（95～102）" in said


def test_of_an_adapter_that_only_began_some_answers_it_says_of_how_many_they_part() -> None:
    """What was certified before that was told is of all prompts."""
    assert "greedy texts part in 1 of 2;" in certificate_text(ENTRY | {"parted": 1, "answered": 2}, words("en"))


def test_a_base_has_no_share_and_a_refusal_says_so() -> None:
    """None is no number; nothing is made up for what is not there."""
    said = certificate_text(ENTRY | {"share": None, "verdict": "refused"}, words("en"))
    assert said.startswith("vllm 0.27.1 does not compute")
    assert "adapter" not in said
    assert "vllm 0.27.1 computes what transformers does" == certificate_text(
        {"verdict": "equal", "engine": "vllm 0.27.1"}, words("en")
    )


@pytest.mark.parametrize(("key", "value"), [("models", {"a": 1}), ("parity", "text")])
def test_other_entries_stay_as_they_are(key: str, value: object) -> None:
    """Only what is a certificate is put into words."""
    assert provenance_value(key, value, words("en")) in {"a 1", "text"}
