"""Conversations: a list of turns becomes exchanges, each a question with its answer and what went before."""

from collections.abc import Mapping
from typing import NamedTuple

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
_A: Mapping[Role, str] = {"system": "a system", "user": "a user", "assistant": "an assistant"}


class Exchange(NamedTuple):
    """A question of a conversation, its answer, and all that was said before (a system message first, if there is one).

    ``turn`` is the number of the last turn in it, from 1; ``answer`` is None for a question that nobody answers.
    """

    turn: int
    history: tuple[Message, ...]
    input: str
    answer: str | None


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
        where = f"turn {number + len(system) + 1}"
        if turn.role != expected:
            raise ValueError(f"{where} is {_A[turn.role]} turn where {_A[expected]} turn is expected")
        if not turn.content.strip():
            raise ValueError(f"{where} is blank")
    if not spoken:
        raise ValueError("a conversation without a user turn")
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
            raise ValueError(f"the conversation is not JSON ({error}): {shorten(cell)}") from None
    if cell is None or cell in ("", []):
        raise ValueError("no conversation")
    if not isinstance(cell, list):
        raise ValueError(f"the conversation is not a list of turns: {shorten(cell)}")  # noqa: TRY004 - every bad cell is a ValueError here
    return cell


def _message(number: int, turn: object) -> Message:
    keys = next((keys for keys in _KEYS if isinstance(turn, Mapping) and turn.get(keys[0]) is not None), None)
    if keys is None or not isinstance(turn, Mapping):
        raise ValueError(f"turn {number} has neither role and content nor from and value: {shorten(turn)}")
    name, content = (turn.get(key) for key in keys)
    if not isinstance(name, str) or name not in _ROLES:
        raise ValueError(f"turn {number} is by {shorten(name)}; known: {', '.join(_ROLES)}")
    if not isinstance(content, str):
        raise ValueError(f"turn {number} is not text: {shorten(content)}")  # noqa: TRY004 - likewise
    return Message(role=_ROLES[name], content=content)
