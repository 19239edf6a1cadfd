"""What there is to learn: examples read from files and from the Hub, with every row that cannot be used named."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path

from harness.codec import digest
from harness.errors import InputError, TrainingDataError, UsageError
from harness.installation import MissingExtraError
from harness.locale import Text, clauses, tr
from harness.locale.system import system_said
from harness.tables import Row, Table, read_table, shorten
from harness.types import Message
from trainers.adapter.training_record import DataFile
from trainers.data.chats import exchanges
from trainers.data.columns import Layout, recognise

HUB = "hub:"
_HUB_PART = re.compile(r":(?:[\w.+-]+/)?[\w.+-]+(?:\[[^\]]*\])?$")  # [SUBSET/]SPLIT, which may be a slice
_PARQUET = {".parquet", ".pq"}
_SUFFIXES = {".json", ".jsonl", ".ndjson", ".csv", ".tsv", *_PARQUET}
_SHOWN = 3  # bad rows named in one message
_UNANSWERED = tr("the conversation ends with a user turn, so there is no answer to learn")
# datasets takes a second to import and comes with an extra, so it is loaded the way a plugin is.
_HUB_READER = EntryPoint(name="hub", value="trainers.data.hub:read_hub", group="trainers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One thing to learn: the template's variables and the answer to them.

    ``where`` is shown to people and differs between examples: ``train.json:14``, ``train.parquet row 3``, and of a
    conversation with several answers ``chats.jsonl:2 turn 4``.
    ``inputs`` always has ``input``, all of the instruction; ``instruction`` and ``context`` are its parts where it has
    two, and further columns with text ride along. ``answer`` is kept as it stands, whitespace at its ends included.
    ``history`` holds earlier messages, oldest first, a system message before all; ``goes_on``: its conversation has a
    later answer, too.
    """

    where: str
    inputs: Mapping[str, str]
    answer: str
    history: tuple[Message, ...] = ()
    goes_on: bool = False

    @property
    def question(self) -> str:
        """An identity of all that the answer answers: equal for equal inputs after equal earlier messages."""
        return digest([[message.role, message.content] for message in self.history] + [self.inputs["input"]])

    @property
    def opening(self) -> str:
        """An identity of how its conversation begins, up to the first question: equal for all answers of one."""
        first = next((place for place, message in enumerate(self.history) if message.role == "user"), None)
        if first is None:
            return self.question
        return replace(self, history=self.history[:first], inputs={"input": self.history[first].content}).question


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that cannot be learnt from."""

    where: str
    why: str

    def __str__(self) -> str:
        return str(self.said)

    @property
    def said(self) -> Text:
        """The row and its trouble, in any language."""
        return tr("{where}: {why}", where=self.where, why=self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """All that was read: what can be used, what cannot, and the files, in the order of the sources."""

    examples: tuple[Example, ...]
    bad: tuple[BadRow, ...]
    files: tuple[DataFile, ...]


def read_examples(
    sources: Sequence[str], *, columns: Mapping[str, str] | None = None, strict: bool = False
) -> Examples:
    """Return the examples of files (JSON, JSONL, CSV, TSV, Parquet), folders of files, and data sets of the Hub.

    A folder stands for the data files in it, by name. ``hub:NAME[@REVISION][:[SUBSET/]SPLIT]`` is a data set of the
    Hugging Face Hub or a folder that `datasets` can load; the split is train unless given. What the columns are,
    `columns.recognise` tells in each file for itself; ``columns`` maps roles to columns of other names, in all
    files. Every answer of a conversation is an example and counts as a row; so does a last question without answer, but
    not the beginning that a conversation shares with an earlier one.

    A row is bad if it is no object, if its instruction or answer is missing, blank or no text, holds a NUL or half a
    surrogate pair, if its conversation is none, or if an example with the same question and answer came before it.

    Raises:
        InputError: a file that cannot be read or has no columns to use; no usable row at all; with ``strict``, any bad
            row.
        UsageError: no source, one source twice, or a mapping that means nothing.
        HarnessError: the Hub did not give a data set.
    """
    seen: dict[tuple[str, str], str] = {}
    examples: list[Example] = []
    bad: list[BadRow] = []
    files = []
    for table in tables(sources):
        rows = list(_parsed(table, columns))
        bad_here = repeated = 0
        for row in rows:
            outcome = _unless_seen(row, seen) if isinstance(row, Example) else row
            if outcome is None:
                repeated += 1
            elif isinstance(outcome, Example):
                examples.append(outcome)
            else:
                bad.append(outcome)
                bad_here += 1
        files.append(
            DataFile(name=shown_name(table.path), sha256=table.sha256, rows=len(rows) - repeated, bad=bad_here)
        )
    total = len(examples) + len(bad)
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


def split_heldout(
    examples: Sequence[Example], heldout: float, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Return the examples to train on and those held out, each in the order given.

    ``heldout`` is a fraction between 0 and 1 or a whole number of examples; 0 holds out nothing. A fraction holds out
    one example at least. Examples with the same question stay on one side, and so do conversations that begin with it,
    so that a few fewer may be held out than asked for, or more where a fraction is less than the smallest of them.
    Which ones depends on the seed and on each question's text, not on the order: a file that grows keeps most of its
    choice.

    >>> examples = [Example(where=str(n), inputs={"input": f"{n}?"}, answer="a") for n in range(10)]
    >>> train, held = split_heldout(examples, 0.2, seed=0)
    >>> len(train), len(held), split_heldout(examples, 2, seed=0) == (train, held)
    (8, 2, True)

    Raises:
        UsageError: ``heldout`` is neither a fraction nor a count.
        HarnessError: nothing would be left to train on, or all examples have one question.
    """
    wanted = _count(heldout, len(examples))
    if not wanted:
        return tuple(examples), ()
    if wanted >= len(examples):
        raise TrainingDataError(
            tr(
                "Nothing is left to train on: heldout={heldout} holds out {wanted} of {n_examples} examples.",
                heldout=heldout,
                wanted=wanted,
                n_examples=len(examples),
            ),
            hint=tr("Hold out fewer, or nothing: --set heldout=0"),
        )
    groups: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        groups.setdefault(example.opening, []).append(number)
    chosen: set[int] = set()
    for question in sorted(groups, key=lambda question: digest([seed, question])):
        if len(chosen) + len(groups[question]) <= wanted:
            chosen.update(groups[question])
    if not chosen:  # every group is larger than what was asked for
        least = min(groups.values(), key=len)
        if isinstance(heldout, int) or len(least) == len(examples):
            raise TrainingDataError(
                tr(
                    "No {wanted} examples can be held out: too many have the same question or are of one conversation, "
                    "which stays on one side.",
                    wanted=wanted,
                ),
                hint=tr("Hold out at least {n_least}, or nothing: --set heldout=0", n_least=len(least)),
            )
        chosen.update(least)
    train = tuple(example for number, example in enumerate(examples) if number not in chosen)
    return train, tuple(example for number, example in enumerate(examples) if number in chosen)


