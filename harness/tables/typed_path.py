"""``PATH[,NAME=COLUMN…]``: a table as it is typed, with the columns that play other names' parts, and its sheet."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UnknownNameError, UsageError
from harness.locale import tr

SHEET = "sheet"
"""The name by which a sheet of a workbook is chosen."""

_SETTING = re.compile(r"[,，、]\s*([^\s,，、=＝/\\]+)\s*[=＝]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedPath:
    """A path taken apart. ``columns``: the file's column by the name that it is to have."""

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None

    @property
    def view(self) -> str:
        """What is read otherwise than the file stands there, for identities; empty if nothing is."""
        chosen = sorted(self.columns.items()) + ([] if self.sheet is None else [(SHEET, self.sheet)])
        return ",".join(f"{name}={column}" for name, column in chosen)


def typed_path(text: str, roles: Mapping[str, str] | None = None) -> TypedPath:
    """Return the parts of ``PATH[,NAME=COLUMN…][,sheet=NAME]``; a file of exactly this name is that file.

    ``roles`` are the names that the reader knows, each with the one that it looks for first; None: any name will do.

    >>> typed_path("answers.xlsx,output=回答,task_id=番号,sheet=結果")
    TypedPath(path='answers.xlsx', columns={'output': '回答', 'task_id': '番号'}, sheet='結果')

    Raises:
        UnknownNameError: a name is none of the reader's columns.
        UsageError: a name is given twice, or names nothing.
    """
    found = list(_SETTING.finditer(text))
    start = _start(text, [match.start() for match in found])
    if start is None or _exists(text):
        return TypedPath(path=text)
    found = [match for match in found if match.start() >= start]
    ends = [match.start() for match in found[1:]] + [len(text)]
    settings: dict[str, str] = {}
    for match, end in zip(found, ends, strict=True):
        name, value = match[1], text[match.end() : end].strip()
        if roles is not None and name not in (*roles, SHEET):
            raise UnknownNameError(tr("column that is read here"), name, [*roles, SHEET])
        role = name if roles is None else roles.get(name, name)
        if role in settings or not value:
            raise UsageError(
                tr("{text!r} gives {name!r} twice, or no column for it.", text=text, name=name),
                hint=tr("Write PATH,NAME=COLUMN: {path},output=answer", path=text[: found[0].start()]),
            )
        settings[role] = value
    sheet = settings.pop(SHEET, None)
    return TypedPath(path=text[: found[0].start()].strip(), columns=settings, sheet=sheet)


def _start(text: str, places: Sequence[int]) -> int | None:
    """Return where the settings begin: behind a file that is there, else behind the last folder."""
    there = next((place for place in places if _exists(text[:place])), None)
    folder = max(text.rfind("/"), text.rfind("\\"))
    return there if there is not None else next((place for place in places if place > folder), None)


def _exists(path: str) -> bool:
    try:
        return Path(path.strip()).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False
