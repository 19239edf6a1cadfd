"""Rows as they are kept: any text whole, and none that is not what was written."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.engine.plan import PlannedModel, plan_requests
from harness.errors import StoreError
from harness.locale import Text, in_language, tr
from harness.store.store import Store
from harness.templates import load_template
from harness.types import Generation, Judgement, PlannedTask, Sample, Sampling, Verdict
from harness.unscored import Unscored
from tests.store.conftest import changed

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)  # lone surrogates and NUL among them


def judgement(key: str, verdict: Verdict) -> Judgement:
    return Judgement(key=key, request_key="r", judge="j", judge_fingerprint="f", repeat=0, verdict=verdict)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many examples."""
    url = str(tmp_path_factory.mktemp("kept") / "store.sqlite")
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.new_schema()
    with Store(url) as opened:
        yield opened


@given(text=ANY_TEXT, error=st.none() | ANY_TEXT)
@example(text="\ud83d\ude00 \x01\x00\x010000", error="\x00")
def test_any_text_comes_back_whole(text: str, error: str | None, kept: Store) -> None:
    """Every Python string survives the database, lone surrogates and NUL included."""
    key = f"{len(text)} {hash((text, error))}"
    row = Generation(request_key=key, text=text, error=error, tokens_in=1, tokens_out=2, seconds=0.5)
    kept.write(generations=[row])
    assert {key: row} == kept.generations([key])


@given(
    score=st.floats(allow_nan=False, allow_infinity=False),
    seconds=st.floats(allow_nan=False),
    tokens=st.integers(0, 2**63 - 1),
)
@example(score=0.1 + 0.2, seconds=5e-324, tokens=2**31)
@example(score=-0.0, seconds=-0.0, tokens=0)  # SQLite keeps no sign of zero, and nothing is damaged by that
def test_numbers_come_back_bit_by_bit(score: float, seconds: float, tokens: int, kept: Store) -> None:
    """Doubles as they are, the smallest and the largest; counts of more than 31 bits."""
    key = f"{score!r} {seconds!r} {tokens}"
    row = Generation(request_key=key, text="x", tokens_in=tokens, seconds=seconds)
    kept.write(generations=[row], judgements=[judgement(key, Verdict.scored(score))])
    assert {key: row} == kept.generations([key])
    assert score == kept.judgements([key])[key].verdict.score


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
    if store.url.startswith("postgresql") and "'four'" in statement:
        with pytest.raises(StoreError, match="invalid input syntax"):  # a server takes no word for a number
            changed(store, statement)
        return
    changed(store, statement)
    with pytest.raises(StoreError, match="is damaged"):
        read()


def test_rows_that_may_still_change_have_no_checksum(store: Store) -> None:
    """An earlier program may replace a failure: its row must not look damaged then."""
    store.write(
        generations=[Generation(request_key="a", text=None, finish_reason="error", error="x")],
        judgements=[judgement("k", Verdict.failed("timeout"))],
    )
    changed(store, "UPDATE generation SET text = 'later', finish_reason = 'stop', error = NULL")
    changed(store, "UPDATE judgement SET status = 'scored', score = 2, reason = NULL")
    assert "later" == store.generations(["a"])["a"].text
    assert 2 == store.judgements(["k"])["k"].verdict.score


def test_reasons_come_back_with_their_codes(store: Store) -> None:
    """A message of ours with its values, a plugin's text as it is; a code counts beside its own text alone."""
    reasons = [
        Unscored("rating_off_scale", tr("score {cell} is {problem}", cell="9", problem=tr("blank")), where="a.csv:7"),
        "{odd} \udc80 text",
    ]
    store.write(judgements=[judgement(str(key), Verdict.unscored(reason)) for key, reason in enumerate(reasons)])
    found = store.judgements(["0", "1"], failures=True)
    assert ["rating_off_scale", "other"] == [found[key].verdict.code for key in ("0", "1")]
    assert reasons == [found[key].verdict.reason for key in ("0", "1")]
    assert "点数 9: 空欄（a.csv:7）" == in_language(str_of(found["0"]), "ja")
    changed(store, "UPDATE judgement SET reason = 'another' WHERE key = '0'")
    assert ("another", "other") == (
        (verdict := store.judgements(["0"], failures=True)["0"].verdict).reason,
        verdict.code,
    )


def str_of(judgement: Judgement) -> str:
    """Return the reason of a judgement."""
    assert judgement.verdict.reason is not None
    return judgement.verdict.reason


def test_rationales_of_ours_come_back_in_any_language(store: Store) -> None:
    """What a plugin or a model said stays as it was said."""
    said = [tr("{n} items, wanted {m}", n=2, m=3), "2 items, wanted 3"]
    store.write(judgements=[judgement(f"j{n}", Verdict.scored(0.5, rationale=text)) for n, text in enumerate(said)])
    found = store.judgements(["j0", "j1"])
    assert [str(text) for text in said] == [str(found[key].verdict.rationale) for key in ("j0", "j1")]
    assert isinstance(found["j0"].verdict.rationale, Text)
    assert not isinstance(found["j1"].verdict.rationale, Text)


def test_a_store_without_codes_is_read_and_gets_them(tmp_path: Path) -> None:
    """Its reasons are texts; what is written from now on has codes; scores keep their checksums."""
    path = tmp_path / "old.sqlite"
    with Store(str(path)) as store:
        store.write(judgements=[judgement("a", Verdict.unscored("as it was")), judgement("b", Verdict.scored(3))])
    with closing(sqlite3.connect(path)) as old:
        for column in ("code", "fact"):
            old.execute(f"ALTER TABLE judgement DROP COLUMN {column}")
        old.commit()
    with Store(str(path), read_only=True) as store:
        found = store.judgements(["a", "b"], failures=True)
        assert ("as it was", "other", 3) == (
            found["a"].verdict.reason,
            found["a"].verdict.code,
            found["b"].verdict.score,
        )
    with Store(str(path)) as store:
        store.write(judgements=[judgement("c", Verdict.unscored(Unscored("no_reference", tr("no reference"))))])
        found = store.judgements(["a", "b", "c"], failures=True)
        assert ["other", None, "no_reference"] == [found[key].verdict.code for key in "abc"]
