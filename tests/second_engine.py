"""A second engine for tests: the HF path again, rounding in another order, with one fault or none planted in it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from harness.models.hf import LocalModel
from harness.models.hf.token_numbers import LocalNumbers, _other_attention
from harness.protocols import ForcedAnswer
from harness.types import Generation, RenderedPrompt, Request, Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedNumbers:
    """The numbers of a model, by other kernels for attention, with the prompts or the sampling changed."""

    local: LocalNumbers
    prompt: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    other_attention: bool = True

    def _kernels(self) -> Any:
        return _other_attention(self.local._ready().model) if self.other_attention else nullcontext()

    def greedy_answers(self, prompts: Sequence[RenderedPrompt], sampling: Sampling) -> Sequence[tuple[int, ...]]:
        with self._kernels():
            return self.local.greedy_answers(self._changed(prompts), replace(sampling, **self.sampling))

    def forced_answers(
        self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]
    ) -> Sequence[ForcedAnswer]:
        with self._kernels():
            return self.local.forced_answers(self._changed(prompts), answers)

    def _changed(self, prompts: Sequence[RenderedPrompt]) -> list[RenderedPrompt]:
        return [replace(prompt, **self.prompt) for prompt in prompts]


class Second:
    """A backend that answers for ``model`` with the weights of ``instead`` (None: with its own)."""

    def __init__(self, model: LocalModel, instead: LocalModel | None = None, **planted: Any) -> None:
        self._model, self._instead, self._planted = model, instead or model, planted
        self.fingerprint = f"other {model.fingerprint}"
        self.details = {**model.details, "engine": "other 1.0"}
        self.asked = 0

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        yield from self._instead.generate(requests)

    def numbers(self) -> PlantedNumbers:
        self.asked += 1
        return PlantedNumbers(local=self._instead.numbers(), **self._planted)

    def reference(self) -> LocalModel:
        return self._model
