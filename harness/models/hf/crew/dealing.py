"""What each process of a crew is given: whole models as long as they come out even, the rest in equal parts."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.remote.pricing import rough_tokens
from harness.types import Request

_EVEN = 1.03  # times the shortest time that any deal could take
_PROMPT = 1 / 16  # of what generating a token takes, a token of the prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Requests to one model that one process answers. ``failures``: processes that ended while they were at it."""

    model: str
    requests: tuple[Request, ...]
    failures: int = 0

    @property
    def cost(self) -> float:
        """How long it takes at most, in tokens that are generated one row after the other."""
        return sum(map(request_cost, self.requests))


def request_cost(request: Request) -> float:
    """Return how long a request takes at most, in generated tokens."""
    return request.sampling.max_new_tokens + _PROMPT * rough_tokens(request.rendered.text)


def deal(asked: Mapping[str, Sequence[Request]], hands: int) -> list[Unit]:
    """Return the units in the order in which whoever is free takes the next; equal input gives equal units.

    A model stays whole if it can: its batches are then those of a single process, and a pass over half a batch takes
    almost as long as over a whole one. Only as many of the last models are split as the hands would else wait for one
    another.
    """
    whole = [Unit(model=model, requests=tuple(requests)) for model, requests in asked.items() if requests]
    for split in range(len(whole) + 1):
        kept, rest = whole[: len(whole) - split], whole[len(whole) - split :]
        units = [*kept, *(part for unit in rest for part in _parts(unit, hands))]
        if split == len(whole) or _seconds(units, hands) <= _EVEN * sum(unit.cost for unit in whole) / hands:
            return units
    return []


def _parts(unit: Unit, hands: int) -> list[Unit]:
    """Return a unit as up to ``hands`` of about equal lengths: the longest first, to and fro."""
    longest_first = sorted(unit.requests, key=lambda request: (-len(request.rendered.text), request.key))
    parts: list[list[Request]] = [[] for _ in range(min(hands, len(longest_first)))]
    for place, request in enumerate(longest_first):
        lap, step = divmod(place, len(parts))
        parts[step if lap % 2 == 0 else len(parts) - 1 - step].append(request)
    return [Unit(model=unit.model, requests=tuple(part)) for part in parts]


def _seconds(units: Sequence[Unit], hands: int) -> float:
    """Return how long units take, in their costs, if whoever is free takes the next."""
    free = [0.0] * hands
    todo = deque(units)
    while todo:
        first = min(range(hands), key=free.__getitem__)
        free[first] += todo.popleft().cost
    return max(free)
