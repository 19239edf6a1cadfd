"""The law for calls in flight, against simulated servers of every kind, beside the law that cuts at every refusal."""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from harness.remote.congestion import Congestion

IN_FLIGHT, ATTEMPTS = 32, 8
Server = Callable[[float, int, random.Random], bool | None]  # now, open calls → taken, refused, or None: broken


class Halving:
    """The law before: half at every refusal, once a round, and one more a round: the oracle for true quotas."""

    def __init__(self, maximum: int) -> None:
        self.maximum, self.limit, self.cuts = maximum, float(maximum), 0

    @property
    def current(self) -> int:
        return max(1, int(self.limit))

    def left(self) -> int:
        return self.cuts

    def worked(self, _: int) -> None:
        self.limit = min(self.maximum, self.limit + 1 / self.limit)

    def refused(self, ticket: int) -> bool:
        if ticket == self.cuts:
            self.cuts += 1
            self.limit = max(1.0, self.limit / 2)
        return False


@dataclass
class Went:
    """How 400 calls went: the last one's end, and the refusals."""

    seconds: float = 0.0
    refused: int = 0
    lost: int = 0


def simulate(law: Any, server: Server, seed: int, *, items: int = 400, takes: float = 1.0) -> Went:
    """Send calls as `Caller` does, on a clock of its own: 32 threads, a back-off of 1, 2, 4 … and up to 1 s more."""
    chance, events, order, went = random.Random(seed), list[Any](), itertools.count(), Went()
    waiting, busy, open_now = list[int](), 0, 0

    def at(time: float, what: str, *facts: Any) -> None:
        heapq.heappush(events, (time, next(order), what, facts))

    for _ in range(IN_FLIGHT):
        at(0.0, "next")
    while events:
        now, _, what, facts = heapq.heappop(events)
        if what == "next" and items:
            items -= 1
            waiting.append(1)
        elif what == "again":
            waiting.append(facts[0])
        elif what == "end":
            attempt, ticket, outcome = facts
            busy -= 1
            open_now -= outcome is True
            is_noise = law.refused(ticket) if outcome is False else False
            went.refused += outcome is False
            if outcome is True:
                law.worked(ticket)
                went.seconds = now
            if outcome is True or attempt == ATTEMPTS:
                went.lost += outcome is not True
                at(now, "next")
            else:
                back_off = chance.random() + (0 if is_noise else min(60, 2 ** (attempt - 1)))
                at(now + back_off, "again", attempt + 1)
        while waiting and busy < law.current:
            busy += 1
            outcome = server(now, open_now, chance)
            open_now += outcome is True
            at(
                now + (takes * chance.uniform(0.7, 1.3) if outcome else 0.02),
                "end",
                waiting.pop(0),
                law.left(),
                outcome,
            )
    return went


def noise(refused: float, broken: float = 0.0) -> Callable[[], Server]:
    """A server that refuses now and then, whatever one does."""

    def make() -> Server:
        def server(_: float, __: int, chance: random.Random) -> bool | None:
            drawn = chance.random()
            return None if drawn < broken else drawn >= broken + refused

        return server

    return make


def at_most(places: int) -> Callable[[], Server]:
    """A server that takes so many calls at once."""
    return lambda: lambda _, open_now, __: open_now < places


def bucket(rate: float, burst: float) -> Callable[[], Server]:
    """A server that takes so many calls a second, and some more at first."""

    def make() -> Server:
        level, last = burst, 0.0

        def server(now: float, _: int, __: random.Random) -> bool:
            nonlocal level, last
            level, last = min(burst, level + (now - last) * rate), now
            taken = level >= 1
            level -= taken
            return taken

        return server

    return make


def window(calls: int, seconds: float) -> Callable[[], Server]:
    """A server that takes so many calls in any so many seconds."""

    def make() -> Server:
        taken = list[float]()

        def server(now: float, _: int, __: random.Random) -> bool:
            taken[:] = [time for time in taken if now - time < seconds]
            if len(taken) >= calls:
                return False
            taken.append(now)
            return True

        return server

    return make


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def many(law: Callable[[int], Any], make: Callable[[], Server], runs: int = 12) -> list[Went]:
    return [simulate(law(IN_FLIGHT), make(), seed) for seed in range(runs)]


@pytest.mark.parametrize(("refused", "broken"), [(0.12, 0.04), (0.05, 0.0), (0.2, 0.0)])
def test_noise_costs_less_than_half_of_the_speed(refused: float, broken: float) -> None:
    """Clean it takes 13 s, with halving at each refusal 60 to 150."""
    clean = mean([went.seconds for went in many(Congestion, noise(0.0))])
    ours, before = many(Congestion, noise(refused, broken)), many(Halving, noise(refused, broken))
    assert 12 < clean < 16
    assert mean([went.seconds for went in ours]) < (2.0 if refused < 0.15 else 2.5) * clean
    assert mean([went.seconds for went in ours]) < 0.5 * mean([went.seconds for went in before])
    assert 0 == sum(went.lost for went in ours)


QUOTAS = {
    **{f"{places} at once": at_most(places) for places in (1, 2, 4, 6, 10, 14, 20, 28, 31)},
    **{f"{rate} a second": bucket(rate, burst) for rate, burst in ((1, 1), (2, 5), (5, 10), (10, 10), (25, 5))},
    **{f"{calls} in {seconds} s": window(calls, seconds) for calls, seconds in ((60, 60), (15, 10), (100, 10))},
}


@pytest.mark.parametrize("make", QUOTAS.values(), ids=QUOTAS)
def test_a_true_quota_is_not_tried_more_often(make: Callable[[], Server]) -> None:
    """As many refusals as with halving at each, to within a twentieth and a call."""
    ours, before = many(Congestion, make, 8), many(Halving, make, 8)
    assert mean([w.refused for w in ours]) <= 1.05 * mean([w.refused for w in before]) + 1
    assert mean([w.seconds for w in ours]) <= 1.05 * mean([w.seconds for w in before]) + 1


def test_a_refusal_that_names_a_quota_is_never_noise() -> None:
    """However well the calls went with few of them."""
    law = Congestion(IN_FLIGHT)
    for number in range(400):  # refusals that nothing changes, until they are let pass
        law.refused(law.left()) if number % 8 == 7 else law.worked(law.left())
    assert law.current > 16
    assert law.refused(law.left())
    before = law.current
    assert not law.refused(law.left(), names_a_quota=True)
    assert law.current == max(1, before // 2)


def test_noise_that_becomes_a_quota_is_noticed() -> None:
    """Eight refusals in a row are no chance: the calls are halved again."""
    law = Congestion(IN_FLIGHT)
    for number in range(400):
        law.refused(law.left()) if number % 8 == 7 else law.worked(law.left())
    for _ in range(60):
        law.refused(law.left())
    assert law.current <= 2
