"""Copying a store: between files and servers, over what is there, and again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from harness.engine.plan import PlannedModel, plan_digest, plan_requests
from harness.errors import StoreError
from harness.human.page import rating_page
from harness.human.sent import SentRating, SentRatings
from harness.ledger import LedgerRow, Reset, Seal, task_set
from harness.protocols import BatchNote
from harness.store import copying, schema
from harness.store.anchors import keep_anchors
from harness.store.batch_notes import StoredBatchNotes
from harness.store.call_counts import StoredCallCounts
from harness.store.copying import CopiedTable, copy_store, count_rows
from harness.store.leases import Leases
from harness.store.ledger import add_rows, add_seal, read_ledger, reset_rows
from harness.store.ratings import keep_ratings
from harness.store.store import Store
from harness.templates import load_template
from harness.types import LIKERT_5, Generation, Judgement, PlannedTask, Sample, Sampling, Verdict
from harness.unscored import Unscored
from tests.human.drawn_sheets import BY_ID, drawn
from tests.store.conftest import changed

TASK = PlannedTask(
    name="課題\udcff",
    samples=tuple(Sample(id=str(n), inputs={"input": f"問{n}\ud800"}) for n in range(7)),
)
REQUESTS = plan_requests(
    [TASK], [PlannedModel(label="m\x00", fingerprint="m")], [load_template("plain.v1")], sampling=Sampling()
)
PLAN = plan_digest([TASK], REQUESTS)
SET = task_set("七問", TASK.samples, "2026-11-01")
PAGE = rating_page(drawn(), "1", BY_ID, LIKERT_5)


def judgement(key: str, verdict: Verdict) -> Judgement:
    return Judgement(key=key, request_key="r", judge="評\ud800", judge_fingerprint="f", repeat=0, verdict=verdict)


ANSWERS = [
    *(Generation(request_key=f"a{n}", text=f"答え{n}\x00\ud800", tokens_in=n, seconds=n / 3) for n in range(11)),
    Generation(request_key="failed", text=None, finish_reason="error", error="no\x00 memory"),
]
VERDICTS = [
    *(judgement(f"k{n}", Verdict.scored(n / 7, rationale="よい", raw="\ud800", cost=1e-7)) for n in range(5)),
    judgement("unscored", Verdict.unscored(Unscored("no_reference", "no reference"))),
]


def row(candidate: str) -> LedgerRow:
    return LedgerRow(
        taskset=SET.digest, judge="j", judge_name="gemini", candidate=candidate, answers=candidate, task="七問",
        label=candidate, prompt=None, run="r", date="2026-11-01", role="candidate", baseline="b", scores=(1, None, 2.5),
    )  # fmt: skip


def fill(store: Store) -> None:
    """Write something into every table that lasts."""
    store.save_plan(PLAN, {TASK.name: TASK.samples}, REQUESTS)
    store.write(generations=ANSWERS, judgements=VERDICTS)
    keep_anchors(store, "f\x00", "v", PLAN, ["k1", "k2"], date="d")
    item = PAGE.items[0].id
    keep_ratings(store, PAGE, SentRatings(page=PAGE.digest, ratings=(SentRating(item=item, score=4),)), date="d")
    StoredCallCounts(store).take("gemini m", "2026-11-26", 5)
    StoredBatchNotes(store).keep(BatchNote(name="b", quota="q", handle=None, keys=("k",)))
    add_rows(store, [SET], [row("a"), row("b")])
    add_seal(
        store,
        SET,
        Seal(taskset=SET.digest, name="n", date="d", share=0.5, sealed=("0",), opened=("1",), tries_before=0),
    )


def held(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Return all that a store holds, but for what passes and the time at which a batch was noted."""
    with store.transaction() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in schema.metadata.sorted_tables
            if table not in schema.passing
        }


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite", "sqlite to sqlite"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """A store to copy from and one to copy to."""
    urls = [
        request.getfixturevalue("postgres_url") if kind == "postgresql" else str(tmp_path / f"{place}.sqlite")
        for place, kind in enumerate(request.param.split(" to "))
    ]
    with Store(urls[0]) as source, Store(urls[1]) as target:
        yield source, target


def quiet(_: CopiedTable) -> None:
    """Say nothing."""


def test_everything_comes_over_and_a_second_time_nothing(two: tuple[Store, Store]) -> None:
    """Odd characters, doubles, failures, plans, ledger and seals; who is at work does not."""
    source, target = two
    fill(source)
    with Leases(source) as leases:
        leases.claim(["busy"])
        told: list[CopiedTable] = []
        found = copy_store(source, target, tell=told.append)
    assert list(found) == told
    assert held(source) == held(target)
    assert read_ledger(source) == read_ledger(target)
    assert source.load_plan(PLAN) == target.load_plan(PLAN)
    keys = [answer.request_key for answer in ANSWERS]
    assert {a.request_key: a for a in ANSWERS} == target.generations(keys, failures=True)
    by_name = {table.name: table for table in found}
    assert (12, 12, 0) == (by_name["generation"].rows, by_name["generation"].new, by_name["generation"].kept)
    assert (2, 2) == (by_name["ledger"].rows, by_name["ledger"].new)
    again = copy_store(source, target, tell=quiet)
    assert {0} == {table.new for table in again}
    assert [table.digest for table in found] == [table.digest for table in again]
    assert count_rows(source) == count_rows(target)


def test_the_target_keeps_what_it_has_and_takes_what_is_better(two: tuple[Store, Store]) -> None:
    """A success replaces a failure; of two successes the target's stays, and that is counted."""
    source, target = two
    fill(source)
    own = Generation(request_key="a0", text="own")
    failure = Generation(request_key="a1", text=None, error="x")
    more = Generation(request_key="more", text="only here")
    target.write(
        generations=[own, failure, more, Generation(request_key="failed", text="made it")],
        judgements=[judgement("k0", Verdict.unscored("?")), judgement("unscored", Verdict.scored(3))],
    )
    for _ in range(3):
        StoredCallCounts(target).take("gemini m", "2026-11-26", 5)
    by_name = {table.name: table for table in copy_store(source, target, tell=quiet)}
    assert (10, 2) == (by_name["generation"].new, by_name["generation"].kept)
    assert (5, 1) == (by_name["judgement"].new, by_name["judgement"].kept)
    assert (0, 1) == (by_name["call_count"].new, by_name["call_count"].kept)
    answers = target.generations(["a0", "a1", "more", "failed"])
    assert ["own", ANSWERS[1].text, "only here", "made it"] == [
        answers[key].text for key in ("a0", "a1", "more", "failed")
    ]
    verdicts = target.judgements(["k0", "unscored"])
    assert [VERDICTS[0].verdict, Verdict.scored(3)] == [verdicts[key].verdict for key in ("k0", "unscored")]


