"""Decoding with fixed buffers: the bookkeeping on any machine, the captured graphs on a GPU."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from harness.models.hf import backend, open_local
from harness.models.hf.forward_cuda_graph import CaptureError, GraphSteps, can_capture, rounded
from harness.models.hf.forward_eager import EagerSteps
from harness.models.hf.refilling import placed
from harness.types import ModelSpec, Request

PROMPTS = [[1, *range(20, 120)], [1, 300, 301], [1, *range(50, 90)], [1, 7]]


class Replay:
    """Stands in for a captured graph on a machine without a GPU: it runs the pass that would have been captured.

    What a graph would find changed under it is an error: it has the addresses and sizes of its capture.
    """

    def __init__(self, steps: GraphSteps) -> None:
        self.steps = steps
        self.captured = self.frozen()

    def frozen(self) -> list[tuple[int, torch.Size]]:
        """Return where the tensors lie that a pass reads and writes."""
        steps = self.steps
        read = [steps._tokens, steps._positions, steps._mask[..., : steps._visible], steps._slots]
        kept = [tensor for layer in steps._cache.layers for tensor in (layer.keys, layer.values, layer.slots)]
        return [(tensor.data_ptr(), tensor.shape) for tensor in read + kept]

    def replay(self) -> torch.Tensor:
        assert self.captured == self.frozen()
        return self.steps._forward()


def uncaptured(steps: GraphSteps) -> Any:
    """Take the place of the capture."""
    return Replay(steps)


@pytest.fixture(scope="module")
def model(tiny: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32, attn_implementation="sdpa").eval()


def run(steps: Any, passes: int, drop: dict[int, Sequence[int]]) -> list[torch.Tensor]:
    """Return the scores of each pass of a greedy decoding that drops rows on the way."""
    scores = [steps.start(PROMPTS)]
    for number in range(passes):
        tokens = scores[-1].argmax(dim=-1)
        if number in drop:
            steps.keep(drop[number])
            tokens = tokens[torch.tensor(drop[number], device=tokens.device)]
        scores.append(steps.step(tokens).clone())
    return scores


def test_buffers_that_grow_and_lose_rows_give_what_a_plain_cache_gives(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prompts of unlike length, 60 passes across a buffer's end, rows dropped before and after it grew."""
    monkeypatch.setattr(GraphSteps, "_capture", uncaptured)
    drop = {5: [0, 1, 3], 40: [1, 2]}
    expected = run(EagerSteps(model, 3), 60, drop)
    found = run(GraphSteps(model, 3, 100), 60, drop)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_rows_that_enter_find_nothing_of_who_was_there(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even numbers that are none; and a pass that was captured before serves again for them."""
    captures: list[int] = []

    def capture(steps: GraphSteps) -> Any:
        captures.append(steps._visible)
        return uncaptured(steps)

    monkeypatch.setattr(GraphSteps, "_capture", capture)
    newcomers = [[1, *range(60, 70)], [1, 8, 9]]
    steps, alone = GraphSteps(model, 3, 200), EagerSteps(model, 3)
    tokens = steps.start(PROMPTS).argmax(dim=-1)
    for _ in range(40):
        tokens = steps.step(tokens).argmax(dim=-1)
    for place in (0, 2):
        steps.rest(place)
        with torch.inference_mode():
            for layer in steps._cache.layers:
                layer.keys[place], layer.values[place] = torch.nan, torch.nan
    tokens = placed(tokens, [2, 0], steps.admit([2, 0], newcomers).argmax(dim=-1))
    expected = [alone.start(newcomers)]
    for _ in range(30):
        expected.append(alone.step(expected[-1].argmax(dim=-1)))
        scores = steps.step(tokens)
        tokens = scores.argmax(dim=-1)
        torch.testing.assert_close(scores[[2, 0]], expected[-1], rtol=1e-4, atol=1e-4)
    assert captures == [128, 256]


def test_a_row_that_has_ended_stays_where_it_is(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may ride along for longer than its buffers and the model's positions reach; the others show what they need."""
    monkeypatch.setattr(GraphSteps, "_capture", uncaptured)
    steps = GraphSteps(model, 3, 20)
    tokens = steps.start([[1, *range(20, 140)], [1, 7]]).argmax(dim=-1)
    steps.rest(0)
    steps.rest(1)
    tokens = placed(tokens, [1], steps.admit([1], [[1, 9]]).argmax(dim=-1))
    for _ in range(100):
        tokens = steps.step(tokens).argmax(dim=-1)
    assert steps._positions.flatten().tolist() == [120, 101]
    assert steps._visible == 128


def test_a_model_that_asks_for_the_caches_length_is_not_captured(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A length read while capturing would stay what it was then, without any error."""
    monkeypatch.setattr(GraphSteps, "_capture", uncaptured)
    steps = GraphSteps(model, 3, 100)
    tokens = steps.start(PROMPTS).argmax(dim=-1)
    steps.step(tokens)
    with pytest.raises(CaptureError):
        steps._cache.get_seq_length()
    with pytest.raises(CaptureError):
        steps._cache.get_mask_sizes(1, 0)


def test_prompts_are_read_into_the_buffers_and_nowhere_else(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores are those of a cache that grows, to the bit, with padding and without; each layer has its two buffers."""
    for prompts in (PROMPTS, PROMPTS[:1]):
        steps = GraphSteps(model, 3, 100)
        assert torch.equal(EagerSteps(model, 3).start(prompts), steps.start(prompts))
        assert {tuple(layer.keys.shape[::2]) for layer in steps._cache.layers} == {(len(prompts), rounded(200))}
        assert all(bool((layer.values[:, :, 101:] == 0).all()) for layer in steps._cache.layers)


def test_rows_are_dropped_once_half_are_done(model: Any) -> None:
    """A new capture costs as much as a few passes."""
    steps = GraphSteps(model, 3, 100)
    assert [True, True, False, False] == [steps.worth_dropping(live, 4) for live in (1, 2, 3, 4)]


def test_nothing_is_captured_without_a_gpu(model: Any) -> None:
    """The plain way is taken."""
    assert not can_capture(model)


class Troubled:
    """Captures that fail."""

    def __init__(self, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
        self.captures = 0

        def fail(_: GraphSteps) -> None:
            self.captures += 1
            raise error

        monkeypatch.setattr(GraphSteps, "_capture", fail)
        monkeypatch.setattr(backend, "can_capture", lambda _: True)


@pytest.mark.parametrize(
    ("error", "captures", "notice"),
    [
        (
            CaptureError("the model asks for the cache's length"),
            1,
            "were not used: the model asks for the cache's length",
        ),
        (torch.OutOfMemoryError("CUDA out of memory"), 2, "were given up: out of memory with one row"),
    ],
)
def test_a_model_that_cannot_be_captured_is_decoded_without(
    tiny: Path,
    spec_of: Callable[..., ModelSpec],
    ask: Callable[..., Request],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    captures: int,
    notice: str,
) -> None:
    """The answers are those of plain passes, and the report says so."""
    requests = [ask("はい", new=6), ask("猫", new=6)]
    expected = {answer.request_key: answer.text for answer in open_local(spec_of(f"hf:{tiny}")).generate(requests)}
    troubled = Troubled(error, monkeypatch)
    model = open_local(spec_of(f"hf:{tiny}"))
    assert expected == {answer.request_key: answer.text for answer in model.generate(requests)}
    assert captures == troubled.captures
    assert any(notice in said for said in model.notices())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_captured_graphs_give_what_plain_passes_give(tiny: Path) -> None:
    """The same bookkeeping, on the device it is for."""
    load: Callable[..., Any] = AutoModelForCausalLM.from_pretrained
    model = load(tiny, dtype=torch.float32, attn_implementation="sdpa", device_map={"": 0}).eval()
    assert can_capture(model)
    drop = {5: [0, 1, 3], 40: [1, 2]}
    for ours, theirs in zip(run(GraphSteps(model, 3, 100), 60, drop), run(EagerSteps(model, 3), 60, drop), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_captured_graphs_serve_rows_that_enter(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number of blocks is captured once, and what was captured before goes on being right."""
    load: Callable[..., Any] = AutoModelForCausalLM.from_pretrained
    model = load(tiny, dtype=torch.float32, attn_implementation="sdpa", device_map={"": 0}).eval()
    captures: list[int] = []
    capture = GraphSteps._capture

    def counted(steps: GraphSteps) -> Any:
        captures.append(steps._visible)
        return capture(steps)

    monkeypatch.setattr(GraphSteps, "_capture", counted)
    steps = GraphSteps(model, 3, 150)
    tokens = steps.start([prompt[:100] for prompt in PROMPTS]).argmax(dim=-1)
    for newcomers in ([[1, *range(60, 70)], [1, 8, 9]], [[1, *range(200, 260)], [1, 4]]):
        for _ in range(60):
            tokens = steps.step(tokens).argmax(dim=-1)
        for place in range(4):
            steps.rest(place)
        tokens = placed(tokens, [2, 0], steps.admit([2, 0], newcomers).argmax(dim=-1))
        alone = EagerSteps(model, 3)
        expected = alone.start(newcomers)
        for _ in range(100):
            expected = alone.step(expected.argmax(dim=-1))
            scores = steps.step(tokens)
            tokens = scores.argmax(dim=-1)
            torch.testing.assert_close(scores[[2, 0]], expected, rtol=1e-3, atol=1e-3)
    assert sorted(captures) == [128, 256]