def _count(heldout: float, total: int) -> int:
    if isinstance(heldout, int) and heldout >= 0:
        return int(heldout)
    if 0 <= heldout < 1:
        return max(1, round(heldout * total)) if heldout else 0
    raise UsageError(
        tr("{heldout!r} examples cannot be held out.", heldout=heldout),
        hint=tr("Give a fraction between 0 and 1, or a whole number of examples."),
    )


def tables(sources: Sequence[str]) -> Iterator[Table]:
    """Yield what sources hold, each once.

    Raises:
        UsageError: there is none, or one twice.
        HarnessError: it cannot be read.
    """
    if not sources:
        raise UsageError(tr("No data to train on."), hint=tr("Pass --data PATH."))
    seen: dict[str, str] = {}
    for source in sources:
        for name in [source] if source.startswith(HUB) else files_of(source):
            identity = name if source.startswith(HUB) else str(Path(name).expanduser().resolve())
            if identity in seen:
                raise UsageError(tr("{name} was given twice.", name=name), hint=tr("Give each file once."))
            seen[identity] = name
            yield _hub_reader()(name) if source.startswith(HUB) else read_table(name, keep_odd=True)


def _hub_reader() -> Callable[[str], Table]:
    try:
        reader: Callable[[str], Table] = _HUB_READER.load()
    except ImportError as error:
        raise MissingExtraError(tr("data of the Hub"), "train") from error
    return reader


def files_of(source: str) -> list[str]:
    """Return the data files that a path stands for: itself, or those in the folder."""
    folder = Path(source).expanduser()
    if not folder.is_dir():
        return [source]
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(
            tr("the folder cannot be read: {strerror}", strerror=system_said(error)), path=source
        ) from error
    files = [
        entry for entry in entries if entry.suffix.lower() in _SUFFIXES and entry.is_file() and entry.name[0] != "."
    ]
    if not files:
        inside = ", ".join(entry.name for entry in entries[:5]) or "nothing"
        raise InputError(
            tr("no data file ({suffixes}) in this folder", suffixes=", ".join(sorted(_SUFFIXES))),
            path=source,
            hint=tr("It holds: {inside}{value}.", inside=inside, value=", …" if entries[5:] else ""),
        )
    return [str(Path(source) / entry.name) for entry in files]


def shown_name(source: str) -> str:
    """Return what a record may say of a source: a Hub's id or a file's name, never a folder of this machine.

    >>> shown_name("hub:kunishou/databricks-dolly-15k-ja"), shown_name("hub:./mine"), shown_name("/home/me/a.json")
    ('hub:kunishou/databricks-dolly-15k-ja', 'hub:mine', 'a.json')
    >>> shown_name("hub:~/data/mine:ja/train")
    'hub:mine:ja/train'
    >>> shown_name("hub:/data/2024:q3/mine:ja/train[:10%]")
    'hub:mine:ja/train[:10%]'
    """
    if not source.startswith(HUB):
        return Path(source).name
    name, part = source.removeprefix(HUB), ""
    if not Path(name).exists() and (found := _HUB_PART.search(name)):  # a path that exists is a name as a whole
        name, part = name[: found.start()], found[0]
    return f"{HUB}{Path(name).name}{part}" if Path(name).is_absolute() or name[:1] in {"~", "."} else source


