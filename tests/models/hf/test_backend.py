"""A local model from requests to answers: batches, memory that runs out, and what cannot be answered."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import HarnessError
from harness.models.hf import LocalModel, open_local
from harness.models.hf import forward_eager as steps_module
from harness.types import Generation, Message, ModelSpec, RenderedPrompt, Request
from tests.models.hf.local import PROMPTS, answers

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]


def test_a_short_answer_is_handed_over_before_a_long_one_ends(backend: LocalModel, ask: Ask) -> None:
    """Rows of one batch come as they end, so a crash loses only those still going."""
    order = [
        generation.tokens_out for generation in backend.generate([ask(PROMPTS[0], new=30), ask(PROMPTS[1], new=3)])
    ]
    assert [3, 30] == order


def test_seconds_add_up_to_the_wall_time(backend: LocalModel, ask: Ask) -> None:
    """Each row's seconds are its share of its batch's time."""
    began = time.perf_counter()
    found = answers(backend, [ask(prompt, new=40) for prompt in PROMPTS])
    wall = time.perf_counter() - began
    total = sum(generation.seconds or 0 for generation in found.values())
    assert 0.1 * wall < total <= wall


class Scarce:
    """A machine on which only so many rows fit."""

    def __init__(self, rows: int, error: BaseException) -> None:
        self.rows, self.error, self.tried = rows, error, []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        start = steps_module.EagerSteps.start

        def limited(steps: Any, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
            self.tried.append(len(prompts))
            if len(prompts) > self.rows:
                raise self.error
            return start(steps, prompts)

        monkeypatch.setattr(steps_module.EagerSteps, "start", limited)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_halves_the_batch_and_goes_on(
    backend: LocalModel, ask: Ask, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Every request is answered, with the same text, and the report says so."""
    requests = [ask(f"{index} {PROMPTS[1]}") for index in range(7)]
    expected = {key: generation.text for key, generation in answers(backend, requests).items()}
    scarce = Scarce(2, error)
    scarce.install(monkeypatch)
    found = {key: generation.text for key, generation in answers(backend, requests).items()}
    assert expected == found
    assert [7, 4, 2] == scarce.tried[:3]
    assert max(scarce.tried[3:]) <= 2, "the others enter as places become free"
    assert any("7 rows ran out of memory" in notice for notice in backend.notices())


def test_a_row_that_does_not_fit_alone_fails_alone(
    backend: LocalModel, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recorded as failed; nothing is raised."""
    Scarce(0, torch.OutOfMemoryError("CUDA out of memory")).install(monkeypatch)
    found = answers(backend, [ask(PROMPTS[0]), ask(PROMPTS[1])])
    assert {"out of memory, alone in its batch"} == {str(generation.error) for generation in found.values()}


def refuse(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Have memory run out as rows enter, so many times; return how many were to enter each time."""
    admit, tried = steps_module.EagerSteps.admit, list[int]()

    def limited(steps: Any, places: Sequence[int], prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        tried.append(len(prompts))
        if len(tried) <= times:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return admit(steps, places, prompts)

    monkeypatch.setattr(steps_module.EagerSteps, "admit", limited)
    return tried


def test_memory_that_runs_out_as_rows_enter_halves_what_was_going(
    tiny: Path, spec_of: SpecOf, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that had begun are answered all the same, once, with the text that they have alone."""
    requests = [ask(f"{index} {PROMPTS[index % 4]}", new=3 + 9 * (index % 3)) for index in range(12)]
    alone = open_local(spec_of(f"hf:{tiny}", settings={"max_batch_rows": 1}))
    expected = {key: generation.text for key, generation in answers(alone, requests).items()}
    model = open_local(spec_of(f"hf:{tiny}", settings={"max_batch_rows": 4}))
    tried = refuse(monkeypatch, 1)
    found = list(model.generate(requests))
    assert len(found) == 12
    assert expected == {generation.request_key: generation.text for generation in found}
    assert len(tried) > 1
    assert ["batch_halved"] == [notice.code for notice in model.notices() if notice.code != "batch_plan"]


def test_a_row_that_does_not_fit_where_another_ended_fails_alone(
    tiny: Path, spec_of: SpecOf, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no other than it: the one that was answered before has its answer."""
    requests = [ask(prompt, new=4) for prompt in PROMPTS]
    model = open_local(spec_of(f"hf:{tiny}", settings={"max_batch_rows": 1}))
    refuse(monkeypatch, 1)
    found = [generation.error for generation in model.generate(requests)]
    assert [None, "out of memory, alone in its batch", None, None] == found


def test_other_runtime_errors_are_not_mistaken_for_scarcity(
    backend: LocalModel, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault is a fault."""
    Scarce(0, RuntimeError("mat1 and mat2 shapes cannot be multiplied")).install(monkeypatch)
    with pytest.raises(RuntimeError, match="mat1"):
        list(backend.generate([ask(PROMPTS[0])]))


def test_a_consumer_that_stops_early_stops_the_work(backend: LocalModel, ask: Ask) -> None:
    """Closing the iterator leaves the model usable."""
    running: Iterator[Generation] = backend.generate([ask(prompt, new=30) for prompt in PROMPTS])
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert 4 == len(answers(backend, [ask(prompt, new=3) for prompt in PROMPTS]))


def test_a_chat_prompt_without_a_chat_template_is_a_clear_error_after_the_other_answers(
    backend: LocalModel, ask: Ask
) -> None:
    """What can be answered is answered first."""
    running = backend.generate([ask("a"), ask("b", format="chat")])
    assert "key of a {} 0" == next(running).request_key
    with pytest.raises(HarnessError, match="no chat template") as caught:
        next(running)
    assert "course.v1" in str(caught.value.hint)


def test_a_message_list_is_joined(backend: LocalModel, ask: Ask) -> None:
    """A text prompt of several messages is their contents, one after the other."""
    one = ask("あ\nい", key="one")
    two = dataclasses.replace(
        one,
        key="two",
        rendered=RenderedPrompt(messages=(Message(role="system", content="あ"), Message(role="user", content="い"))),
    )
    found = answers(backend, [one, two])
    assert found["one"].text == found["two"].text
