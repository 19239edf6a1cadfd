"""Tasks from a file: any JSONL, JSON, CSV, Parquet or xlsx table with an ``input`` column, or one named as that."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import InputError, TaskSetError, UnknownNameError
from harness.locale import tr
from harness.notices import Notice
from harness.tables import Row, id_text, name_text, parse_json, read_table, shorten
from harness.types import Sample, TaskSpec

# What a column may be, with the names it goes by in order of preference.
ROLES: Mapping[str, tuple[str, ...]] = {
    "task_id": ("task_id", "id"),
    "input": ("input",),
    "reference": ("reference", "output"),
    "criteria": ("criteria", "eval_aspect"),
    "rules": ("rules",),
    "tags": ("tags",),
    "cluster": ("cluster",),
    "stratum": ("stratum",),
}
# A mapping may name a role by any of these names: ``output = "gold"`` means the reference.
ROLE_OF = {name: role for role, names in ROLES.items() for name in names}


@dataclass(frozen=True, slots=True)
class SampleList:
    """A task source whose samples are already in memory. ``notices`` are for who asked for them."""

    items: tuple[Sample, ...]
    notices: tuple[Notice, ...] = ()

    def samples(self) -> Iterator[Sample]:
        """Yield the samples in file order."""
        return iter(self.items)


def open_file(spec: TaskSpec) -> SampleList:
    """Return the samples of the file that ``spec.source`` names, with ``spec.columns`` as its column mapping.

    Raises:
        HarnessError: no file was named.
        InputError: the file or one of its rows cannot be used.
        UnknownNameError: its table in harness.toml has a key that says nothing here.
    """
    refuse_settings(spec)
    if spec.source is None:
        raise TaskSetError(
            tr("Task {name!r} needs a file.", name=spec.name),
            hint=tr("Pass --task {name}=PATH, or set path under [tasks.{name}] in harness.toml.", name=spec.name),
        )
    table = read_table(spec.source, roles=ROLE_OF)
    return SampleList(tuple(to_samples(table.rows, path=table.path, columns=spec.columns)))


def refuse_settings(spec: TaskSpec) -> None:
    """Raise UnknownNameError for a setting that a task from a file does not have: passed over, it would mislead."""
    for key in spec.settings:
        raise UnknownNameError(tr("setting of [tasks.{name}]", name=spec.name), key, ["path", "columns", "seal"])


def to_samples(rows: Sequence[Row], *, path: str, columns: Mapping[str, str] | None = None) -> list[Sample]:
    """Return one sample a row, in file order.

    The columns are ``task_id`` or ``id`` (else the row number from 0), ``input``, ``reference`` or ``output``,
    ``criteria`` or ``eval_aspect``, ``rules`` (a list of objects), ``tags`` (a list, or text with commas), ``cluster``
    and ``stratum`` (the set that a task is of, where several are joined); ``columns`` maps these roles to other names.
    Every other column rides along in ``Sample.inputs``. Lists may be JSON text, as a CSV cell has to be.

    >>> rows = [Row(line=1, values={"question": "1+1=?", "gold": 2, "level": "easy"})]
    >>> [sample] = to_samples(rows, path="sums.jsonl", columns={"input": "question", "reference": "gold"})
    >>> sample.id, sample.input, sample.reference, sample.inputs["level"]
    ('0', '1+1=?', '2', 'easy')

    Raises:
        InputError: a mapped column that does not exist, a missing or doubled id, a blank input, a malformed cell;
            names the line.
        UnknownNameError: ``columns`` has a key that is no role.
    """
    names = _columns_by_role(rows, path, columns or {})
    samples = [_sample(row, number, names, path) for number, row in enumerate(rows)]
    _refuse_doubled_ids(rows, samples, path)
    return samples


def _columns_by_role(rows: Iterable[Row], path: str, mapping: Mapping[str, str]) -> dict[str, str]:
    """Return the column that plays each role; roles that no column plays are left out."""
    present = dict.fromkeys(name for row in rows for name in row.values)
    mapping = {ROLE_OF.get(role, role): name for role, name in mapping.items()}
    for role, name in mapping.items():
        if role not in ROLES:
            raise UnknownNameError(tr("column role"), role, ROLES)
        if name not in present:
            raise InputError(
                tr("no column {name!r} (mapped to {role})", name=name, role=role), path=path, hint=_listed(present)
            )
    names = dict(mapping)
    for role, candidates in ROLES.items():
        found = [name for name in candidates if name in present]
        if found:
            names.setdefault(role, found[0])
    if "input" not in names:
        raise InputError(
            tr("no column 'input'"),
            path=path,
            hint=tr(
                "{present} Say which one holds the instructions: {path},input=COLUMN",
                present=_listed(present),
                path=path,
            ),
        )
    if names["input"] != "input" and "input" in present and "input" not in names.values():
        raise InputError(
            tr("column 'input' would be hidden, because {names!r} is mapped to input", names=names["input"]),
            path=path,
            hint=tr("Rename it, or write both into one column."),
        )
    return names


def _listed(present: Iterable[str]) -> str:
    return tr("The file's columns: {columns}.", columns=", ".join(present))


def _sample(row: Row, number: int, names: Mapping[str, str], path: str) -> Sample:
    cells = {role: row.values.get(name) for role, name in names.items()}
    taken = set(names.values())
    inputs = {name: value for name, value in row.values.items() if name not in taken}
    try:
        return Sample(
            id=_id(cells["task_id"]) if "task_id" in names else str(number),
            inputs={"input": _input(cells["input"]), **inputs},
            reference=_text(cells.get("reference"), "reference"),
            criteria=_text(cells.get("criteria"), "criteria"),
            rules=_rules(cells.get("rules")),
            tags=_tags(cells.get("tags")),
            cluster=name_text(cells.get("cluster")),
            stratum=name_text(cells.get("stratum")),
        )
    except ValueError as error:
        raise InputError(error.args[0], path=path, line=row.line) from None


def _id(cell: object) -> str:
    text = id_text(cell)
    if text is None:
        raise ValueError(tr("no id") if cell is None or cell == "" else tr("{cell} is not an id", cell=shorten(cell)))
    return text


def _input(cell: object) -> str:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        raise ValueError(tr("no input"))
    if not isinstance(cell, str):
        raise ValueError(tr("input is not text: {cell}", cell=shorten(cell)))  # noqa: TRY004 - every bad cell is a ValueError here
    return cell


def _text(cell: object, role: str) -> str | None:
    """Return a cell as text (a number may answer a sum), or None where it is blank."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return str(cell)
    raise ValueError(tr("{role} is not text: {cell}", role=role, cell=shorten(cell)))


