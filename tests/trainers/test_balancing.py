"""Samples shared out over devices and over micro-batches."""

from hypothesis import example, given
from hypothesis import strategies as st

from trainers.balancing import balance_across_ranks, split_evenly


@given(lengths=st.lists(st.integers(1, 2000), min_size=1, max_size=40), ranks=st.integers(1, 9))
def test_every_rank_gets_a_like_share(lengths: list[int], ranks: int) -> None:
    """Every sample once and in the order given; no two shares differ by more than the longest sample."""
    order = sorted(range(len(lengths)), key=lambda index: (index * 7919) % 41)
    shares = balance_across_ranks(order, lengths, ranks)
    assert ranks == len(shares)
    assert sorted(order) == sorted(index for share in shares for index in share)
    assert all(share == [index for index in order if index in share] for share in shares)
    sums = [sum(lengths[index] for index in share) for share in shares]
    assert max(sums) - min(sums) <= max(lengths)


@given(
    lengths=st.lists(st.integers(1, 2000), min_size=1, max_size=40),
    tokens=st.integers(1, 4000),
)
@example(lengths=[5, 5, 5], tokens=10)
def test_a_split_is_a_partition_within_the_limit(lengths: list[int], tokens: int) -> None:
    """Every sample once, so that no sum changes; no group past the limit unless it is one sample; none empty."""
    groups = split_evenly(lengths, tokens)
    assert list(range(len(lengths))) == sorted(index for group in groups for index in group)
    assert all(groups)
    assert [] == [g for g in groups if len(g) > 1 and sum(lengths[index] for index in g) > tokens]


def test_a_split_takes_no_more_groups_than_it_must() -> None:
    """Sixteen equal samples of which four fit at once go in four groups of four."""
    assert [4, 4, 4, 4] == [len(group) for group in split_evenly([100] * 16, 400)]
    assert 1 == len(split_evenly([100] * 16, 1600))
