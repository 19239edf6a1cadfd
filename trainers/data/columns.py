"""Which columns of a table hold what: the instruction, the answer, or a whole conversation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import InputError, UnknownNameError, UsageError
from harness.locale import listing, tr
from harness.tables import Row

# What a column may be, with the names it goes by in order of preference. `text` comes last: beside an `instruction`
# it is the whole prompt, already rendered.
ROLES: Mapping[str, tuple[str, ...]] = {
    "messages": ("messages", "conversations"),
    "input": ("instruction", "input", "prompt", "question", "指示", "質問", "問題", "入力", "text"),
    "context": ("input", "入力", "context"),
    "answer": ("output", "completion", "response", "answer", "出力", "回答", "応答", "答え"),
    "system": ("system", "system_prompt"),
    "chosen": ("chosen", "preferred", "良い回答"),
    "rejected": ("rejected", "dispreferred", "悪い回答"),
}
_ALPACA = {"instruction": "input", "指示": "入力"}  # an instruction, and what it is about
# A mapping may name a role by these names, too: ``output=gold`` means the answer.
_ALIASES = {name: role for role, names in ROLES.items() if role != "context" for name in names} | {"context": "context"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The column that plays each role, and the further columns that ride along as template variables."""

    columns: Mapping[str, str]
    extra_columns: tuple[str, ...]

    @property
    def is_chat(self) -> bool:
        """Whether a row is a whole conversation."""
        return "messages" in self.columns


def recognise(rows: Sequence[Row], *, path: str, mapping: Mapping[str, str] | None = None) -> Layout:
    """Return how to read these rows, from the names of their columns.

    ``mapping`` names the columns of roles: ``input`` (the instruction), ``context`` (what the instruction is about),
    ``answer``, ``system``, ``messages`` (a conversation). Roles that it leaves out go by the names in `ROLES`. A column
    of messages wins over an input and an answer unless one of those is mapped. A column ``input`` beside an
    ``instruction`` is the context, as in Alpaca's files; so is 入力 beside 指示.

    >>> row = Row(line=1, values={"instruction": "要約して", "input": "長い文", "output": "短い文", "ID": "a"})
    >>> layout = recognise([row], path="train.json")
    >>> layout.columns, layout.extra_columns
    ({'input': 'instruction', 'context': 'input', 'answer': 'output'}, ('ID',))

    Raises:
        UnknownNameError: ``mapping`` has a key that is no role.
        UsageError: two of its keys mean the same role, or a conversation and a part of a pair.
        InputError: a mapped column that no row has; no column for the instruction or the answer, or two of them.
    """
    present = tuple(dict.fromkeys(name for row in rows for name in row.values))
    columns = _mapped(mapping or {}, present)
    _refuse_absent(columns, present, mapping or {}, path)
    if "messages" not in columns and not {"input", "answer"} & columns.keys():
        columns |= _found("messages", present, columns)
    if "messages" not in columns:
        columns |= _pair(columns, present, path)
    columns |= _found("system", present, columns)
    extra_columns = tuple(name for name in present if name not in {"input", *columns.values()})
    return Layout(columns=columns, extra_columns=extra_columns)


def recognise_preferences(rows: Sequence[Row], *, path: str, mapping: Mapping[str, str] | None = None) -> Layout:
    """Return how to read rows of preferences: an instruction, a better and a worse answer, as texts or messages.

    ``chosen`` and ``rejected`` may be whole conversations, which differ in their last turn alone: then there may be no
    column for the instruction.

    >>> row = Row(line=1, values={"prompt": "要約して", "chosen": "短い文", "rejected": "長い文"})
    >>> recognise_preferences([row], path="pairs.jsonl").columns
    {'input': 'prompt', 'chosen': 'chosen', 'rejected': 'rejected'}

    Raises:
        UnknownNameError, UsageError: as `recognise`.
        InputError: a mapped column that no row has; no column for the better or the worse answer.
    """
    present = tuple(dict.fromkeys(name for row in rows for name in row.values))
    columns = _mapped(mapping or {}, present)
    _refuse_absent(columns, present, mapping or {}, path)
    for role in ("input", "chosen", "rejected", "system"):
        columns |= _found(role, present, columns)
    if missing := [role for role in ("chosen", "rejected") if role not in columns]:
        raise InputError(
            tr("no column for {missing}", missing=listing(_PARTS[role] for role in missing)),
            path=path,
            hint=tr(
                "{present} Name yours: {missing}.",
                present=_listed(present),
                missing=" ".join(f"--columns {role}=NAME" for role in missing),
            ),
        )
    order = [role for role in ROLES if role in columns]
    extra = tuple(name for name in present if name not in {"input", *columns.values()})
    return Layout(columns={role: columns[role] for role in order}, extra_columns=extra)


