"""The generation loop against transformers' own, on a tiny random Llama in float32."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from harness.errors import HarnessError
from harness.models.hf import LocalModel, open_local
from harness.models.hf import forward_eager as steps_module
from harness.models.hf.decoding import Answer, decode
from harness.models.hf.progress import TokenMeter
from harness.tasks.bundled import open_bundled
from harness.types import Generation, Message, ModelSpec, RenderedPrompt, Request, TaskSpec

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]

PROMPTS = [
    f"### 指示\n{text}\n### 回答\n"
    for text in ("日本の首都は？", "猫について三つ挙げてください。", "はい", "hello world")
]


def answers(model: LocalModel, requests: Sequence[Request]) -> dict[str, Generation]:
    """Return what a model generates, by request key."""
    return {generation.request_key: generation for generation in model.generate(requests)}


@pytest.fixture(scope="module")
def backend(tiny: Path, spec_of: SpecOf) -> LocalModel:
    return open_local(spec_of(f"hf:{tiny}"))


@pytest.fixture(scope="module")
def reference(tiny: Path) -> Callable[..., list[int]]:
    """Return what transformers' ``generate`` gives for one prompt alone."""
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tiny)

    def generate(prompt: str, new: int, penalty: float) -> list[int]:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        config = GenerationConfig(
            do_sample=False, max_new_tokens=new, repetition_penalty=penalty, eos_token_id=2, pad_token_id=3
        )
        return model.generate(input_ids=ids, generation_config=config)[0, ids.shape[1] :].tolist()

    return generate


@pytest.mark.parametrize("penalty", [1.0, 1.2])
def test_a_batch_gives_what_transformers_gives_one_at_a_time(
    backend: LocalModel, reference: Callable[..., list[int]], ask: Ask, tiny: Path, penalty: float
) -> None:
    """Padding, batching and dropping finished rows change no greedy token."""
    requests = [ask(prompt, new=5 + 7 * index, penalty=penalty) for index, prompt in enumerate(PROMPTS)]
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    found = answers(backend, requests)
    for request in requests:
        tokens = reference(request.sample_id, request.sampling.max_new_tokens, penalty)
        expected = tokenizer.decode(tokens, skip_special_tokens=True)
        assert expected == found[request.key].text
        assert len(tokens) == found[request.key].tokens_out


def test_one_at_a_time_gives_what_a_batch_gives(tiny: Path, spec_of: SpecOf, ask: Ask, backend: LocalModel) -> None:
    """The answer to a prompt does not depend on its neighbours."""
    requests = [ask(prompt, new=24) for prompt in PROMPTS]
    alone = open_local(spec_of(f"hf:{tiny}", settings={"max_batch_rows": 1}))
    expected = {key: generation.text for key, generation in answers(alone, requests).items()}
    assert expected == {key: generation.text for key, generation in answers(backend, requests).items()}
    assert "1×" in alone.batch_plan
    assert (
        f"4×{max(generation.tokens_in or 0 for generation in answers(backend, requests).values())}"
        in backend.batch_plan
    )


