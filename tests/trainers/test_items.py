"""Samples that belong together stay together."""

import pytest

from trainers.encoding import Encoded
from trainers.items import item_lengths, items_of, whole


def encoded(where: str, length: int) -> Encoded:
    return Encoded(where=where, ids=tuple(range(length)), prompt=1, loss_start=1)


@pytest.mark.parametrize(("each", "expected"), [(1, [("a",), ("b",), ("c",), ("d",)]), (2, [("a", "b"), ("c", "d")])])
def test_items(each: int, expected: list[tuple[str, ...]]) -> None:
    """In order."""
    assert tuple(expected) == items_of(["a", "b", "c", "d"], each)


def test_where_one_was_left_out_so_is_the_other() -> None:
    """Of three pairs the second lost an answer."""
    samples = [encoded(where, 3) for where in ("1", "1", "2", "3", "3")]
    assert ["1", "1", "3", "3"] == [sample.where for sample in whole(samples, 2)]
    assert len(samples[:3:2]) == len(whole(samples[:3:2], 1))


def test_lengths() -> None:
    """A pair is as long as both its answers with their prompts."""
    samples = [encoded("1", 3), encoded("1", 4), encoded("2", 5), encoded("2", 6)]
    assert ([7, 11], [3, 4, 5, 6]) == (item_lengths(samples, 2), item_lengths(samples, 1))
