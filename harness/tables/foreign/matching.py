"""Which task of a run an answer of another tool belongs to: by the text that was asked, then by its id."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import InputError
from harness.locale import tr
from harness.tables.foreign.records import ForeignRow
from harness.tables.rows import id_text, shorten
from harness.types import Sample

_MOST_COMPARED = 4_000_000  # texts looked for in each other
Key = tuple[str, int]
"""A row's file and place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What belongs to one task set: sample ids by row, how many have another id there, and rows without a place."""

    ids: Mapping[Key, str]
    renamed: int = 0
    strays: Sequence[ForeignRow] = field(default=())


def same_text(text: str) -> str:
    r"""Return a text as it is compared: other line ends and blanks around it make no other text.

    >>> same_text(" a\r\nb\n")
    'a\nb'
    """
    return text.replace("\r\n", "\n").strip()


def match_rows(rows: Iterable[ForeignRow], task: str, samples: Sequence[Sample]) -> Matched:
    """Return which samples the rows are about.

    A row is about the sample with its id if that asks the same, else about the only one that does. Ids alone count
    where a row says nothing of what was asked: ids that count from 1 here and from 0 there would shift every answer.
    The rows of one of the tool's tasks that have no place at all belong to another task set and are no strays.

    Raises:
        InputError: a row asks what several samples ask, none of which has its id.
    """
    groups: dict[tuple[str, str | None], list[ForeignRow]] = defaultdict(list)
    for row in rows:
        groups[row.path, row.task].append(row)
    places = _Places(task, samples)
    ids: dict[Key, str] = {}
    strays: list[ForeignRow] = []
    for group in groups.values():
        found = {(row.path, row.place): place for row in group if (place := places.of(row)) is not None}
        ids |= found
        strays += [row for row in group if found and (row.path, row.place) not in found]
    renamed = sum(
        row.task_id is not None and ids.get((row.path, row.place), row.task_id) != row.task_id
        for group in groups.values()
        for row in group
    )
    return Matched(ids=ids, renamed=renamed, strays=strays)


class _Places:
    """The samples of a task set, by id and by what they ask."""

    def __init__(self, task: str, samples: Sequence[Sample]) -> None:
        self._task = task
        self._inputs = {id_text(sample.id) or sample.id: same_text(sample.input) for sample in samples}
        self._ids: dict[str, list[str]] = defaultdict(list)
        for sample_id, text in self._inputs.items():
            self._ids[text].append(sample_id)
        self._compared = 0

    def of(self, row: ForeignRow) -> str | None:
        asked = [same_text(text) for text in row.inputs]
        if not asked:
            return row.task_id if row.task_id in self._inputs else None
        fitting = next((self._ids[text] for text in asked if text in self._ids), None) or self._within(row, asked)
        if row.task_id in fitting or len(fitting) == 1:
            return row.task_id if row.task_id in fitting else fitting[0]
        if not fitting:
            return None
        raise InputError(
            tr(
                "row {place} asks what {n_fitting} tasks of {task} ask, and its id is none of theirs: {asked}",
                place=row.place,
                n_fitting=len(fitting),
                task=self._task,
                asked=shorten(asked[0]),
            ),
            path=row.path,
            hint=tr("Write the file's answers to a table with task_id and output, and name that."),
        )

    def _within(self, row: ForeignRow, asked: Sequence[str]) -> list[str]:
        """Return the task whose whole text stands in a longer prompt: the one of the row's id, else the longest."""
        own = self._inputs.get(row.task_id or "")
        if own and any(own in text for text in asked):
            return [str(row.task_id)]
        self._compared += len(self._ids) * len(asked)
        if self._compared > _MOST_COMPARED:
            return []
        inside = [text for text in self._ids if text and any(text in prompt for prompt in asked)]
        return self._ids[max(inside, key=len)] if inside else []