def test_the_penalty_ignores_padding(tiny: Path, spec_of: SpecOf, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A padded row is not penalised for its padding, even where the padding token is the one that it would say."""
    alone = open_local(spec_of(f"hf:{tiny}", settings={"max_batch_rows": 1}))
    (first,) = alone.generate([ask("はい", new=1)])
    base = alone._base()
    (said,) = raw_answers(alone, [ask("はい", new=1)])[first.request_key].tokens
    padded_alike = open_local(spec_of(f"hf:{tiny}"))
    monkeypatch.setattr(padded_alike, "_base", lambda: dataclasses.replace(base, pad=said))
    found = answers(padded_alike, [ask("はい", new=1), ask("はい" * 9, new=1)])
    assert first.text == found[first.request_key].text


def test_an_end_token_stops_a_row_and_is_no_part_of_the_text(
    tiny: Path, spec_of: SpecOf, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row ends by itself, with its end token counted and not shown; the others go on."""
    backend = open_local(spec_of(f"hf:{tiny}"))
    requests = [ask(prompt, new=20) for prompt in PROMPTS]
    free = {key: tokens_of(answer) for key, answer in raw_answers(backend, requests).items()}
    end = free[requests[0].key][2]
    base = dataclasses.replace(backend._base(), end=frozenset({end}))
    monkeypatch.setattr(backend, "_base", lambda: base)
    for key, generation in answers(backend, requests).items():
        kept = [*itertools.takewhile(lambda token: token != end, free[key])]
        assert base.encoder.decode(kept) == generation.text
        expected = ("stop", len(kept) + 1) if len(kept) < 20 else ("length", 20)
        assert expected == (generation.finish_reason, generation.tokens_out)


def raw_answers(backend: LocalModel, requests: Sequence[Request]) -> dict[str, Answer]:
    """Return the loop's own answers, with token ids."""
    base = backend._base()
    rows, _, _ = backend._encode(base, requests)
    meter = TokenMeter("test", len(rows), sum(row.limit for row in rows))
    steps = steps_module.EagerSteps(base.model, base.pad)
    return {answer.row.request.key: answer for answer in decode(rows, steps, base.encoder, base.end, meter)}


def tokens_of(answer: Answer) -> list[int]:
    """Return an answer's token ids."""
    return list(answer.tokens)


def test_a_stop_string_cuts_the_answer(backend: LocalModel, ask: Ask) -> None:
    """The text ends before the first stop string, and the reason is "stop"."""
    (free,) = backend.generate([ask(PROMPTS[0], new=20)])
    text = str(free.text)
    stop = text[6:8]
    (stopped,) = backend.generate([ask(PROMPTS[0], key="stopped", new=20, stop=(stop,))])
    assert text[: text.index(stop)] == stopped.text
    assert "stop" == stopped.finish_reason
    assert (stopped.tokens_out or 0) < (free.tokens_out or 0)


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
    assert 0.4 * wall < total <= wall


def test_the_answer_never_holds_the_prompt(backend: LocalModel, ask: Ask) -> None:
    """Only new tokens are decoded."""
    for generation in backend.generate([ask(f"{prompt} XQZ") for prompt in PROMPTS]):
        assert "XQZ" not in str(generation.text)
        assert 12 == generation.tokens_out


def test_a_prompt_longer_than_the_context_is_an_error_of_that_row(backend: LocalModel, ask: Ask) -> None:
    """The others are answered; an answer that reaches the end of the context stops there by length."""
    found = answers(
        backend, [ask("長" * 300, key="long"), ask("x " * 120, key="near", new=200), ask("はい", key="short")]
    )
    assert "the prompt has 9" in str(found["long"].error)
    assert found["long"].text is None
    assert found["short"].error is None
    near = found["near"]
    assert ("length", 256) == (near.finish_reason, (near.tokens_in or 0) + (near.tokens_out or 0))


def test_a_prompt_without_tokens_is_an_error_of_that_row(backend: LocalModel, ask: Ask) -> None:
    """There is nothing to continue."""
    (found,) = backend.generate([ask("", bos="never")])
    assert ("error", "the prompt has no tokens") == (found.finish_reason, found.error)


def test_scores_that_are_no_numbers_are_an_error_not_an_answer(
    backend: LocalModel, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """float16 that overflows must not become text; the row beside it is answered."""
    forward = steps_module.EagerSteps._forward

    def broken(self: Any, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        scores = forward(self, ids, positions).clone()
        if len(scores) > 1:
            scores[0] = float("nan")
        return scores

    monkeypatch.setattr(steps_module.EagerSteps, "_forward", broken)
    found = answers(backend, [ask("はい" * 9, key="longer"), ask("はい", key="shorter")])
    assert "not numbers in float32" in str(found["longer"].error)
    assert found["shorter"].text


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
    assert [7, 4, 2, 2, 3, 2, 1] == scarce.tried
    assert any("7 rows ran out of memory" in notice for notice in backend.notices())


def test_a_row_that_does_not_fit_alone_fails_alone(
    backend: LocalModel, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recorded as failed; nothing is raised."""
    Scarce(0, torch.OutOfMemoryError("CUDA out of memory")).install(monkeypatch)
    found = answers(backend, [ask(PROMPTS[0]), ask(PROMPTS[1])])
    assert {"out of memory, alone in its batch"} == {str(generation.error) for generation in found.values()}


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


def test_equal_requests_give_equal_answers_under_temperature_whatever_the_batch(
    tiny: Path, spec_of: SpecOf, ask: Ask, backend: LocalModel
) -> None:
    """Each row draws from its own stream, seeded by its key, its seed and its repeat."""
    hot = [ask(prompt, new=16, temperature=1.0) for prompt in PROMPTS]
    together = answers(backend, hot)
    alone = open_local(spec_of(f"hf:{tiny}", settings={"max_batch_rows": 1}))
    assert {key: generation.text for key, generation in answers(alone, hot).items()} == {
        key: generation.text for key, generation in together.items()
    }
    other = answers(backend, [ask(PROMPTS[0], new=16, temperature=1.0, seed=1)])
    assert together[hot[0].key].text != other[hot[0].key].text


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


@pytest.mark.slow
def test_the_embedded_model_gives_the_same_tokens_in_a_batch(embedded: str, spec_of: SpecOf, ask: Ask) -> None:
    """In float32, for bundled tasks of unlike length (bench/cpu_generate.py does all 40: 40 of 40 alike)."""
    samples = list(open_bundled(TaskSpec(name="bundled:ja-mini")).samples())[::5]
    requests = [ask(f"### 指示\n{sample.input}\n### 回答\n", new=12) for sample in samples]
    together = answers(open_local(spec_of(embedded)), requests)
    alone = answers(open_local(spec_of(embedded, settings={"max_batch_rows": 1})), requests)
    assert {key: answer.text for key, answer in alone.items()} == {key: answer.text for key, answer in together.items()}
