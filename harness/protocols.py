"""The three doors a plugin comes through: models, judges and tasks.

A plugin is a factory, registered as an entry point, that takes one spec and returns the object below:

* ``harness.models``: ``factory(spec: ModelSpec)`` returns a `ModelBackend`, or a mapping of labels to backends;
* ``harness.judges``: ``factory(spec: JudgeSpec)`` returns a `Judge`, or a sequence of them;
* ``harness.tasks``: ``factory(spec: TaskSpec)`` returns a `TaskSource`.

What a judge or model declares is in `JudgeInfo` and `ModelInfo`: as attributes of the object, each with the field's
name and default, or as one record in its attribute ``info``. What it can do besides is one of the protocols below.
`harness.plugins.make` checks both; nothing else is looked for.

Write plain synchronous code: concurrency, retries across items, rate limits and budgets belong to the engine.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from harness.types import Generation, PromptContract, RenderedPrompt, Request, Sample, Scale, Verdict

Kind = Literal["quality", "checks", "similarity", "human"]
"""What scores mean: how good an answer is, constraints met, likeness to a reference, what people said."""

Source = Literal["model", "program", "file"]
"""Who gave scores of quality: a language model, a program, or a file that says nothing of people."""

_MODEL_JUDGES = ("gemini", "openai")


def older_source(judge: str) -> Source | None:
    """Return who gave the scores of a run that was made before judges declared it, by the name of its judge.

    >>> older_source("gemini:gemini-x (tv.v1)"), older_source("three-lines")
    ('model', None)
    """
    return "model" if re.match(rf"({'|'.join(_MODEL_JUDGES)})\b", judge) else None


KINDS: tuple[str, ...] = get_args(Kind)
SOURCES: tuple[str, ...] = get_args(Source)


@runtime_checkable
class Price(Protocol):
    """What tokens cost."""

    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """Return the cost of a call in US dollars, or None if nobody counted its tokens."""


class _Free:
    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:  # noqa: ARG002 - the protocol's
        return 0.0

    def __repr__(self) -> str:
        return "FREE"


FREE: Price = _Free()
"""The price of what is not sold by the token. A price of None is one that nobody knows."""


def is_free(price: Price | None) -> bool:
    """Return whether calls of a price cost nothing, however many tokens they take."""
    return price is not None and price.cost(None, None) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What a model declares.

    ``fingerprint``: see `ModelBackend` · ``details``: what provenance says of it · ``price``: of its tokens, None where
    nobody knows it, so that no cost limit can be kept · ``in_flight``: how many calls it makes at once ·
    ``requests_per_minute``: the pace that it keeps, None for none.
    """

    fingerprint: str
    details: Mapping[str, Any] = field(default_factory=dict)
    price: Price | None = FREE
    in_flight: int = 1
    requests_per_minute: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeInfo:
    """What a judge declares.

    ``name``, ``scale``, ``fingerprint``: see `Judge` · ``kind`` and ``scored_by``: what the scores are, for every
    report; without ``scored_by`` no report says that a language model, a program or people gave them · ``metrics``: a
    judge that gives several scores an answer says their names with a scale each, and returns a mapping of names to
    scores; each is a judge of its own then, named NAME/METRIC, from one call an answer · ``in_flight``: how many calls
    may run at once, in threads: one that waits for a server says 32 · ``give_up_after``: how many failures in a row end
    the run for it · ``price``: of its tokens, None where nobody knows it, so that no cost limit can be kept ·
    ``requests_per_minute``: the pace that it keeps, None for none · ``variant``: what tells it from others of the same
    spec, as the name of its rubric.
    """

    name: str
    scale: Scale
    fingerprint: str
    kind: Kind = "quality"
    scored_by: Source | None = None
    metrics: Mapping[str, Scale] = field(default_factory=dict)
    in_flight: int = 1
    give_up_after: int = 10
    price: Price | None = FREE
    requests_per_minute: float | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """How many calls, or tokens, a server allows; None where it says nothing.

    >>> CallLimits(requests_per_minute=15).over(CallLimits(requests_per_minute=60, requests_per_day=500))
    CallLimits(requests_per_minute=15, requests_per_day=500, tokens_per_minute=None)
    """

    requests_per_minute: float | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None

    def over(self, other: "CallLimits") -> "CallLimits":
        """Return these limits, and those of ``other`` where there are none."""
        return CallLimits(
            requests_per_minute=self.requests_per_minute or other.requests_per_minute,
            requests_per_day=self.requests_per_day or other.requests_per_day,
            tokens_per_minute=self.tokens_per_minute or other.tokens_per_minute,
        )


class CallCounts(Protocol):
    """How many calls of a day's quota were made, by every process that shares it."""

    def take(self, quota: str, day: str, most: int) -> bool:
        """Count one call, and return True, unless ``most`` were made on this day already. Thread-safe."""

    def used(self, quota: str, day: str) -> int:
        """Return how many calls were counted on a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNote:
    """A batch that was, or is about to be, handed to a server.

    ``name`` is ours and unique, ``quota`` whose it is (as for `CallCounts`), ``handle`` the server's name for it, None
    until it has answered, ``keys`` the digests of its prompts.
    """

    name: str
    quota: str
    handle: str | None
    keys: tuple[str, ...]


class BatchNotes(Protocol):
    """Where batches are remembered, so that none is bought twice."""

    def known(self, quota: str) -> Sequence[BatchNote]:
        """Return the batches of a quota, newest last."""

    def keep(self, note: BatchNote) -> None:
        """Remember a batch, or what is known of it now."""

    def drop(self, name: str) -> None:
        """Forget a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """A call that failed and is made again: which try that was of how many, the wait before the next, and why."""

    name: str
    attempt: int
    attempts: int
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineNeeds:
    """What a model on this machine takes: ``needed`` and ``available`` are bytes of memory of ``device``.

    ``seconds``: roughly the most that answering takes, if every answer is as long as it may be.
    """

    device: str
    needed: int
    available: int
    seconds: float


