"""What a model may be able to do."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from harness.types import Generation, PromptContract, RenderedPrompt, Request, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineNeeds:
    """What a model on this machine takes: ``needed`` and ``available`` are bytes of memory of ``device``.

    ``seconds``: roughly the most that answering takes, if every answer is as long as it may be.
    """

    device: str
    needed: int
    available: int
    seconds: float


class ModelBackend(Protocol):
    """Something that answers requests.

    ``fingerprint`` says all that decides an answer besides the prompt (weights, revision, adapter, quantisation, dtype,
    engine) and is known before anything is loaded: a rerun that finds every answer stored never calls ``generate``.
    """

    @property
    def fingerprint(self) -> str:
        """A short text, equal exactly when answers are interchangeable."""

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield one generation per request, in any order, as they finish."""


@runtime_checkable
class AnswerFile(ModelBackend, Protocol):
    """A backend whose answers exist already: it sees no prompt, so its rows exist once whatever the templates."""

    def check_ids(self, task: str, sample_ids: Sequence[str]) -> None:
        """Raise InputError if a stored answer belongs to no sample of ``task``, or to the same one twice.

        ``sample_ids`` are all ids of the task in order, before any limit.
        """


@runtime_checkable
class MeetsTasks(AnswerFile, Protocol):
    """An answer file that finds the task of an answer by what was asked, and may hold several answers to each."""

    @property
    def repeats(self) -> int:
        """How many answers there are to a task at most."""

    def meet(self, task: str, samples: Sequence[Sample]) -> Sequence[str]:
        """Learn of all samples of a task, before any limit, and return sentences for the user.

        Raises:
            InputError: an answer is to none of them.
        """


@runtime_checkable
class ShowsTokens(ModelBackend, Protocol):
    """A backend that can say which tokens a prompt becomes, for people to look at."""

    def tokens(self, prompt: RenderedPrompt) -> Sequence[tuple[int, str]]:
        """Return each token's id and text, special tokens by their names; no weights are loaded for it."""


@runtime_checkable
class KnowsTrainingPrompt(ShowsTokens, Protocol):
    """A backend that can say which prompt its model was trained with, so that no other is used by mistake."""

    def training_prompt(self) -> PromptContract | None:
        """Return the contract that training left, None if there is none; raise InputError if it is damaged."""


@runtime_checkable
class NeedsMachine(ModelBackend, Protocol):
    """A model that is loaded on this machine, and can say beforehand what that takes."""

    def needs(self, requests: Sequence[Request]) -> MachineNeeds:
        """Return what answering these requests takes; no weight is loaded.

        Raises:
            OutOfMemoryError: the model does not fit.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStopped:
    """A model (by its label) that answers none of the requests that are left to it, and why."""

    model: str
    reason: str


@runtime_checkable
class AnswersTogether(ModelBackend, Protocol):
    """A backend that answers best beside others: what all of one ``company`` are asked is handed over at once.

    That is, to one of them, whichever comes first. Its tokens cost nothing.
    """

    @property
    def company(self) -> Hashable:
        """What backends have in common that answer together."""

    def generate_together(self, asked: Mapping[str, Sequence[Request]]) -> Iterator[Generation | ModelStopped]:
        """Yield one generation per request, in any order, as they finish. ``asked`` are requests by model label.

        A model that fails is told of once and does not stop the others.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Among how many processes the answers are shared that are missing on this machine.

    ``gpus``: how many, None: as many as ``tokens``, the most that are to be generated, are worth; ``processes``
    instead of them: so many on whatever device there is. ``stays`` False: they let go of their memory whenever nothing
    is left to do.
    """

    gpus: int | Literal["all"] | None = None
    processes: int | None = None
    tokens: int
    stays: bool


@runtime_checkable
class SpreadsOverGpus(ModelBackend, Protocol):
    """A model on this machine that can be answered for by several processes, each with a GPU of its own."""

    def spread(
        self, models: Mapping[str, ModelBackend], sharing: Sharing
    ) -> AbstractContextManager[Mapping[str, ModelBackend]]:
        """Give models by label with those of this kind answering together, in several processes, as long as the block.

        Raises:
            UsageError: there are not so many GPUs.
        """


@runtime_checkable
class GivesNotices(ModelBackend, Protocol):
    """A backend that has something to say to the user once it has answered."""

    def notices(self) -> Sequence[str]:
        """Return what the user should know of how the answers came about, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeText:
    """What a model writes before a word is scored: ``before``, up to ``most`` characters of its own, ``after``.

    Its own characters are any but ``"``, a backslash and control characters, at least one. ``end`` follows the word.
    """

    before: str
    most: int
    after: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WordScores:
    """How probable each word was, at the place where one of them was due. ``index``: of the prompt.

    ``probabilities``: of each word in order, None where there are none, and ``error`` then says why; what they lack of
    1 is the probability of everything else. ``text``: what the model wrote where it was to write something.
    """

    index: int
    probabilities: tuple[float, ...] | None
    text: str | None = None
    error: str | None = None


@runtime_checkable
class ScoresWords(ModelBackend, Protocol):
    """A backend that can say how probable words are as the next of an answer, beside generating answers."""

    def score_words(
        self, prompts: Sequence[RenderedPrompt], words: Sequence[str], lead: FreeText | None = None
    ) -> Iterator[WordScores]:
        """Yield one result per prompt, in any order: of the answer's first word, or of the one after a free text.

        Raises:
            HarnessError: the model cannot be loaded, or has no token for a word.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """The models of a board, by label, on the engine chosen for all of them, and what is to be said of it, or None."""

    models: Mapping[str, ModelBackend]
    notice: str | None


@runtime_checkable
class ChoosesEngine(ModelBackend, Protocol):
    """A model that several engines could answer for; which one does is decided for a whole board."""

    def choose_engine(self, board: Mapping[str, ModelBackend], requests: Sequence[Request]) -> EngineChoice:
        """Return the models of a board that could choose, by label, on one engine; ``requests`` are all of the run.

        Raises:
            HarnessError: the engine that was asked for cannot be had.
        """
