"""Preferences read from files: to one prompt a better and a worse answer, with every row that cannot be used named."""

from collections.abc import Iterator, Mapping, Sequence

from harness.errors import InputError
from harness.locale import tr
from harness.tables import Row, Table
from harness.types import Message
from trainers.adapter.training_record import DataFile
from trainers.data.chats import turns_of
from trainers.data.columns import Layout, recognise_preferences
from trainers.data.examples import (
    BadRow,
    Example,
    Examples,
    checked,
    extra_text,
    first_bad,
    optional_text,
    places,
    required_text,
    shown_name,
    tables,
)

Pair = tuple[Example, Example]
"""A better and a worse answer to one prompt, at one place."""


def read_preferences(
    sources: Sequence[str], *, columns: Mapping[str, str] | None = None, strict: bool = False
) -> Examples:
    """Return preferences as examples: the better answer of a row and then the worse one, both with its ``where``.

    Sources are those of `examples.read_examples`. A row has an instruction, ``chosen`` and ``rejected``; these are
    texts, or messages of which the last is the answer and those before it are the same in both, behind the
    instruction's own messages if there are any.

    A row is bad if an answer is missing or blank, if both are the same, if the two conversations differ before their
    last turn, or if an equal row came before it. ``rows`` and ``bad`` of a file count rows, not answers.

    Raises:
        InputError, UsageError, HarnessError: as `examples.read_examples`.
    """
    seen: dict[tuple[str, str, str], str] = {}
    examples: list[Example] = []
    bad: list[BadRow] = []
    files = []
    for table in tables(sources):
        rows = [_unless_seen(row, seen) for row in _parsed(table, columns)]
        examples += [example for row in rows if not isinstance(row, BadRow) for example in row]
        bad_here = [row for row in rows if isinstance(row, BadRow)]
        bad += bad_here
        files.append(DataFile(name=shown_name(table.path), sha256=table.sha256, rows=len(rows), bad=len(bad_here)))
    total = len(examples) // 2 + len(bad)
    if not examples:
        raise InputError(
            tr("None of the {total} rows can be used: {bad}", total=total, bad=first_bad(bad)),
            hint=tr("Fix these rows."),
        )
    if strict and bad:
        raise InputError(
            tr("{n_bad} of {total} rows cannot be used: {bad}", n_bad=len(bad), total=total, bad=first_bad(bad)),
            hint=tr("Mend them, or leave out --strict to train on the others."),
        )
    return Examples(examples=tuple(examples), bad=tuple(bad), files=tuple(files))


def _parsed(table: Table, columns: Mapping[str, str] | None) -> Iterator[Pair | BadRow]:
    layout = recognise_preferences(table.rows, path=table.path, mapping=columns)
    for where, row in zip(places(table), table.rows, strict=True):
        try:
            yield _pair(row, where, layout)
        except ValueError as error:
            yield BadRow(where=where, why=error.args[0])


def _pair(row: Row, where: str, layout: Layout) -> Pair:
    """Return the two examples of a row.

    Raises:
        ValueError: the row cannot be used; says why.
    """
    if row.trouble:
        raise ValueError(row.trouble)
    cells = {role: row.values.get(name) for role, name in layout.columns.items()}
    names = layout.columns
    prompt = optional_text(cells.get("system"), names.get("system", ""))
    system = (Message(role="system", content=prompt),) if prompt else ()
    asked, chosen = _talk(cells, names, "chosen")
    also, rejected = _talk(cells, names, "rejected")
    if asked != also:
        raise ValueError(tr("the two conversations differ before their last turn"))
    if chosen.strip() == rejected.strip():
        raise ValueError(tr("the better and the worse answer are the same"))
    has_own = bool(asked) and asked[0].role == "system"
    extra = {name: text for name in layout.extra_columns if (text := extra_text(row.values.get(name))) is not None}
    inputs = extra | {"input": asked[-1].content}
    history = (*(() if has_own else system), *asked[:-1])
    better, worse = (
        checked(Example(where=where, inputs=inputs, answer=answer, history=history)) for answer in (chosen, rejected)
    )
    return better, worse


def _talk(cells: Mapping[str, object], names: Mapping[str, str], role: str) -> tuple[tuple[Message, ...], str]:
    """Return the messages up to the question, and the answer of one side."""
    cell = cells[role]
    before: tuple[Message, ...] = ()
    if isinstance(cells.get("input"), list):
        before = tuple(turns_of(cells["input"]))
    elif "input" in names:
        before = (Message(role="user", content=required_text(cells["input"], names["input"])),)
    if isinstance(cell, list):
        *own, last = turns_of(cell)
        if last.role != "assistant":
            raise ValueError(
                tr("{column} ends with a {role} turn, so there is no answer", column=names[role], role=last.role)
            )
        before, answer = (*before, *own) if own[: len(before)] != list(before) else tuple(own), last.content
    else:
        answer = required_text(cell, names[role])
    if not before or before[-1].role != "user":
        raise ValueError(tr("there is no user turn before the answer"))
    if not answer.strip():
        raise ValueError(tr("{column} is blank", column=names[role]))
    return before, answer


def _unless_seen(row: Pair | BadRow, seen: dict[tuple[str, str, str], str]) -> Pair | BadRow:
    if isinstance(row, BadRow):
        return row
    better, worse = row
    first = seen.setdefault((better.question, better.answer, worse.answer), better.where)
    return row if first == better.where else BadRow(where=better.where, why=tr("same as {first}", first=first))