@runtime_checkable
class Served(Protocol):
    """A judge or model behind a server, which allows only so many calls."""

    @property
    def limits(self) -> CallLimits:
        """The limits that it keeps."""

    def limit(self, limits: CallLimits) -> None:
        """Keep these limits from now on, and its own where they say nothing."""

    def attach(self, counts: CallCounts, tell: Callable[[Delay], None]) -> None:
        """Count the calls of a day there, and tell of those that are made again."""

    def look_up(self, seconds: float) -> str | None:
        """Return None if the server has the model or does not say, else why it could not be asked in so many seconds.

        Raise HarnessError if it has no such model, or rejects the key.
        """

    def used_today(self) -> int:
        """Return how many calls of today's quota were counted."""

    def resume(self) -> None:
        """Make calls again after it could not go on."""


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


class Judge(Protocol):
    """Something that scores answers. What it may declare besides, with defaults, is in `JudgeInfo`."""

    @property
    def name(self) -> str:
        """The name in every table."""

    @property
    def scale(self) -> Scale:
        """The scores this judge gives."""

    @property
    def fingerprint(self) -> str:
        """A short text that changes whenever a score could: judge model, template hash, parameters, parser version."""

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        """Return the verdict on one answer (its ``text`` is never None here). Thread-safe; never raises for it."""


@runtime_checkable
class JudgesTogether(Judge, Protocol):
    """A judge that takes many answers at once, on this machine.

    It is asked when every answer is there: it and the models that answer then never need the memory at the same time.
    """

    def judge_together(self, answers: Sequence[tuple[Sample, Generation]]) -> Iterator[tuple[int, Verdict]]:
        """Yield the verdict on each answer with its place in ``answers``, in any order.

        Raises:
            HarnessError: it cannot go on.
        """


@runtime_checkable
class JudgesInBatches(Judge, Protocol):
    """A judge whose server takes many calls at once, at a lower price, and answers hours later."""

    def judge_in_batches(self, notes: BatchNotes) -> None:
        """Hand calls over in batches from now on, remembered in ``notes``."""

    def batches_done(self) -> None:
        """Forget the batches whose replies are all in the store."""


@runtime_checkable
class Closes(Protocol):
    """A judge that waits for something."""

    def close(self) -> None:
        """End every wait at once; called when the run is interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEstimate:
    """What one verdict will take, roughly: calls, tokens, and US dollars (None where no price is known)."""

    calls: int
    tokens_in: int
    tokens_out: int
    cost: float | None


@runtime_checkable
class EstimatesCost(Judge, Protocol):
    """A judge that is paid by the token and says beforehand what a verdict will take."""

    def estimate(self, sample: Sample, generation: Generation | None) -> CallEstimate:
        """Return what the verdict on an answer will take; ``generation`` is None while there is no answer yet."""


@runtime_checkable
class Ratings(Judge, Protocol):
    """A judge that looks scores up by model label and task id, because equal texts may carry different ratings.

    One whose ratings are of a prompt's answers has ``names_prompts = True``: its ``for_model`` then takes the prompt,
    too (None where the answers existed already). Without it all prompts of a model share its ratings.
    """

    def for_model(self, label: str) -> Judge:
        """Return the judge that holds the ratings of one model."""


@runtime_checkable
class RatesPrompts(Judge, Protocol):
    """Ratings that name the prompt as well as the model."""

    @property
    def names_prompts(self) -> bool:
        """Whether any do: a file may lack the column."""

    def rates_alike(self, label: str) -> bool:
        """Return whether the ratings of one model name no prompt all the same, so that all its prompts share them."""

    def for_model(self, label: str, prompt: str | None = None) -> Judge:
        """Return the judge that holds the ratings of one model under one prompt."""


def names_prompts(judge: object) -> bool:
    """Return whether a judge's ratings belong to a prompt's answers."""
    return isinstance(judge, RatesPrompts) and bool(judge.names_prompts)


def prompts_share(judge: object, label: str) -> bool:
    """Return whether all prompts of a model get the same ratings from a judge, which then cannot compare prompts."""
    if not isinstance(judge, Ratings):
        return False
    return not (isinstance(judge, RatesPrompts) and judge.names_prompts) or judge.rates_alike(label)


@runtime_checkable
class ChecksRows(Protocol):
    """A judge that is told before the run which rows it will judge, to say which of its own have no place there."""

    def check_rows(self, rows: Sequence[tuple[str, str | None]], tasks: Sequence[str]) -> Sequence[str]:
        """Return notices for the user; ``rows`` are the run's model labels with their prompts, ``tasks`` its tasks."""


@runtime_checkable
class ChecksSamples(Protocol):
    """A judge that sees the samples before the run, to refuse bad ones or to say what it will leave unscored."""

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> Sequence[str]:
        """Return notices for the user; raise HarnessError if nothing can be judged.

        NothingUsableError ends the run only if it comes for every task.
        """


@runtime_checkable
class TellsOfTasks(Protocol):
    """A task source that has something to say of what it found, such as a part where a whole set was meant."""

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the user."""


class TaskSource(Protocol):
    """Where samples come from."""

    def samples(self) -> Iterator[Sample]:
        """Yield samples in a stable order, with unique ids."""
