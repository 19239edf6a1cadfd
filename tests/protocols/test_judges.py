"""What a judge can do, by its methods."""

import pytest

from harness.protocols import names_prompts, prompts_share
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
