"""Samples shared out so that every share comes to about as many tokens: over devices, and over micro-batches."""

import math
from collections.abc import Sequence


def balance_across_ranks(indices: Sequence[int], lengths: Sequence[int], ranks: int) -> list[list[int]]:
    """Return indices in ``ranks`` shares of about equal total length, each in the order given; some may be empty.

    The longest comes first, and always into the share that is the shortest so far.

    >>> balance_across_ranks([0, 1, 2, 3], [10, 1, 9, 2], 2)
    [[0, 1], [2, 3]]
    """
    shares: list[list[int]] = [[] for _ in range(ranks)]
    sums = [0] * ranks
    for index in sorted(indices, key=lambda index: (-lengths[index], index)):
        shortest = min(range(ranks), key=lambda rank: (sums[rank], rank))
        shares[shortest].append(index)
        sums[shortest] += lengths[index]
    place = {index: position for position, index in enumerate(indices)}
    return [sorted(share, key=place.__getitem__) for share in shares]


def largest_share(indices: Sequence[int], lengths: Sequence[int], ranks: int) -> int:
    """Return the total length of the largest of the shares that `balance_across_ranks` makes.

    >>> largest_share([0, 1, 2, 3], [10, 1, 9, 2], 2)
    11
    """
    return max(sum(lengths[index] for index in share) for share in balance_across_ranks(indices, lengths, ranks))


def split_evenly(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Return the indices of a batch's samples in as few groups of at most ``tokens`` as balancing finds.

    A sample longer than ``tokens`` is a group of its own.

    >>> split_evenly([5, 1, 4, 2], 6)
    [[0, 1], [2, 3]]
    >>> split_evenly([9, 1], 4)
    [[0], [1]]
    """
    everything = range(len(lengths))
    for count in range(max(1, math.ceil(sum(lengths) / tokens)), len(lengths) + 1):
        groups = balance_across_ranks(everything, lengths, count)
        if all(len(group) == 1 or sum(lengths[index] for index in group) <= tokens for group in groups):
            return [group for group in groups if group]
    return [[index] for index in everything]