def _rules(cell: object) -> tuple[Mapping[str, Any], ...]:
    parsed = _parsed(cell, "rules")
    items = [parsed] if isinstance(parsed, dict) else parsed
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(tr("rules is not a list of objects: {cell}", cell=shorten(cell)))
    return tuple(items)


def _tags(cell: object) -> tuple[str, ...]:
    if isinstance(cell, str) and not cell.lstrip().startswith("["):
        return tuple(filter(None, map(str.strip, cell.split(","))))
    items = _parsed(cell, "tags")
    texts = [name_text(item) for item in items] if isinstance(items, list) else [None]
    tags = [text for text in texts if text is not None]
    if len(tags) != len(texts):
        raise ValueError(tr("tags is neither a list of words nor text with commas: {cell}", cell=shorten(cell)))
    return tuple(tags)


def _parsed(cell: object, role: str) -> object:
    """Return a list-like cell, from JSON text if need be; nothing is an empty list."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return []
    if not isinstance(cell, str):
        return cell
    try:
        return parse_json(cell)
    except ValueError as error:
        raise ValueError(
            tr("{role} is not JSON ({error}): {cell}", role=role, error=error.args[0], cell=shorten(cell))
        ) from None


def _refuse_doubled_ids(rows: Sequence[Row], samples: Sequence[Sample], path: str) -> None:
    first: dict[str, int] = {}
    for row, sample in zip(rows, samples, strict=True):
        if sample.id in first:
            raise InputError(
                tr("id {id!r} was already used on line {first}", id=sample.id, first=first[sample.id]),
                path=path,
                line=row.line,
            )
        first[sample.id] = row.line
