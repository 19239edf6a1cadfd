"""Rows as they are kept: any text whole, and none that is not what was written."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.plan import PlannedModel, plan_requests
from harness.errors import StoreError
from harness.store.store import Store
from harness.templates import load_template
from harness.types import Generation, Judgement, PlannedTask, Sample, Sampling, Verdict

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)  # lone surrogates and NUL among them


def judgement(key: str, verdict: Verdict) -> Judgement:
    return Judgement(key=key, request_key="r", judge="j", judge_fingerprint="f", repeat=0, verdict=verdict)


@given(text=ANY_TEXT, error=st.none() | ANY_TEXT)
def test_any_text_comes_back_whole(text: str, error: str | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every Python string survives the database, lone surrogates and NUL included."""
    with Store(str(tmp_path_factory.getbasetemp() / "any-text.sqlite")) as store:
        key = f"{len(text)} {hash((text, error))}"
        row = Generation(request_key=key, text=text, error=error, tokens_in=1, tokens_out=2, seconds=0.5)
        store.write(generations=[row])
        assert {key: row} == store.generations([key])


def damaged_by(store: Store, statement: str) -> None:
    with closing(sqlite3.connect(store.url.removeprefix("sqlite:///"))) as other:
        other.execute(statement)
        other.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE generation SET text = '別の答え'",
        "UPDATE generation SET tokens_out = 7",
        "UPDATE generation SET finish_reason = 'length'",
        "UPDATE judgement SET score = 3",
        "UPDATE judgement SET rationale = NULL",
        "UPDATE judgement SET judge = 'another'",
        "UPDATE judgement SET score = 'four'",
        "UPDATE request SET body = replace(body, '0.7', '0.9')",
        "UPDATE request SET body = substr(body, 2), checksum = NULL",
        r"UPDATE sample SET body = replace(body, '\u554f', '\u7b54')",
        "UPDATE plan_request SET model = 'another'",
        "UPDATE plan_request SET model = 'another', task = 'another', checksum = NULL",
        "DELETE FROM plan_request WHERE position = 0",
        "DELETE FROM plan_sample",
    ],
)
def test_a_row_that_is_not_what_was_written_is_refused(store: Store, statement: str) -> None:
    """Whatever changed it: a text, a score or a prompt that nobody wrote is never served."""
    task = PlannedTask(
        name="t", samples=(Sample(id="a", inputs={"input": "問"}), Sample(id="b", inputs={"input": "二"}))
    )
    model = PlannedModel(label="m", fingerprint="m")
    requests = plan_requests([task], [model], [load_template("plain.v1")], sampling=Sampling(temperature=0.7))
    store.save_plan("plan", {task.name: task.samples}, requests)
    odd = Generation(request_key="a", text="答え\ud800\x00", tokens_in=1, tokens_out=2, seconds=0.1)
    scored = judgement("k", Verdict.scored(4, rationale="よい", raw="4", version="v1", cost=1e-7))
    store.write(generations=[odd], judgements=[scored])

    def read() -> tuple[object, ...]:
        return store.generations(["a"]), store.judgements(["k"]), store.load_plan("plan")

    assert ({"a": odd}, {"k": scored}, ({"t": task.samples}, requests)) == read()
    damaged_by(store, statement)
    with pytest.raises(StoreError, match="is damaged"):
        read()


def test_rows_that_may_still_change_have_no_checksum(store: Store) -> None:
    """An earlier program may replace a failure: its row must not look damaged then."""
    store.write(
        generations=[Generation(request_key="a", text=None, finish_reason="error", error="x")],
        judgements=[judgement("k", Verdict.failed("timeout"))],
    )
    damaged_by(store, "UPDATE generation SET text = 'later', finish_reason = 'stop', error = NULL")
    damaged_by(store, "UPDATE judgement SET status = 'scored', score = 2, reason = NULL")
    assert "later" == store.generations(["a"])["a"].text
    assert 2 == store.judgements(["k"])["k"].verdict.score
