"""Errors a person can act on.

    HarnessError                 an expected failure: the program ends with exit code 1
    ├── UsageError               the command line itself is wrong: exit code 2
    │   ├── UnknownNameError     a name that nothing answers to, with the nearest ones as the hint
    │   └── PlanMismatchError    a run of this name asked something else
    ├── InputError               a file or row that cannot be used; knows its path and line
    │   └── NothingUsableError   a file that holds nothing for one task; an error unless it does for another
    ├── DamagedFileError         weights, an adapter or a template that are not what they were, or not whole
    ├── UnwritableError          a file or folder that cannot be written
    ├── StatisticsError          numbers that cannot be summarised or compared
    ├── StoreError               the database cannot be opened, read or written
    │   ├── StoreGoneError       the store of a run is not where it was
    │   └── StoreUnreachableError  the server of a store cannot be reached
    ├── LostVerdictsError        the store no longer holds what a board was made of
    ├── TemplateError            a template that cannot be filled or applied
    ├── PromptMismatchError      an adapter would be asked with another prompt than it was trained with
    ├── AdapterMismatchError     an adapter does not belong to its base, or has no effect on it
    ├── OutOfMemoryError         memory does not suffice, or ran out
    ├── HubError                 the Hub has no such thing, refuses it, or cannot be reached
    ├── GgufError                a GGUF file that llama.cpp cannot write, or that has other tokens than its model
    ├── ModelLoadError           weights that cannot be loaded, or not in the numerics asked for
    ├── ServiceSettingsError     settings with which a served model cannot be asked
    │   └── RetiredModelError    a served model that is there no more
    ├── ModelUnavailableError    a served model that cannot go on
    ├── JudgeUnavailableError    a judge that cannot go on: its key is rejected, its quota used up, its server gone
    ├── QuotaEndedError          a served model whose quota is used up for now, and when it goes on
    ├── NothingToJudgeError      a judge that can say nothing of a task
    ├── SameJudgeError           one judge that would stand on a board twice
    ├── UnknownPriceError        a cost limit that could not be kept, as nobody knows the price
    ├── TaskSetError             a task set that cannot be had: no file is named, or its ids are not its own
    ├── RatingError              sheets for people that cannot be drawn, or do not belong together
    ├── SubmissionError          answers that cannot be handed in
    ├── PromptTokensError        a model whose tokens or training prompt nobody can show
    ├── RunNameError             a name that cannot be that of a run
    ├── RunMismatchError         a run that is not the one that was meant
    ├── UnfinishedRunError       a folder that holds no finished run
    ├── UnlikeRunsError          runs that cannot stand on one board
    ├── UnequalEngineError       an engine that computes something else than the HF path
    ├── UnlikeJudgesError        judges of which no panel can be declared
    ├── RerunError               a run that cannot be made again as it was
    ├── TrainingDataError        data that cannot be trained on, or nothing of which is left
    ├── TrainingError            a training that cannot go on
    ├── PluginError              a fault of a plugin, in what it is or declares
    ├── MissingKeyError          the API key of a service
    ├── MissingFontError         a letter of a page that no font of this machine has
    └── MissingExtraError        an optional dependency (in `harness.installation`, which knows how it is added)

Every message says what, which value and where; ``hint`` says what to do next, and ``usual`` what mostly helps where a
raise site knows nothing better: `HarnessError.next_step` is one of the two.
"""

import difflib
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from harness.locale import Text, tr

_LISTED = 20  # names of a hint; a team has hundreds of runs
_FILE_ENDING = re.compile(r"\.[A-Za-z]{2,7}$")
_PLUGINS = {"model", "judge", "task"}  # what is installed rather than made


class HarnessError(Exception):
    """An expected failure: one sentence for the user, and a hint that says what to do next."""

    exit_code = 1
    usual: ClassVar[Text | None] = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def next_step(self) -> str | None:
        """What to do next: the hint, else what mostly helps."""
        return self.hint or self.usual


class UsageError(HarnessError):
    """The command line asks for something that cannot be: exit code 2."""

    exit_code = 2
    usual = tr("The command lists what it takes with --help.")


class UnknownNameError(UsageError):
    """A name that nothing answers to.

    >>> error = UnknownNameError("judge", "gemeni", ["gemini", "rules"])
    >>> error.message, error.hint
    ("No judge named 'gemeni'.", "Did you mean 'gemini'?")
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str | None = None) -> None:
        known = sorted(known)
        near = _near(name, known)
        none = tr("No {kind} is installed.", kind=kind)
        if kind == "run":
            none = tr(
                "There is no run yet. This makes one: {example}; of an adapter: harness try ADAPTER",
                example="harness eval --task bundled:ja-mini --model echo --judge rules",
            )
        elif kind not in _PLUGINS:
            none = tr("There is no {kind} yet.", kind=kind)
        choices: Text = none
        if known[_LISTED:]:
            choices = tr("Known: {known} and {n} more.", known=", ".join(known[:_LISTED]), n=len(known) - _LISTED)
        elif known:
            choices = tr("Known: {known}.", known=", ".join(known))
        super().__init__(
            tr("No {kind} named {name!r}.", kind=kind, name=name),
            hint=hint or (tr("Did you mean {near!r}?", near=near) if near else choices),
        )


def _near(name: str, known: Iterable[str]) -> str | None:
    """Return the name that was probably meant; a file's ending that names have in common makes none of them alike."""
    ending = _FILE_ENDING.search(name)
    shared = ending[0] if ending else ""
    stems = {other.removesuffix(shared): other for other in known}
    near = difflib.get_close_matches(name.removesuffix(shared), stems, n=1, cutoff=0.6)
    return stems[near[0]] if near else None


class PlanMismatchError(UsageError):
    """A run of this name has another plan: other models, tasks, prompts or sampling."""