def test_broken_off_it_goes_on_where_it_was(two: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was copied is there, and only the rest is written."""
    source, target = two
    fill(source)
    monkeypatch.setattr(copying, "_PORTION", 3)
    write: Callable[..., object] = copying._write
    calls = []

    def breaking(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return write(*arguments)

    monkeypatch.setattr(copying, "_write", breaking)
    with pytest.raises(KeyboardInterrupt):
        copy_store(source, target, tell=quiet)
    before = count_rows(target)
    assert 0 < before["generation"] < len(ANSWERS)
    found = {table.name: table for table in copy_store(source, target, tell=quiet)}
    assert len(ANSWERS) - before["generation"] == found["generation"].new
    assert held(source) == held(target)


def test_what_was_forgotten_stays_forgotten(two: tuple[Store, Store]) -> None:
    """A reset on either side counts for both."""
    source, target = two
    fill(source)
    reset_rows(target, Reset(name="七問", date="2026-11-02", tasksets=(SET.digest,), tries=2, openings=0))
    copy_store(source, target, tell=quiet)
    assert () == read_ledger(target).rows


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE generation SET tokens_in = 77 WHERE request_key = 'a3'", "a row of 'generation' is not what was"),
        ("UPDATE sample SET body = '{}'", "a task is not what was written"),
    ],
)
def test_a_damaged_source_is_refused(two: tuple[Store, Store], statement: str, said: str) -> None:
    """Nothing that nobody wrote is copied."""
    source, target = two
    fill(source)
    changed(source, statement)
    with pytest.raises(StoreError, match=f"is damaged: {said}"):
        copy_store(source, target, tell=quiet)


def test_a_target_that_gives_back_something_else_is_found_out(two: tuple[Store, Store]) -> None:
    """The same key, and another prompt under it."""
    source, target = two
    fill(source)
    copy_store(source, target, tell=quiet)
    changed(target, "UPDATE request SET body = '{}', checksum = NULL")
    with pytest.raises(StoreError, match="gives back other rows of 'request' than it was given"):
        copy_store(source, target, tell=quiet)


def test_a_source_of_an_earlier_version_is_copied(two: tuple[Store, Store]) -> None:
    """Without checksums, codes and later tables."""
    source, target = two
    source.write(generations=ANSWERS, judgements=VERDICTS)
    changed(
        source,
        "ALTER TABLE judgement DROP COLUMN code",
        "ALTER TABLE judgement DROP COLUMN fact",
        "ALTER TABLE generation DROP COLUMN checksum",
        "DROP TABLE anchor_set",
        "DROP TABLE served_rating",
    )
    with Store(source.url, read_only=True) as old:
        copy_store(old, target, tell=quiet)
    assert {a.request_key: a for a in ANSWERS[:3]} == target.generations(["a0", "a1", "a2"])
    assert 5 == len(target.judgements([verdict.key for verdict in VERDICTS]))
