"""A worker: opens what it is told to, refuses what is something else there, and says what it could not do."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.models.child_process import Sender, received
from harness.models.hf import open_local
from harness.models.hf.crew.channel import Answered, AtWork, Finished, Order
from harness.models.hf.crew.worker import Worker
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]


def _said(order: Order) -> list[Any]:
    pipe = io.BytesIO()
    Worker(Sender(pipe)).carry_out(order)
    pipe.seek(0)
    messages = []
    while pipe.tell() < len(pipe.getvalue()):
        messages.append(received(pipe))
    return messages


def test_an_order_is_answered_and_ended_with_what_is_to_be_said_of_the_model(
    tiny: Path, spec_of: Callable[..., ModelSpec], ask: Ask
) -> None:
    spec = spec_of(f"hf:{tiny}")
    requests = (ask("日本", new=3), ask("猫", new=3))
    *answered, at_work, finished = _said(
        Order(label="m", spec=spec, fingerprint=open_local(spec).fingerprint, requests=requests)
    )
    assert {message.generation.request_key for message in answered if isinstance(message, Answered)} == {
        request.key for request in requests
    }
    assert isinstance(at_work, AtWork)
    assert at_work.tokens >= 6
    assert isinstance(finished, Finished)
    assert finished.stopped is None
    assert "batch_plan" in [notice.code for notice in finished.notices]


def test_a_model_that_is_another_one_here_answers_nothing(
    tiny: Path, spec_of: Callable[..., ModelSpec], ask: Ask
) -> None:
    (_, finished) = _said(Order(label="m", spec=spec_of(f"hf:{tiny}"), fingerprint="other", requests=(ask("猫"),)))
    assert "m is not the same here" in finished.stopped


def test_a_model_that_cannot_be_opened_is_told_of(spec_of: Callable[..., ModelSpec], ask: Ask) -> None:
    (_, finished) = _said(Order(label="m", spec=spec_of("hf:/no/such"), fingerprint="f", requests=(ask("猫"),)))
    assert "/no/such" in finished.stopped
