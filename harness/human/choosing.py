"""Which tasks people rate: a simple random draw, or a stratified one with known chances. Pure.

Within a stratum every task has the same chance, whatever people have said: how many are drawn follows from the judges'
scores alone. So a mean over strata, each with its share of all tasks, is unbiased however wrong the judges are; only
how wide its interval is depends on them.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.codec import digest
from harness.stats.allocation import allocate

DrawKind = Literal["simple", "stratified", "optimal"]
"""How tasks are drawn: each alike; strata in proportion to their size; or by how unsure the judges are, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strata:
    """Parts of one task set, as task ids, with how far people's scores are expected to spread in each (any unit)."""

    parts: tuple[tuple[str, ...], ...]
    spreads: tuple[float, ...]

    def within(self, ids: Collection[str]) -> "Strata":
        """Return the strata of some tasks alone; parts that hold none are gone."""
        wanted = set(ids)
        left = [tuple(one for one in part if one in wanted) for part in self.parts]
        kept = list(zip(left, self.spreads, strict=True))
        return Strata(
            parts=tuple(part for part, _ in kept if part), spreads=tuple(spread for part, spread in kept if part)
        )


def choose(
    seed: int,
    task: str,
    complete: Sequence[str],
    wanted: int,
    *,
    strata: Strata | None = None,
    taken: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return ``wanted`` of the ``complete`` tasks in their order, those ``taken`` in an earlier draw among them.

    ``strata`` are of exactly these tasks. More than ``wanted`` are drawn where strata would have fewer than two.

    >>> choose(0, "t", ["a", "b", "c", "d"], 2), choose(0, "t", ["a", "b", "c", "d"], 3, taken=["a", "b"])
    (('a', 'b'), ('a', 'b', 'd'))
    """
    had = set(taken)
    more = ("more", len(had)) if had else ()
    if strata is None:
        rest = [one for one in complete if one not in had]
        picked = had | set(rng(seed, "tasks", task, *more).sample(rest, wanted - len(had)))
        return tuple(one for one in complete if one in picked)
    counts = [sum(one in had for one in part) for part in strata.parts]
    given = allocate([len(part) for part in strata.parts], strata.spreads, wanted, taken=counts)
    picked = set(had)
    for place, (part, count) in enumerate(zip(strata.parts, given, strict=True)):
        rest = [one for one in part if one not in had]
        picked.update(rng(seed, "tasks", task, *more, "stratum", place).sample(rest, count - counts[place]))
    return tuple(one for one in complete if one in picked)


def rng(*parts: object) -> random.Random:
    """Return a source of chance that is the same for the same parts."""
    return random.Random(digest(list(parts)))  # noqa: S311 - a draw that can be repeated, not a secret
