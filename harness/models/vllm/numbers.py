"""vLLM's own numbers of a model, token by token; see `harness.protocols.TokenNumbers`."""

from collections.abc import Sequence
from typing import Any

from harness.errors import InputError, ModelLoadError
from harness.locale import tr
from harness.models.hf.adapters import Adapter
from harness.models.vllm.engine import Ask
from harness.models.vllm.gate import SCORING
from harness.models.vllm.plan import sampling_arguments
from harness.models.vllm.shared import SharedEngine
from harness.protocols import ForcedAnswer
from harness.types import RenderedPrompt, Sampling


class EngineNumbers:
    """The numbers of a base, or of an adapter on it, in a shared engine."""

    def __init__(self, engine: SharedEngine[Any], adapter: Adapter | None, chat_template: str | None = None) -> None:
        """``chat_template``: what writes messages in place of the base's own chat template."""
        self._engine = engine
        self._adapter = adapter
        self._chat_template = chat_template

    def greedy_answers(self, prompts: Sequence[RenderedPrompt], sampling: Sampling) -> list[tuple[int, ...]]:
        """Return the tokens of greedy answers, all in one call.

        Raises:
            HarnessError: the engine cannot be started, or a prompt cannot be encoded.
        """
        most = sampling.max_new_tokens
        asks = []
        for ids in self._encoded(prompts):
            context = self._engine.context
            chosen = sampling_arguments(
                limit=most if context is None else max(1, min(most, context - len(ids))),
                end=self._engine.end,
                stop=(),
                penalty=sampling.repetition_penalty,
                temperature=0.0,
                seed=0,
            )
            asks.append(Ask(ids=ids, adapter=self._adapter, sampling=chosen))
        said = dict(self._engine.engine(max((len(ask.ids) for ask in asks), default=0) + most).run(asks))
        return [said[place].tokens for place in range(len(asks))]

    def forced_answers(self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]) -> list[ForcedAnswer]:
        """Return how probable answers, as ids, are after their prompts, all in one call.

        Raises:
            HarnessError: the engine cannot be started, a prompt cannot be encoded, or a token got no score.
        """
        encoded = self._encoded(prompts)
        asks = [
            Ask(ids=[*ids, *answer], adapter=self._adapter, sampling=SCORING)
            for ids, answer in zip(encoded, answers, strict=True)
        ]
        said = dict(self._engine.engine(max((len(ask.ids) for ask in asks), default=0) + 1).run(asks))
        found = []
        for place, (ids, answer) in enumerate(zip(encoded, answers, strict=True)):
            values = said[place].prompt_scores[len(ids) - 1 :]  # the first token of a sequence has no score
            if len(values) != len(answer):
                raise ModelLoadError(tr("The engine vLLM gave no score for some tokens."), hint=tr("Take --engine hf."))
            found.append(ForcedAnswer(prompt=tuple(ids), values=values))
        return found

    def _encoded(self, prompts: Sequence[RenderedPrompt]) -> list[list[int]]:
        encoder = self._engine.encoder.with_chat(self._chat_template)
        encoded = [encoder.encode(prompt) for prompt in prompts]
        if not all(encoded):
            raise InputError(tr("the prompt has no tokens"))
        return encoded
