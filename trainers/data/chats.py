"""Conversations: a list of turns becomes exchanges, each a question with its answer and what went before."""

from collections.abc import Mapping
from typing import NamedTuple

from harness.locale import Text, tr
from harness.tables import parse_json, shorten
from harness.types import Message, Role

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}
_KEYS = (("role", "content"), ("from", "value"))
_A: Mapping[Role, Text] = {
    "system": tr("a system turn"),
    "user": tr("a user turn"),
    "assistant": tr("an assistant turn"),
}


class Exchange(NamedTuple):
    """A question of a conversation, its answer, and all that was said before (a system message first, if there is one).

    ``turn`` is the number of the last turn in it, from 1; ``answer`` is None for a question that nobody answers.
    """

    turn: int
    history: tuple[Message, ...]
    input: str
    answer: str | None


def turns_of(cell: object) -> list[Message]:
    """Return the messages of a list of turns, or of that list as JSON text, whoever speaks first or last.

    >>> turns_of([{"role": "assistant", "content": "はい。"}])
    [Message(role='assistant', content='はい。')]

    Raises:
        ValueError: it is none, or a turn says nothing that is text; says which.
    """
    return [_message(number, turn) for number, turn in enumerate(_turns(cell), start=1)]


def exchanges(cell: object) -> list[Exchange]:
    """Return the exchanges of the conversation that a cell holds: a list of turns, or that list as JSON text.

    A turn has ``role`` and ``content`` (system, user, assistant), or ``from`` and ``value`` (system, human, gpt). After
    a system message, if there is one, user and assistant take turns. A blank system message counts as none.

    >>> talk = [{"from": "human", "value": "やあ"}, {"from": "gpt", "value": "はい。"}]
    >>> exchanges(talk)
    [Exchange(turn=2, history=(), input='やあ', answer='はい。')]

    Raises:
        ValueError: the cell is no such conversation; says why.
    """
    turns = [_message(number, turn) for number, turn in enumerate(_turns(cell), start=1)]
    system = turns[:1] if turns[0].role == "system" else []
    spoken = turns[len(system) :]
    for number, turn in enumerate(spoken):
        expected: Role = "assistant" if number % 2 else "user"
        place = number + len(system) + 1
        if turn.role != expected:
            raise ValueError(
                tr(
                    "turn {place} is {found} where {expected} is expected",
                    place=place,
                    found=_A[turn.role],
                    expected=_A[expected],
                )
            )
        if not turn.content.strip():
            raise ValueError(tr("turn {place} is blank", place=place))
    if not spoken:
        raise ValueError(tr("a conversation without a user turn"))
    before = [message for message in system if message.content.strip()]
    return [
        Exchange(
            turn=min(len(system) + start + 2, len(turns)),
            history=(*before, *spoken[:start]),
            input=spoken[start].content,
            answer=spoken[start + 1].content if start + 1 < len(spoken) else None,
        )
        for start in range(0, len(spoken), 2)
    ]


def _turns(cell: object) -> list[object]:
    if isinstance(cell, str) and cell.strip():
        try:
            cell = parse_json(cell)
        except ValueError as error:
            raise ValueError(
                tr("the conversation is not JSON ({error}): {cell}", error=error.args[0], cell=shorten(cell))
            ) from None
    if cell is None or cell in ("", []):
        raise ValueError(tr("no conversation"))
    if not isinstance(cell, list):
        said = tr("the conversation is not a list of turns: {cell}", cell=shorten(cell))
        raise ValueError(said)  # noqa: TRY004 - every bad cell is a ValueError here
    return cell


def _message(number: int, turn: object) -> Message:
    keys = next((keys for keys in _KEYS if isinstance(turn, Mapping) and turn.get(keys[0]) is not None), None)
    if keys is None or not isinstance(turn, Mapping):
        raise ValueError(
            tr("turn {place} has neither role and content nor from and value: {cell}", place=number, cell=shorten(turn))
        )
    name, content = (turn.get(key) for key in keys)
    if not isinstance(name, str) or name not in _ROLES:
        raise ValueError(
            tr("turn {place} is by {who}; known: {known}", place=number, who=shorten(name), known=", ".join(_ROLES))
        )
    if not isinstance(content, str):
        said = tr("turn {place} is not text: {cell}", place=number, cell=shorten(content))
        raise ValueError(said)  # noqa: TRY004 - likewise
    return Message(role=_ROLES[name], content=content)