def _refuse_absent(columns: Mapping[str, str], present: Sequence[str], mapping: Mapping[str, str], path: str) -> None:
    """Raise if a column that a role is mapped to is in no row."""
    for role, name in columns.items():
        if name not in present:
            reversed_ = [key for key in mapping if key in present and mapping[key] == name in _ALIASES]
            listed = _listed(present)
            turned = tr(
                "{listed} The order is ROLE=COLUMN: --columns {name}={column}.",
                listed=listed,
                name=name,
                column=(reversed_ or [""])[0],
            )
            raise InputError(
                tr("no column {name!r} (mapped to {role})", name=name, role=role),
                path=path,
                hint=turned if reversed_ else listed,
            )


def _mapped(mapping: Mapping[str, str], present: Sequence[str]) -> dict[str, str]:
    """Return the mapping by role; with both ``instruction`` and ``input``, the latter is the context."""
    columns: dict[str, str] = {}
    for key, name in mapping.items():
        if key not in _ALIASES:
            turned = (
                f"The order is ROLE=COLUMN: --columns {name}={key}" if name in _ALIASES and key in present else None
            )
            raise UnknownNameError(tr("column role"), key, ROLES, hint=turned)
        role = "context" if key == "input" and "instruction" in mapping else _ALIASES[key]
        if role in columns:
            raise UsageError(
                tr(
                    "Two columns are mapped to {role}: {columns!r} and {name!r}.",
                    role=role,
                    columns=columns[role],
                    name=name,
                )
            )
        columns[role] = name
    pair = sorted({"input", "context", "answer"} & columns.keys())
    if "messages" in columns and pair:
        raise UsageError(
            tr(
                "Columns are mapped to messages and to {pair}: a row is a conversation or a pair.", pair=", ".join(pair)
            ),
            hint=tr("Leave out one of the two."),
        )
    return columns


def _pair(mapped: Mapping[str, str], present: Sequence[str], path: str) -> dict[str, str]:
    """Return the columns of an instruction, its context if there is one, and its answer."""
    columns = dict(mapped)
    if "input" not in columns:
        _refuse_two("instruction", _instructions(columns, present), path)
    columns |= _found("input", present, columns)
    if "context" not in columns:
        others = set(_ALPACA.values()) - {_ALPACA.get(columns.get("input", ""))}
        columns |= _found("context", [name for name in present if name not in others], columns)
    if "answer" not in columns:
        _refuse_two("answer", [name for name in ROLES["answer"] if name in {*present} - {*columns.values()}], path)
    columns |= _found("answer", present, columns)
    missing = [role for role in ("input", "answer") if role not in columns]
    if missing:
        raise InputError(
            tr("no column for {missing}", missing=listing(_PARTS[role] for role in missing)),
            path=path,
            hint=tr(
                "{present} Name yours: {missing}.",
                present=_listed(present),
                missing=" ".join(f"--columns {role}=NAME" for role in missing),
            ),
        )
    if "input" in present and "input" not in columns.values():
        raise InputError(
            tr("column 'input' would be hidden, because {columns!r} is mapped to input", columns=columns["input"]),
            path=path,
            hint=tr("Rename it, or map it to context to have it follow the instruction."),
        )
    return columns


def _instructions(mapped: Mapping[str, str], present: Sequence[str]) -> list[str]:
    """Return the columns that could each be the instruction; Alpaca's input and rendered text follow one."""
    found = [name for name in ROLES["input"] if name in present and name not in mapped.values()]
    follow = {follower for name in found if name in _ALPACA for follower in (_ALPACA[name], "text")}
    return [name for name in found if name not in follow]


_PARTS = {
    "input": tr("the instruction"),
    "answer": tr("the answer"),
    "chosen": tr("the better answer"),
    "rejected": tr("the worse answer"),
}


def _refuse_two(what: str, candidates: Sequence[str], path: str) -> None:
    if len(candidates) > 1:
        role = "input" if what == "instruction" else what
        raise InputError(
            tr("{columns} could each be {what}", columns=listing(map(repr, candidates)), what=_PARTS[role]),
            path=path,
            hint=tr("Say which: --columns input=NAME, and, if another is what it is about, --columns context=NAME.")
            if role == "input"
            else tr("Say which: --columns {role}=NAME.", role=role),
        )


def _found(role: str, present: Iterable[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return the first column of a role's names that plays no role yet, unless the role has a column."""
    taken = set(columns.values())
    free = [name for name in ROLES[role] if name in set(present) and name not in taken]
    return {role: free[0]} if free and role not in columns else {}


def _listed(present: Iterable[str]) -> str:
    return tr("The columns are: {columns}.", columns=listing(present))
