"""Texts that nearly are a benchmark's task: character trigrams that both have, numbers and the kind of kana left aside.

Japanese has no spaces between words, so the trigrams of characters, not words, are compared (Broder's resemblance and
containment, "On the resemblance and containment of documents", 1997). How well they tell copies from other questions is
measured by ``bench/near_duplicates.py``.
"""

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from trainers.data.normalising import in_hiragana, without_numbers

DEFAULT_NEAR = 0.45
"""The share of common trigrams from which on a text counts as a copy, unless told otherwise."""
HELD = 0.9
"""A text that holds this share of a task's trigrams holds the task, however much else it says ..."""
FEWEST_HELD = 20
"""... if the task has so many: the few of a short one can all stand in a long text by chance ..."""
FEWEST_IN_A_ROW = 5
"""... but not all of them in one place, one after the other; fewer than these are a phrase of anybody's."""

_N = 3
_BYTES = 3  # of a hash: so few that each stands for thousands of trigrams, and no text can be read from them


class Task(NamedTuple):
    """A task of a benchmark, by name and id."""

    benchmark: str
    id: str


def shingles(text: str) -> frozenset[bytes]:
    """Return the hashes of a text's character trigrams, without numbers and in hiragana; a shorter text is its own.

    >>> shingles("１日３回") == shingles("2日5回"), len(shingles("日本の首都")), len(shingles(""))
    (True, 3, 0)
    """
    return frozenset(_in_order(text))


def pack(hashes: frozenset[bytes]) -> str:
    """Return hashes as one line of ASCII.

    >>> unpack(pack(shingles("日本の首都"))) == shingles("日本の首都")
    True
    """
    return base64.b64encode(b"".join(sorted(hashes))).decode()


def unpack(packed: str) -> frozenset[bytes]:
    """Return the hashes of `pack`."""
    data = base64.b64decode(packed)
    return frozenset(data[i : i + _BYTES] for i in range(0, len(data), _BYTES))


class NearIndex:
    """Tasks by their trigrams."""

    def __init__(self, tasks: Mapping[Task, str], near: float = DEFAULT_NEAR) -> None:
        """``tasks``: packed trigrams by task; ``near``: the Jaccard share, in (0, 1], from which on a text is one."""
        self._near = near
        self._sizes: dict[Task, int] = {}
        self._having: dict[bytes, list[Task]] = defaultdict(list)
        for task, packed in tasks.items():
            hashes = unpack(packed)
            self._sizes[task] = len(hashes)
            for one in hashes:
                self._having[one].append(task)

    def found(self, text: str) -> list[tuple[Task, float]]:
        """Return the tasks that a text nearly is or holds, the closest first, each with the share that says so.

        The share is that of the common trigrams among those of either, or, where the text holds the task, among the
        task's.

        >>> index = NearIndex({Task("mine", "7"): pack(shingles("日本の首都はどこですか。"))})
        >>> [(task.id, round(share, 2)) for task, share in index.found("日本の首都はどこでしょうか？")]
        [('7', 0.54)]
        >>> index.found("フランスの首都はパリです。")
        []
        """
        order = _in_order(text)
        mine = frozenset(order)
        common = Counter(task for one in mine for task in self._having.get(one, ()))
        found: list[tuple[Task, float]] = []
        for task, count in common.items():
            alike = count / (len(mine) + self._sizes[task] - count)
            held = count / self._sizes[task] if self._sizes[task] >= FEWEST_HELD else 0.0
            if alike >= self._near:
                found.append((task, alike))
            elif held >= max(HELD, self._near):
                found.append((task, held))
            elif count == self._sizes[task] >= FEWEST_IN_A_ROW and self._in_a_row(task, order):
                found.append((task, 1.0))
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def _in_a_row(self, task: Task, order: Sequence[bytes]) -> bool:
        """Whether a text says a task's trigrams, all of them, without another between."""
        theirs = [task in self._having.get(one, ()) for one in order]
        runs = groupby(zip(theirs, order, strict=True), key=itemgetter(0))
        return any(its and self._sizes[task] == len({one for _, one in run}) for its, run in runs)


def _in_order(text: str) -> list[bytes]:
    """Return the hash of the trigram that begins at each character."""
    folded = in_hiragana(without_numbers(text))
    return [_hashed(folded[i : i + _N]) for i in range(max(1, len(folded) - _N + 1))] if folded else []


@lru_cache(maxsize=1 << 16)
def _hashed(trigram: str) -> bytes:
    return hashlib.blake2b(trigram.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()
