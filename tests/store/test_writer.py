"""The writing thread: every row is durable when it says so, and an error of the store is never swallowed."""

import threading

import pytest

from harness.errors import StoreError
from harness.store.leases import Leases
from harness.store.store import Store
from harness.store.writer import Writer
from harness.types import Generation, Judgement, Verdict


def answer(number: int) -> Generation:
    return Generation(request_key=f"g{number}", text=str(number))


def judgement(number: int) -> Judgement:
    return Judgement(
        key=f"j{number}", request_key=f"g{number}", judge="j", judge_fingerprint="f", repeat=0,
        verdict=Verdict.scored(number % 5 + 1),
    )  # fmt: skip


def test_all_rows_are_there_when_the_block_ends(store: Store) -> None:
    """From several threads, more than one transaction takes, answers and judgements mixed."""
    with Writer(store) as writer:

        def hand_over(first: int) -> None:
            for number in range(first, 900, 3):
                writer.add(answer(number))
                writer.add(judgement(number))

        threads = [threading.Thread(target=hand_over, args=(first,)) for first in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    keys = range(900)
    assert {f"g{number}": str(number) for number in keys} == {
        key: found.text for key, found in store.generations([f"g{number}" for number in keys]).items()
    }
    assert 900 == len(store.judgements([f"j{number}" for number in keys]))


def test_who_waits_finds_the_row(store: Store) -> None:
    """While the writer is still open, and from another connection."""
    with Writer(store) as writer, Store(store.url) as other:
        writer.add(answer(1))
        writer.wait()
        assert "1" == other.generations(["g1"])["g1"].text


def written(store: Store, *rows: Generation, error: BaseException | None = None) -> None:
    """Write rows, waiting after each, and end with an error."""
    with Writer(store) as writer:
        for row in rows:
            writer.add(row)
            writer.wait()
        if error is not None:
            raise error


def test_an_exception_of_the_run_is_not_replaced(store: Store) -> None:
    """What was handed over before is written all the same; what could not be is told of with it."""
    with pytest.raises(KeyboardInterrupt) as caught:
        written(store, answer(2), error=KeyboardInterrupt())
    assert store.generations(["g2"])
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(KeyboardInterrupt) as caught:
        written(Full(), answer(2), error=KeyboardInterrupt())  # type: ignore[arg-type]
    said = "1 answer or verdict could not be stored, and would have to be made again: the disk is full"
    assert [said] == caught.value.__notes__


class Full:
    """A store whose disk is full."""

    def write(self, **_: object) -> None:
        raise StoreError("the disk is full")


@pytest.mark.parametrize("rows", [1, 2])
def test_an_error_of_the_store_is_raised_and_nobody_hangs(rows: int) -> None:
    """By the next row, or at the end; a wait ends as well."""
    with pytest.raises(StoreError, match="the disk is full"):
        written(Full(), *map(answer, range(rows)))  # type: ignore[arg-type]


def test_a_lease_ends_with_its_row_or_with_its_key(store: Store) -> None:
    """Another run may then have the key of what is not going to come, and needs none for what came."""
    with Leases(store) as leases, Leases(store) as others:
        assert {"g1", "g2"} == set(leases.claim(["g1", "g2"]))
        assert not others.claim(["g1", "g2"])
        with Writer(store, leases) as writer:
            writer.add(answer(1))
            writer.add("g2")
        assert {"g2"} == others.claim(["g1", "g2"])
    assert ["g1"] == list(store.generations(["g1", "g2"]))
