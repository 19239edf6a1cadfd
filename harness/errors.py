"""Errors a person can act on.

    HarnessError                 an expected failure: the program ends with exit code 1
    ├── UsageError               the command line itself is wrong: exit code 2
    │   └── UnknownNameError     a name that nothing answers to, with the nearest ones as the hint
    ├── InputError               a file or row that cannot be used; knows its path and line
    │   └── NothingUsableError   a file that holds nothing for one task; an error unless it does for another
    ├── StatisticsError          numbers that cannot be summarised or compared
    ├── StoreError               the database cannot be opened, read or written
    ├── JudgeUnavailableError    a judge that cannot go on: its key is rejected, its quota used up, its server gone
    └── MissingExtraError        an optional dependency that is not installed

Every message says what, which value and where; ``hint`` says what to do next.
"""

import difflib
from collections.abc import Iterable
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
        choices = f"Known: {', '.join(known)}." if known else f"No {kind} is installed."
        super().__init__(
            tr("No {kind} named {name!r}.", kind=kind, name=name),
            hint=hint or (tr("Did you mean {near!r}?", near=near[0]) if near else choices),
        )


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


class StatisticsError(HarnessError):
    """Numbers that cannot be summarised or compared: off the scale, of unlike shapes, or an impossible setting."""


class StoreError(HarnessError):
    """The result store cannot be opened, read or written."""


class JudgeUnavailableError(HarnessError):
    """A judge that cannot go on: every further call would fail alike, so none is made."""


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
