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
    ├── LostVerdictsError        the store no longer holds what a board was made of
    ├── TemplateError            a template that cannot be filled or applied
    ├── PromptMismatchError      an adapter would be asked with another prompt than it was trained with
    ├── AdapterMismatchError     an adapter does not belong to its base, or has no effect on it
    ├── OutOfMemoryError         memory does not suffice, or ran out
    ├── HubError                 the Hub has no such thing, refuses it, or cannot be reached
    ├── ModelUnavailableError    a served model that cannot go on
    ├── JudgeUnavailableError    a judge that cannot go on: its key is rejected, its quota used up, its server gone
    ├── QuotaEndedError          a served model whose quota is used up for now, and when it goes on
    ├── NothingToJudgeError      a judge that can say nothing of a task
    ├── UnfinishedRunError       a folder that holds no finished run
    ├── UnlikeRunsError          runs that cannot stand on one board
    ├── RerunError               a run that cannot be made again as it was
    ├── TrainingDataError        data that cannot be trained on, or nothing of which is left
    ├── TrainingError            a training that cannot go on
    ├── PluginError              a fault of a plugin, in what it is or declares
    └── Missing…Error            …Extra: an optional dependency; …Key: the API key of a service

Every message says what, which value and where; ``hint`` says what to do next.
"""

import difflib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from harness.locale import Text, tr


class HarnessError(Exception):
    """An expected failure: one sentence for the user, and a hint that says what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HarnessError):
    """The command line asks for something that cannot be: exit code 2."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that nothing answers to.

    >>> error = UnknownNameError("judge", "gemeni", ["gemini", "rules"])
    >>> error.message, error.hint
    ("No judge named 'gemeni'.", "Did you mean 'gemini'?")
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str | None = None) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        choices = tr("Known: {known}.", known=", ".join(known)) if known else tr("No {kind} is installed.", kind=kind)
        super().__init__(
            tr("No {kind} named {name!r}.", kind=kind, name=name),
            hint=hint or (tr("Did you mean {near!r}?", near=near[0]) if near else choices),
        )


class PlanMismatchError(UsageError):
    """A run of this name has another plan: other models, tasks, prompts or sampling."""


class InputError(HarnessError):
    """A file or a row that cannot be used, located by path and, where it has one, line.

    >>> str(InputError("score 6 is outside the 1-5 scale", path="ratings.csv", line=14))
    'ratings.csv:14: score 6 is outside the 1-5 scale'
    """

    def __init__(
        self, message: str, *, path: str | Path | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        where = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(Text("{where}{message}", {"where": where, "message": message}), hint=hint)
        self.path = path
        self.line = line


class NothingUsableError(InputError):
    """A ratings file that says nothing of one task: an error, unless another task of the run can use it."""


class DamagedFileError(HarnessError):
    """Weights, an adapter, a checkpoint or a published template that are not what they were, or not whole."""


class UnwritableError(HarnessError):
    """A file or folder that cannot be written: no permission, no room, or somebody is at work on it."""


class StatisticsError(HarnessError):
    """Numbers that cannot be summarised or compared: off the scale, of unlike shapes, or an impossible setting."""


class StoreError(HarnessError):
    """The result store cannot be opened, read or written."""


class LostVerdictsError(HarnessError):
    """The store no longer holds verdicts that a run's board was made of, or is another store."""


class TemplateError(HarnessError):
    """A template that cannot be filled with a task's columns, or a chat template that cannot be applied."""


class PromptMismatchError(HarnessError):
    """An adapter would be asked with another prompt than it was trained with."""


class AdapterMismatchError(HarnessError):
    """An adapter that does not belong to its base, changes what others share, or has no effect."""


class OutOfMemoryError(HarnessError):
    """Memory does not suffice for what was asked, by estimate or in fact."""


class HubError(HarnessError):
    """The Hub has no such model, data set or revision, refuses it, or cannot be reached."""


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


class UnfinishedRunError(HarnessError):
    """A folder that holds no finished run."""


class UnlikeRunsError(HarnessError):
    """Runs that cannot stand on one board: other tasks, or another judge under the same name."""


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


class MissingKeyError(HarnessError):
    """The API key of a service is not in the environment."""


class MissingExtraError(HarnessError):
    """An optional dependency that is not installed.

    >>> MissingExtraError("model 'hf'", "local").hint
    "Install it: pip install 'ja-harness[local]'"
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            tr("The {what} needs packages that are not installed.", what=what),
            hint=tr("Install it: pip install 'ja-harness[{extra}]'", extra=extra),
        )