class InputError(HarnessError):
    """A file or a row that cannot be used, located by path and, where it has one, line; ``said`` is the rest.

    >>> str(InputError("score 6 is outside the 1-5 scale", path="ratings.csv", line=14))
    'ratings.csv:14: score 6 is outside the 1-5 scale'
    """

    def __init__(
        self, message: str, *, path: str | Path | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        where = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(Text("{where}{message}", {"where": where, "message": message}), hint=hint)
        self.said = message
        self.path = path
        self.line = line

    @property
    def next_step(self) -> str | None:
        """The hint, else to mend the place that the message names."""
        if self.hint or self.path is None:
            return self.hint
        if self.line is None:
            return tr("Look at {path}, or name another one, and run the same command again.", path=self.path)
        return tr("Mend line {line} of {path}, and run the same command again.", line=self.line, path=self.path)


class NothingUsableError(InputError):
    """A ratings file that says nothing of one task: an error, unless another task of the run can use it."""


class DamagedFileError(HarnessError):
    """Weights, an adapter, a checkpoint or a published template that are not what they were, or not whole."""

    usual = tr("Copy it again from where it came.")


class UnwritableError(HarnessError):
    """A file or folder that cannot be written: no permission, no room, or somebody is at work on it."""

    usual = tr("Make room, or choose a place that you may write to.")


class StatisticsError(HarnessError):
    """Numbers that cannot be summarised or compared: off the scale, of unlike shapes, or an impossible setting."""


class StoreError(HarnessError):
    """The result store cannot be opened, read or written."""


class StoreUnreachableError(StoreError):
    """The server of a store cannot be reached, or was lost on the way; it may be back in a moment."""


class StoreGoneError(StoreError):
    """The store that a run was made with is not where it was."""


class LostVerdictsError(HarnessError):
    """The store no longer holds verdicts that a run's board was made of, or is another store."""


class TemplateError(HarnessError):
    """A template that cannot be filled with a task's columns, or a chat template that cannot be applied."""

    usual = tr("Choose another template (harness ls prompts), or mend it: harness prompt lint TEMPLATE.")


class PromptMismatchError(HarnessError):
    """An adapter would be asked with another prompt than it was trained with."""


class AdapterMismatchError(HarnessError):
    """An adapter that does not belong to its base, changes what others share, or has no effect."""

    usual = tr("Name the base that it was trained on with --base, or save the adapter again.")


class OutOfMemoryError(HarnessError):
    """Memory does not suffice for what was asked, by estimate or in fact."""


class HubError(HarnessError):
    """The Hub has no such model, data set or revision, refuses it, or cannot be reached."""

    usual = tr("Look up the name and its revisions on its page of the Hub.")


class GgufError(HarnessError):
    """A GGUF file that llama.cpp cannot write, or that has other tokens than its model."""


class ModelLoadError(HarnessError):
    """Weights that cannot be loaded, or not in the numerics that were asked for."""


class ServiceSettingsError(HarnessError):
    """Settings with which a served model cannot be asked: no model, no address, a value that its service refuses."""


class RetiredModelError(ServiceSettingsError):
    """A served model that is there no more: another one would answer in its place."""


class ModelUnavailableError(HarnessError):
    """A served model that cannot go on: every further call would fail alike."""


class JudgeUnavailableError(HarnessError):
    """A judge that cannot go on: every further call would fail alike, so none is made."""


class QuotaEndedError(HarnessError):
    """A served model whose quota is used up for now: no failure, it goes on at ``until`` (with a time zone)."""

    def __init__(self, message: str, *, until: datetime, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.until = until


class NothingToJudgeError(HarnessError):
    """A judge that can say nothing of a task: it has no references, or no rules."""


class SameJudgeError(HarnessError):
    """One judge that would stand on a board twice, or two of one name."""


class UnknownPriceError(HarnessError):
    """A cost limit that could not be kept: nobody knows the price of a judge or model."""


class TaskSetError(HarnessError):
    """A task set that cannot be had: its file is not named, it is empty, or its samples have no ids of their own."""


class RatingError(HarnessError):
    """Sheets for people that cannot be drawn as asked, or that do not belong together."""


class SubmissionError(HarnessError):
    """Answers that cannot be handed in: of other tasks, missing or empty."""


class PromptTokensError(HarnessError):
    """A model whose tokens, or an adapter whose training prompt, nobody can show."""


class RunNameError(HarnessError):
    """A name that cannot be that of a run: it would not be a folder among the runs."""


class RunMismatchError(HarnessError):
    """A run that is not the one that was meant: evaluated anew meanwhile, or without the adapter it is to be about."""


class UnfinishedRunError(HarnessError):
    """A folder that holds no finished run."""

    usual = tr("harness ls runs lists the runs that there are.")


class UnlikeRunsError(HarnessError):
    """Runs that cannot stand on one board: other tasks, or another judge under the same name."""


class UnequalEngineError(HarnessError):
    """An engine whose answers cannot stand for those of the HF path: it computes something else, or nobody can tell."""


class UnlikeJudgesError(HarnessError):
    """Judges whose scores mean unlike things, so that no panel of them can be declared."""


class RerunError(HarnessError):
    """A run that cannot be made again as it was: something differs, or no command is on record that makes it."""


class TrainingDataError(HarnessError):
    """Data that cannot be trained on, or nothing of which is left."""


class TrainingError(HarnessError):
    """A training that cannot go on, or that would learn something else than asked."""


class PluginError(HarnessError):
    """A fault of a plugin: it cannot be imported or opened, or declares what cannot be."""


class MissingFontError(HarnessError):
    """No font of this machine has a letter that a picture needs."""


class MissingKeyError(HarnessError):
    """The API key of a service is not in the environment."""
