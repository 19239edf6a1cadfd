"""What a judge may be able to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.protocols.served import BatchNotes
from harness.types import Generation, Sample, Scale, Verdict


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
class KeepsVersion(Judge, Protocol):
    """A judge whose server says with each verdict which version of its model gave it."""

    @property
    def kept_version(self) -> str | None:
        """The only version whose verdicts count; None: whichever answers."""

    def keep_version(self, version: str | None) -> None:
        """Count verdicts of this version alone from now on, of any with None; `version_fingerprint` says what it is."""


def version_fingerprint(fingerprint: str, version: str) -> str:
    """Return the fingerprint of a judge that counts verdicts of one version alone."""
    return f"{fingerprint}@{version}"


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
class JudgesPairs(Judge, Protocol):
    """A judge that compares two answers: what it judges is the text of a `harness.pairs.answer_pair.AnswerPair`.

    Its score is what the first of the two gets: 1, 0.5 for a tie, or 0.
    """

    @property
    def judges_pairs(self) -> bool:
        """Whether it does."""


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
