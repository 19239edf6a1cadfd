"""The numbers of two engines on the same texts: what a certificate is made of.

The reference is measured whole before the other engine is asked for anything: on a GPU there is room for one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from harness.protocols import ForcedAnswer, ReferenceNumbers, ShowsNumbers, TokenNumbers
from harness.types import RenderedPrompt, Sampling

Tokens = tuple[int, ...]
_SHORT = 12  # tokens
_BEGUN, _BEGUN_TOKENS = 2, 12  # answers that are begun, and how far


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What models are asked: prompts, and how long answers may be. They are greedy and end by tokens alone.

    ``adapters``: so many adapters give whole greedy answers, None: all. The others begin a few, which shows whether
    they act while an engine generates, too; whole answers are what takes a certificate longest.
    """

    prompts: tuple[RenderedPrompt, ...]
    sampling: Sampling
    adapters: int | None = None

    @property
    def begun(self) -> "Questions":
        """What an adapter beyond those is asked to answer: the beginnings of some answers."""
        short = replace(self.sampling, max_new_tokens=min(_BEGUN_TOKENS, self.sampling.max_new_tokens))
        return replace(self, prompts=self.prompts[:_BEGUN], sampling=short)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompts", tuple(replace(prompt, stop=()) for prompt in self.prompts))
        object.__setattr__(self, "sampling", replace(self.sampling, temperature=0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNumbers:
    """A model's numbers by one engine: the texts that all are given, and the greedy answers to the first prompts."""

    forced: tuple[ForcedAnswer, ...]
    greedy: tuple[Tokens, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceModel:
    """A model's numbers by the reference: twice over the texts, in one batch and each alone.

    ``leaders``: for each token of each greedy answer, the best tokens at its place with their scores.
    """

    numbers: ModelNumbers
    alone: tuple[ForcedAnswer, ...]
    leaders: tuple[tuple[tuple[tuple[int, float], ...], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """All models by the reference, the base first, under "" where it is none of them.

    ``texts``: the answers that every model is given, which are the base's own, a short one with the beginning of its
    prompt behind it: single words tell too little · ``resolution``: how finely scores are
    rounded.
    """

    texts: tuple[Tokens, ...]
    models: Mapping[str, ReferenceModel]
    resolution: float


def measure_reference(models: Mapping[str, ShowsNumbers], questions: Questions) -> Reference:
    """Return the reference's numbers of models of one base by label, and let go of its weights.

    Raises:
        HarnessError: a model cannot be loaded, or a prompt cannot be encoded.
    """
    numbers = {label: cast("ReferenceNumbers", model.numbers()) for label, model in models.items()}
    bases = {label: one for label, one in numbers.items() if not one.has_adapter}
    tuned = [label for label, one in numbers.items() if one.has_adapter]
    numbers = (bases or {"": next(iter(numbers.values())).without_adapter()}) | numbers
    texts: tuple[Tokens, ...] = ()
    found = {}
    for label, one in numbers.items():
        whole = questions.adapters is None or label not in tuned[questions.adapters :]
        answered = questions if whole else questions.begun
        greedy = _greedy(one, answered)
        texts = texts or _long_enough(greedy, one, questions)
        leaders = one.leaders(answered.prompts, greedy, answered.sampling)
        found[label] = ReferenceModel(
            numbers=ModelNumbers(forced=tuple(one.forced_answers(questions.prompts, texts)), greedy=greedy),
            alone=tuple(one.forced_alone(questions.prompts, texts)),
            leaders=tuple(tuple(tuple(place) for place in answer) for answer in leaders),
        )
    resolution = max(one.resolution for one in numbers.values())
    for one in numbers.values():
        one.release()
    return Reference(texts=texts, models=found, resolution=resolution)


def measure_engine(
    models: Mapping[str, ShowsNumbers], questions: Questions, reference: Reference
) -> dict[str, ModelNumbers]:
    """Return another engine's numbers of the same models: on the texts of the reference, and as many answers.

    Raises:
        HarnessError: a model cannot be loaded, or a prompt cannot be encoded.
    """
    found = {}
    for label, model in models.items():
        one = model.numbers()
        forced = tuple(one.forced_answers(questions.prompts, reference.texts))
        whole = len(reference.models[label].numbers.greedy) == len(questions.prompts)
        found[label] = ModelNumbers(forced=forced, greedy=_greedy(one, questions if whole else questions.begun))
    return found


def _long_enough(greedy: Sequence[Tokens], numbers: TokenNumbers, questions: Questions) -> tuple[Tokens, ...]:
    """Return answers with at least as many tokens as a text needs, of short ones and what their prompts begin with."""
    if all(len(answer) >= _SHORT for answer in greedy):
        return tuple(greedy)
    read = numbers.forced_answers(questions.prompts, greedy)
    return tuple(
        answer if len(answer) >= _SHORT else (*answer, *one.prompt[1 : 1 + 2 * _SHORT])
        for answer, one in zip(greedy, read, strict=True)
    )


def _greedy(numbers: TokenNumbers, questions: Questions) -> tuple[Tokens, ...]:
    return tuple(tuple(tokens) for tokens in numbers.greedy_answers(questions.prompts, questions.sampling))
