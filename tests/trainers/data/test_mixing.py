"""Mixtures: as many of each source as its share says, nothing twice that was not asked for, decided by the seed."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TrainingDataError, UsageError
from harness.types import Message
from trainers.adapter.training_record import DataFile
from trainers.data.examples import Example
from trainers.data.mixing import mix, repeated, said_of_mixture
from trainers.data.sources import DataSource
from trainers.encoding import Encoded


def examples_of(name: str, count: int) -> list[Example]:
    return [Example(where=f"{name}:{n}", inputs={"input": f"{name} {n}?"}, answer="a") for n in range(count)]


def files_of(*counts: int) -> list[DataFile]:
    return [DataFile(name=f"{n}.json", sha256=str(n), rows=count) for n, count in enumerate(counts)]


def sources_of(*shares: float | None, caps: tuple[int | None, ...] = ()) -> list[DataSource]:
    caps = caps or (None,) * len(shares)
    return [
        DataSource(path=f"{n}.json", share=share, cap=cap)
        for n, (share, cap) in enumerate(zip(shares, caps, strict=True))
    ]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def taken(found: tuple[Example, ...]) -> Counter[str]:
    return Counter(example.where.partition(":")[0] for example in found)


@given(
    counts=st.lists(st.integers(10, 60), min_size=2, max_size=3),
    weights=st.lists(st.integers(1, 5), min_size=3, max_size=3),
    seed=st.integers(0, 3),
)
def test_shares_hold_and_nothing_comes_twice(counts: list[int], weights: list[int], seed: int) -> None:
    """As large as a mixture of these shares can be: one more sample of it would be one too many of some source."""
    weights = weights[: len(counts)]
    shares = [weight / sum(weights) for weight in weights]
    examples = [one for n, count in enumerate(counts) for one in examples_of(str(n), count)]
    made = mix(examples, files_of(*counts), sources_of(*shares), each=1, seed=seed)
    assert len({one.where for one in made.examples}) == len(made.examples)
    size = len(made.examples)
    for n, share in enumerate(shares):
        assert abs(taken(made.examples)[str(n)] - share * size) <= len(counts)
        assert made.files[n].taken == taken(made.examples)[str(n)]
    assert any(
        taken(made.examples)[str(n)] >= count - 1 / share
        for n, (count, share) in enumerate(zip(counts, shares, strict=True))
    )
    assert ([], {}) == (made.remarks, made.times)
    assert [one for one in examples if one in made.examples] == list(made.examples)


def test_seed_and_texts_decide_not_the_order() -> None:
    """The same samples from a file that is sorted otherwise; others by another seed."""
    examples = examples_of("0", 40)

    def chosen(given: list[Example], seed: int) -> set[str]:
        return {one.where for one in mix(given, files_of(40), sources_of(None, caps=(10,)), each=1, seed=seed).examples}

    assert chosen(examples, 1) == chosen(examples[::-1], 1)
    assert chosen(examples, 1) != chosen(examples, 2)
    assert 10 == len(chosen(examples, 1))


def test_a_size_that_a_source_does_not_have_is_met_by_repeating_and_said() -> None:
    """Each as often as the others, to one; whole pairs at a time."""
    examples = [*examples_of("0", 6), *examples_of("1", 100)]
    made = mix(examples, files_of(6, 100), sources_of(0.5, 0.5), each=1, seed=0, total=40)
    assert {"0": 6, "1": 20} == taken(made.examples)
    assert ["0.json: 6 samples for a larger share: each is learnt 3.33 times an epoch"] == made.remarks
    encoded = [Encoded(where=one.where, ids=(1, 2, 3), prompt=1, loss_start=1) for one in made.examples]
    found = Counter(one.where for one in repeated(encoded, made.times, each=1, seed=0))
    assert ({3, 4}, 20) == (
        {n for where, n in found.items() if where[0] == "0"},
        sum(n for where, n in found.items() if where[0] == "0"),
    )
    assert {1} == {n for where, n in found.items() if where[0] == "1"}
    pairs = repeated([one for one in encoded for _ in range(2)], made.times, each=2, seed=0)
    assert all(first.where == second.where for first, second in zip(pairs[::2], pairs[1::2], strict=True))
    assert 2 * 40 == len(pairs)


def test_conversations_stay_whole() -> None:
    """All answers of one or none of them."""
    turns = (Message(role="user", content="?"),)
    examples = [
        Example(where=f"{n} {turn}", inputs={"input": f"{n}{turn}"}, answer="a",
                history=(Message(role="user", content=f"talk {n}"), *turns) if turn else ())
        if turn else Example(where=f"{n} 0", inputs={"input": f"talk {n}"}, answer="a")
        for n in range(10) for turn in (0, 1)
    ]  # fmt: skip
    made = mix(examples, files_of(20), sources_of(None, caps=(7,)), each=1, seed=0)
    assert {2} == set(Counter(one.where.split()[0] for one in made.examples).values())
    assert 6 == len(made.examples)


def test_without_numbers_all_is_taken() -> None:
    """And nothing is said of a mixture."""
    examples = [*examples_of("0", 3), *examples_of("1", 2)]
    made = mix(examples, files_of(3, 2), sources_of(None, None), each=1, seed=0)
    assert (tuple(examples), None) == (made.examples, said_of_mixture(made.files))


def test_the_line_names_every_source() -> None:
    """What is taken of what is usable, and the share."""
    made = mix([*examples_of("0", 9), *examples_of("1", 8)], files_of(9, 8), sources_of(0.75, 0.25), each=1, seed=0)
    assert "Mixture: 0.json: 9 of 9 (75.0%), 1.json: 3 of 8 (25.0%)" == said_of_mixture(made.files)


def test_what_cannot_be_mixed() -> None:
    """A share that comes to nothing, and a size without shares."""
    with pytest.raises(TrainingDataError, match=r"The share of 1\.json comes to no sample \(3 usable\)"):
        mix([*examples_of("0", 9), *examples_of("1", 3)], files_of(9, 3), sources_of(0.99, 0.01), each=1, seed=0)
    with pytest.raises(UsageError, match="mixture_samples is for data with shares"):
        mix(examples_of("0", 9), files_of(9), sources_of(None), each=1, seed=0, total=5)
