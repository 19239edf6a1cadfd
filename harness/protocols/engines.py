"""What an engine shows of its numbers, so that it can be compared with another one token by token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.protocols.models import ModelBackend
from harness.types import RenderedPrompt, Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedAnswer:
    """How probable a model finds an answer that it is given, token by token.

    ``prompt``: the ids that it read before it, with whatever the engine put in front · ``values``: the natural
    logarithm of each answer token's probability given all before it, of the plain scores: without repetition penalty or
    temperature.
    """

    prompt: tuple[int, ...]
    values: tuple[float, ...]


class TokenNumbers(Protocol):
    """A loaded model's own numbers. Every prompt is encoded as `ModelBackend.generate` encodes it."""

    def greedy_answers(self, prompts: Sequence[RenderedPrompt], sampling: Sampling) -> Sequence[tuple[int, ...]]:
        """Return the tokens of the answer to each prompt, the end token included where there is one.

        ``sampling`` has temperature 0; its longest answer and its repetition penalty hold. Stop strings do not.
        """

    def forced_answers(
        self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]
    ) -> Sequence[ForcedAnswer]:
        """Return how probable each answer, as ids, is after its prompt."""


class ReferenceNumbers(TokenNumbers, Protocol):
    """The numbers of the engine that others are compared with."""

    @property
    def resolution(self) -> float:
        """How finely scores are rounded: the distance of neighbours at the size of the largest met so far."""

    @property
    def has_adapter(self) -> bool:
        """Whether these are the numbers of an adapter on a base."""

    def without_adapter(self) -> "ReferenceNumbers":
        """Return the numbers of the base alone."""

    def forced_alone(
        self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]
    ) -> Sequence[ForcedAnswer]:
        """Return the same by another order of rounding: each answer in a pass of its own, without padding.

        Where the model has other kernels for attention, by those. What it differs by is the engine's own noise.
        """

    def leaders(
        self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]], sampling: Sampling
    ) -> Sequence[Sequence[Sequence[tuple[int, float]]]]:
        """Return, for each token of each answer, the best tokens at its place with their scores, best first.

        Scores are those that greedy answers are chosen by: with the repetition penalty.
        """

    def release(self) -> None:
        """Let go of the weights: another engine needs the memory."""


@runtime_checkable
class ShowsNumbers(ModelBackend, Protocol):
    """A backend whose numbers can be compared with those of another engine."""

    def numbers(self) -> TokenNumbers:
        """Return the numbers; weights are loaded when they are first asked for something.

        Raises:
            HarnessError: the model cannot be loaded.
        """


@runtime_checkable
class SecondEngine(ShowsNumbers, Protocol):
    """A backend that answers for a model that another one, the reference, could answer for as well.

    Its details name the ``engine``, with its version and whatever moves its numbers: ``vllm 0.27.1``.
    """

    def reference(self) -> ModelBackend:
        """Return the same weights, adapter and numerics as the HF path answers for them; nothing is loaded.

        Its `numbers` are `ReferenceNumbers`.
        """
