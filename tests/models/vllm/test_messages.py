"""What goes between the two processes arrives as it was."""

import io

import pytest

from harness.errors import HarnessError, ModelLoadError, OutOfMemoryError
from harness.locale import in_language, tr
from harness.models.child_process import Sender, received
from harness.models.vllm.engine import Said
from harness.models.vllm.messages import Came, Done, Start
from tests.models.vllm.test_engine import PLAN


def _sent(message: object) -> object:
    pipe = io.BytesIO()
    Sender(pipe).send(message)
    pipe.seek(0)
    return received(pipe)


def test_a_plan_and_what_came_of_a_sequence_arrive_whole() -> None:
    """With numbers that a pickle of records of other records could lose."""
    came = Came(place=3, said=Said(tokens=(5, 2), reason="stop", prompt_scores=(-0.5, float("-inf"))))
    assert (Start(plan=PLAN), came) == (_sent(Start(plan=PLAN)), _sent(came))


@pytest.mark.parametrize("kind", [ModelLoadError, OutOfMemoryError])
def test_an_error_arrives_with_its_kind_its_hint_and_words_in_any_language(kind: type[HarnessError]) -> None:
    """The process speaks no language of its own."""
    told = kind(tr("The engine vLLM ended: {error}", error="x"), hint=tr("Take the other engine: --engine hf."))
    done = _sent(Done(error=told))
    assert isinstance(done, Done)
    assert type(done.error) is kind
    assert done.error.message == told.message
    assert done.error.hint is not None
    assert told.hint == done.error.hint != in_language(done.error.hint, "ja")
