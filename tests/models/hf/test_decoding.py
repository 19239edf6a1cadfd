"""The generation loop against transformers' own, on a tiny random Llama in float32."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from harness.models.hf import LocalModel, open_local
from harness.models.hf import forward_eager as steps_module
from harness.models.hf.decoding import Decoded, decode
from harness.models.hf.progress import TokenMeter
from harness.tasks.bundled import open_bundled
from harness.types import ModelSpec, Request, TaskSpec
from tests.models.hf.local import PROMPTS, answers

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]


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


def raw_answers(backend: LocalModel, requests: Sequence[Request]) -> dict[str, Decoded]:
    """Return the loop's own answers, with token ids."""
    base = backend._base()
    rows, _, _ = backend._encode(base, requests)
    meter = TokenMeter("test", len(rows), sum(row.limit for row in rows))
    steps = steps_module.EagerSteps(base.model, base.pad)
    return {answer.row.request.key: answer for answer in decode(rows, steps, base.encoder, base.end, meter)}


def tokens_of(answer: Decoded) -> list[int]:
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


@pytest.mark.slow
def test_the_embedded_model_gives_the_same_tokens_in_a_batch(embedded: str, spec_of: SpecOf, ask: Ask) -> None:
    """In float32, for bundled tasks of unlike length (bench/cpu_generate.py does all 40: 40 of 40 alike)."""
    samples = list(open_bundled(TaskSpec(name="bundled:ja-mini")).samples())[::5]
    requests = [ask(f"### 指示\n{sample.input}\n### 回答\n", new=12) for sample in samples]
    together = answers(open_local(spec_of(embedded)), requests)
    alone = answers(open_local(spec_of(embedded, settings={"max_batch_rows": 1})), requests)
    assert {key: answer.text for key, answer in alone.items()} == {key: answer.text for key, answer in together.items()}