def _parsed(table: Table, columns: Mapping[str, str] | None) -> Iterator[Example | BadRow]:
    layout = recognise(table.rows, path=table.path, mapping=columns)
    for where, row in zip(places(table), table.rows, strict=True):
        try:
            yield from _examples(row, where, layout)
        except ValueError as error:
            yield BadRow(where=where, why=error.args[0])


def places(table: Table) -> list[str]:
    """Return what to call each row: its line, or its number where lines do not tell the rows apart."""
    lines = [row.line for row in table.rows]
    is_text = not table.path.startswith(HUB) and Path(table.path).suffix.lower() not in _PARQUET
    if is_text and len(set(lines)) == len(lines):
        return [f"{table.path}:{line}" for line in lines]
    return [tr("{path} row {number}", path=table.path, number=number) for number in range(1, len(lines) + 1)]


def _examples(row: Row, where: str, layout: Layout) -> Iterator[Example | BadRow]:
    """Yield an example for each answer of a row: one, or those of its conversation.

    Raises:
        ValueError: the row cannot be used; says why.
    """
    if row.trouble:
        raise ValueError(row.trouble)
    cells = {role: row.values.get(name) for role, name in layout.columns.items()}
    extra_columns = {
        name: text for name in layout.extra_columns if (text := extra_text(row.values.get(name))) is not None
    }
    prompt = optional_text(cells.get("system"), layout.columns.get("system", ""))
    system = (Message(role="system", content=prompt),) if prompt else ()
    if not layout.is_chat:
        inputs = extra_columns | question_parts(cells, layout.columns)
        answer = required_text(cells["answer"], layout.columns["answer"])
        yield checked(Example(where=where, inputs=inputs, answer=answer, history=system))
        return
    talk = exchanges(cells["messages"])
    for part in talk:
        place = tr("{where} turn {turn}", where=where, turn=part.turn) if len(talk) > 1 else where
        has_own = bool(part.history) and part.history[0].role == "system"
        history = part.history if has_own else (*system, *part.history)
        if part.answer is None:
            yield BadRow(where=place, why=_UNANSWERED)
            continue
        try:
            inputs = extra_columns | {"input": part.input}
            goes_on = part is not talk[-1]
            yield checked(Example(where=place, inputs=inputs, answer=part.answer, history=history, goes_on=goes_on))
        except ValueError as error:
            yield BadRow(where=place, why=error.args[0])


def checked(example: Example) -> Example:
    """Return an example all of whose texts are text.

    Raises:
        ValueError: one of them is not; says why.
    """
    for text in (*example.inputs.values(), example.answer, *(message.content for message in example.history)):
        _check_characters(text)
    return example


def question_parts(cells: Mapping[str, object], columns: Mapping[str, str]) -> dict[str, str]:
    """Return the whole instruction as ``input``, and its parts if it has two."""
    instruction = required_text(cells["input"], columns["input"])
    context = optional_text(cells.get("context"), columns.get("context", ""))
    if not context:
        return {"input": instruction}
    return {"input": f"{instruction}\n{context}", "instruction": instruction, "context": context}


def required_text(cell: object, column: str) -> str:
    """Return a cell's text as it stands.

    Raises:
        ValueError: there is none, or nothing but whitespace.
    """
    text = optional_text(cell, column)
    if not text:
        lacking = tr("{column} is missing", column=column)
        raise ValueError(lacking if cell is None else tr("{column} is blank", column=column))
    return text


def optional_text(cell: object, column: str) -> str:
    """Return a cell's text as it stands, or nothing if there is but whitespace."""
    if cell is None:
        return ""
    if not isinstance(cell, str):
        raise ValueError(tr("{column} is not text: {cell}", column=column, cell=shorten(cell)))  # noqa: TRY004 - every bad cell is a ValueError here
    return cell if cell.strip() else ""


def extra_text(cell: object) -> str | None:
    """Return a further column's text; what is neither text nor a number is of no use to a template."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return None
    return str(cell)


def _check_characters(text: str) -> None:
    if "\0" in text:
        raise ValueError(tr("holds a NUL character"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        raise ValueError(tr("holds half a surrogate pair, {half}", half=half)) from None


def _unless_seen(example: Example, seen: dict[tuple[str, str], str]) -> Example | BadRow | None:
    """Return the example, or why it is bad if an equal one came before; None where conversations only begin alike."""
    first = seen.setdefault((example.question, example.answer), example.where)
    if first == example.where:
        return example
    return None if example.goes_on else BadRow(where=example.where, why=tr("same as {first}", first=first))


def first_bad(bad: Sequence[BadRow]) -> str:
    """Return the first bad rows in one line."""
    named = clauses(row.said for row in bad[:_SHOWN])
    return tr("{named}; and {n} more", named=named, n=len(bad) - _SHOWN) if len(bad) > _SHOWN else named
