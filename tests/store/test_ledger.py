"""The ledger in the store: what was tried stays, once, whatever else goes."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from harness.errors import StoreError
from harness.ledger import Ledger, LedgerRow, Reset, Seal, TaskSet, is_try, task_set, with_rows
from harness.store.ledger import add_rows, add_seal, read_ledger, reset_rows, take_in_ledger
from harness.store.store import Store
from harness.types import Sample

SAMPLES = [Sample(id=str(number), inputs={"input": f"質問{number}"}) for number in range(6)]
SET = task_set("六問", SAMPLES, "2026-11-01")


def row(candidate: str, scores: tuple[float | None, ...] = (1, 2, 3, 4, 5, None), **fields: object) -> LedgerRow:
    known = {
        "taskset": SET.digest,
        "judge": "j",
        "judge_name": "gemini",
        "candidate": candidate,
        "answers": f"answers of {candidate}",
        "task": "六問",
        "label": candidate,
        "prompt": "course.v1",
        "run": "run 1",
        "date": "2026-11-01",
        "role": "candidate",
        "baseline": "base",
        "scores": scores,
    }
    return LedgerRow(**known | fields)


def test_the_same_candidate_is_one_try(store: Store) -> None:
    """Seen again under another label and run it keeps its first name; new scores are taken, lost ones are not."""
    add_rows(store, [SET], [row("a"), row("base", role="baseline", baseline=None)])
    again = row("a", (1, 1, 1, 1, 1, 1), label="tuned", run="run 2", date="2026-11-02")
    found = add_rows(store, [SET], [again]).rows
    assert [("a", "run 1", (1, 1, 1, 1, 1, 1)), ("base", "run 1", (1, 2, 3, 4, 5, None))] == [
        (one.label, one.run, one.scores) for one in found
    ]
    assert [True, False] == [is_try(one) for one in found]
    kept = add_rows(store, [SET], [row("a", (None,) * 6)]).rows
    assert found == kept


def test_equal_answers_are_one_try(store: Store) -> None:
    """An answer file that grew has another hash: who answered every task alike is no new try."""
    add_rows(store, [SET], [row("a")])
    found = add_rows(store, [SET], [row("b", answers="answers of a"), row("c")]).rows
    assert ["a", "c"] == [one.candidate for one in found]
    assert [1, 2] == [one.number for one in found]


def test_a_candidate_that_answers_like_its_baseline_is_a_try(store: Store) -> None:
    """An adapter without effect: it is not taken for the baseline."""
    base = row("base", role="baseline", baseline=None, answers="same")
    found = add_rows(store, [SET], [base, row("idle", answers="same")]).rows
    assert [("base", "baseline"), ("idle", "candidate")] == [(one.candidate, one.role) for one in found]


def test_what_stood_alone_becomes_what_it_is_compared_as(store: Store) -> None:
    """Alone, then a baseline, then a candidate; never back."""
    roles = []
    for role, baseline in (("alone", None), ("baseline", None), ("candidate", "x"), ("baseline", None)):
        [found] = add_rows(store, [SET], [row("a", role=role, baseline=baseline)]).rows
        roles.append((found.role, found.baseline))
    assert [("alone", None), ("baseline", None), ("candidate", "x"), ("candidate", "x")] == roles


def test_in_memory_as_in_the_store(store: Store) -> None:
    """Where nothing can be written, the ledger is the same but for the numbers of what is new."""
    before = add_rows(store, [SET], [row("a"), row("base", role="baseline", baseline=None)])
    more = [row("a", (1, 1, 1, 1, 1, 1)), row("c"), row("d", answers="answers of c")]
    unwritten, written = with_rows(before, [SET], more), add_rows(store, [SET], more)
    assert ["a", "base", "c"] == [one.candidate for one in unwritten.rows]
    assert [replace(one, number=0) for one in written.rows] == [replace(one, number=0) for one in unwritten.rows]


def test_judges_and_sets_are_apart(store: Store) -> None:
    """The same candidate under another judge, or on a part of the tasks, is on record for itself."""
    half = task_set("六問", SAMPLES[:3], "")
    found = add_rows(store, [SET, half], [row("a"), row("a", judge="k"), row("a", (1, 2, 3), taskset=half.digest)])
    assert 1 == len(found.of([SET], "j"))
    assert 2 == len(found.of(found.related(SET.items), "j"))


def test_a_store_of_an_earlier_version_gets_its_ledger(store: Store) -> None:
    """Without the tables it reads as empty, read-only too, and the first row makes them."""
    with store.transaction(write=True) as connection:
        for name in ("ledger_set", "ledger_row", "ledger_seal", "ledger_reset"):
            connection.execute(text(f"DROP TABLE {name}"))
    assert Ledger() == read_ledger(store)
    with Store(store.url, read_only=True) as reading:
        assert Ledger() == read_ledger(reading)
    add_rows(store, [SET], [row("a")])
    assert [SET] == list(read_ledger(store).sets)


def test_read_only_stores_are_shown_and_not_written(store: Store) -> None:
    """What is known can be read; what is new is refused; what is not new needs no writing."""
    add_rows(store, [SET], [row("a")])
    store.close()
    with Store(store.url, read_only=True) as reading:
        assert 1 == len(read_ledger(reading).rows)
        assert 1 == len(add_rows(reading, [SET], [row("a")]).rows)
        with pytest.raises(StoreError):
            add_rows(reading, [SET], [row("b")])


def test_a_set_is_sealed_once(store: Store) -> None:
    """A second seal of the same set comes back as the first."""
    seal = Seal(
        taskset=SET.digest, name="六問", date="d", share=0.5, sealed=SET.items[:3], opened=SET.items[3:], tries_before=2
    )
    assert seal == add_seal(store, SET, seal)
    assert seal == add_seal(store, SET, replace(seal, share=0.3, sealed=SET.items[:2]))
    assert (seal,) == read_ledger(store).seals


def test_a_reset_is_on_record(store: Store) -> None:
    """Rows of the set go, those of others and the seal stay, and that it was done is known."""
    other = task_set("other", SAMPLES[:2], "")
    add_rows(store, [SET, other], [row("a"), row("b"), row("c", (1, 2), taskset=other.digest)])
    reset = Reset(name="六問", date="2026-11-03", tasksets=(SET.digest,), tries=2, openings=0)
    reset_rows(store, reset)
    now = read_ledger(store)
    assert ["c"] == [one.candidate for one in now.rows]
    assert (reset,) == now.resets
    assert ["c", "d"] == [one.candidate for one in add_rows(store, [SET], [row("d")]).rows]


def test_two_stores_become_one(store: Store, tmp_path: Path) -> None:
    """Tries and seals of the other come over; what either was told to forget does not come back."""
    seal = Seal(taskset="s", name="n", date="d", share=0.5, sealed=("a",), opened=("b",), tries_before=0)
    with Store(str(tmp_path / "other.sqlite")) as other:
        add_rows(other, [SET], [row("old"), row("both"), row("theirs", date="2026-11-05")])
        add_seal(other, SET, seal)
        add_rows(store, [SET], [row("both")])
        assert 2 == take_in_ledger(store, other)
        assert 0 == take_in_ledger(store, other)
        assert {"old", "both", "theirs"} == {one.candidate for one in read_ledger(store).rows}
        assert (seal,) == read_ledger(store).seals
        reset_rows(store, Reset(name="六問", date="2026-11-03", tasksets=(SET.digest,), tries=2, openings=0))
        assert 0 == take_in_ledger(store, other)
        assert {"theirs"} == {one.candidate for one in read_ledger(store).rows}
        take_in_ledger(other, store)
        assert {"theirs"} == {one.candidate for one in read_ledger(other).rows}
        assert read_ledger(store).resets == read_ledger(other).resets


def test_damage_is_said(store: Store) -> None:
    """Scores that are no list."""
    add_rows(store, [SET], [row("a")])
    with store.transaction(write=True) as connection:
        connection.execute(text("UPDATE ledger_row SET scores = '['"))
    with pytest.raises(StoreError, match="damaged"):
        read_ledger(store)


def _add(url: str, start: int) -> None:
    with Store(url) as store:
        for place in range(start, start + 5):
            add_rows(store, [SET], [row(f"candidate {place}"), row("base", role="baseline", baseline=None)])


def test_no_try_is_lost_between_processes(store_url: str) -> None:
    """Four processes at once: every try is there, the common baseline once."""
    Store(store_url).close()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add, args=(store_url, start)) for start in (0, 5, 10, 15)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert 0 == process.exitcode
    with Store(store_url) as store:
        found = read_ledger(store)
    assert 21 == len(found.rows)
    assert 1 == len(found.sets)


def test_no_try_is_lost_between_threads(store: Store) -> None:
    """Runs of one Python program, side by side."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda place: add_rows(store, [SET], [row(f"candidate {place}")]), range(20)))
    assert 20 == len(read_ledger(store).rows)


def test_names_may_hold_anything(store: Store) -> None:
    """A label with a lone surrogate, which UTF-8 cannot hold."""
    odd = TaskSet(digest="x", name="\udce3表", date="", items=("i",))
    add_rows(store, [odd], [row("a", (1.5,), taskset="x", label="\ud800")])
    found = read_ledger(store)
    assert (odd.name, "\ud800", (1.5,)) == (found.sets[0].name, found.rows[0].label, found.rows[0].scores)
