"""What a model can do, by its methods: nothing is asked of one that lacks them."""

from collections.abc import Iterator, Sequence

import pytest

from harness.protocols import (
    AnswerFile,
    GivesNotices,
    KnowsTrainingPrompt,
    MeetsTasks,
    NeedsMachine,
    ScoresWords,
    ShowsTokens,
)
from harness.types import Generation, PromptContract, RenderedPrompt, Request, Sample

DOORS = (AnswerFile, MeetsTasks, ShowsTokens, KnowsTrainingPrompt, NeedsMachine, GivesNotices, ScoresWords)


class Plain:
    """A model with nothing but what every model has."""

    fingerprint = "1"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        return iter(())


class File(Plain):
    """Answers that exist already."""

    def check_ids(self, task: str, sample_ids: Sequence[str]) -> None: ...


class ForeignFile(File):
    """Answers that find their tasks."""

    repeats = 2

    def meet(self, task: str, samples: Sequence[Sample]) -> Sequence[str]:
        return ()


class Local(Plain):
    """A model of which the tokens can be seen."""

    def tokens(self, prompt: RenderedPrompt) -> Sequence[tuple[int, str]]:
        return ()


class Adapter(Local):
    """One that was trained here, and says what it noticed."""

    def training_prompt(self) -> PromptContract | None:
        return None

    def notices(self) -> Sequence[str]:
        return ()


@pytest.mark.parametrize(
    ("model", "able"),
    [
        (Plain(), ()),
        (File(), (AnswerFile,)),
        (ForeignFile(), (AnswerFile, MeetsTasks)),
        (Local(), (ShowsTokens,)),
        (Adapter(), (ShowsTokens, KnowsTrainingPrompt, GivesNotices)),
    ],
)
def test_a_model_is_what_it_can_do(model: object, able: tuple[type, ...]) -> None:
    """A narrower door includes the wider ones, and no method makes it another one by chance."""
    assert able == tuple(door for door in DOORS if isinstance(model, door))


def test_a_method_that_is_missing_is_not_forgiven() -> None:
    """An object with `check_ids` alone answers nothing."""

    class Half:
        def check_ids(self, task: str, sample_ids: Sequence[str]) -> None: ...

    assert not isinstance(Half(), AnswerFile)
