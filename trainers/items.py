"""Samples that belong together: of a preference the better and the worse answer, which are never parted."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from trainers.encoding import Encoded

T = TypeVar("T")


def items_of(samples: Sequence[T], each: int) -> tuple[tuple[T, ...], ...]:
    """Return samples in items of ``each``, in order.

    >>> items_of("abcd", 2)
    (('a', 'b'), ('c', 'd'))
    """
    return tuple(tuple(samples[start : start + each]) for start in range(0, len(samples), each))


def whole(samples: Sequence[Encoded], each: int) -> tuple[Encoded, ...]:
    """Return the samples of which ``each`` with one ``where`` are left: where one was left out, so is the other."""
    count = Counter(sample.where for sample in samples)
    return tuple(sample for sample in samples if count[sample.where] == each)


def item_lengths(samples: Sequence[Encoded], each: int) -> list[int]:
    """Return the tokens of each item."""
    return [sum(map(len, item)) for item in items_of(samples, each)]
