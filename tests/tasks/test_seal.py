"""Which tasks a seal keeps away: by content, evenly over tags, nothing torn apart."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.codec import sample_digest
from harness.errors import UsageError
from harness.tasks.elyza import open_elyza
from harness.tasks.seal import FEWEST, split_samples
from harness.types import Sample, TaskSpec


def tasks(count: int, tags: int = 4, clusters: int = 0) -> list[Sample]:
    """Return so many unlike tasks, their tags and clusters in turn."""
    return [
        Sample(
            id=str(number),
            inputs={"input": f"質問{number}"},
            tags=(f"種類{number % tags}",),
            cluster=f"家族{number % clusters}" if clusters else None,
        )
        for number in range(count)
    ]


@given(st.integers(60, 140), st.integers(1, 9), st.sampled_from([0.3, 0.4, 0.5, 0.6]), st.integers(0, 99))
def test_the_order_the_ids_and_the_name_change_nothing(count: int, tags: int, share: float, seed: int) -> None:
    """A shuffled copy with other ids under another name has the same tasks sealed; the parts make the whole."""
    samples = tasks(count, tags)
    shuffled = [replace(sample, id=f"x{sample.id}") for sample in samples]
    random.Random(seed).shuffle(shuffled)
    split = split_samples("a", samples, share)
    assert split == split_samples("b", shuffled, share)
    assert {sample_digest(sample) for sample in samples} == {*split.sealed, *split.opened}
    assert not {*split.sealed} & {*split.opened}
    assert abs(len(split.sealed) - share * count) <= 1


@given(st.integers(1, 12), st.sampled_from([0.25, 0.5, 0.7]))
def test_every_tag_has_its_share(tags: int, share: float) -> None:
    """No tag is off by more than one task and the rounding of the whole."""
    samples = tasks(120, tags)
    sealed = {*split_samples("a", samples, share).sealed}
    for tag, count in Counter(sample.tags for sample in samples).items():
        inside = sum(sample_digest(sample) in sealed for sample in samples if sample.tags == tag)
        assert abs(inside - share * count) <= 1.5, tag


def test_rare_tags_are_not_all_on_one_side() -> None:
    """Of 60 tags with one task each about half are sealed."""
    sealed = split_samples("a", tasks(60, 60)).sealed
    assert 30 == len(sealed)


def test_clusters_and_copies_stay_together() -> None:
    """Nothing of a cluster, and no copy of a task, is on the other side, whatever id or tag the copy has."""
    samples = tasks(100, clusters=25)
    samples += [replace(sample, id=f"copy {sample.id}", tags=("その他",), cluster=None) for sample in samples[:40]]
    split = split_samples("a", samples)
    sides: dict[str, set[bool]] = {}
    for sample in samples[:100]:
        sides.setdefault(str(sample.cluster), set()).add(sample_digest(sample) in split.sealed)
    assert all(len(found) == 1 for found in sides.values())
    assert 140 // 2 == pytest.approx(sum(sample_digest(sample) in split.sealed for sample in samples), abs=8)


@pytest.mark.parametrize(
    ("samples", "share", "said"),
    [
        (tasks(19), 0.5, "of its 19 independent tasks"),
        (tasks(100), 0.05, "5 would be sealed"),
        (tasks(100), 0.95, "5 stay open"),
        (tasks(100, clusters=15), 0.5, "of its 15 independent tasks"),
        ([Sample(id=str(n), inputs={"input": "同じ"}) for n in range(100)], 0.5, "of its 1 independent tasks"),
        (tasks(100), 0.0, "leaves one part empty"),
        (tasks(100), 1.0, "leaves one part empty"),
        ([], 0.5, "of its 0 independent tasks"),
    ],
)
def test_parts_that_show_nothing_are_refused(samples: list[Sample], share: float, said: str) -> None:
    """Too few tasks, too few clusters, nothing but copies, and shares that are none."""
    with pytest.raises(UsageError, match=said):
        split_samples("小さい", samples, share)


def test_twice_the_fewest_is_enough() -> None:
    """The smallest set that can be sealed."""
    assert FEWEST == len(split_samples("a", tasks(2 * FEWEST)).sealed)


def test_elyza_tasks_are_halved(shared_data: Path) -> None:
    """The published 100 tasks, and the competition's."""
    found = open_elyza(TaskSpec(name="elyza-tasks-100", source=str(shared_data / "elyza-tasks-100" / "test.jsonl")))
    assert 50 == len(split_samples("elyza-tasks-100", list(found.samples())).sealed)
