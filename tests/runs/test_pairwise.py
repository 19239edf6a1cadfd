"""Verdicts on pairs and anchors as the store knows them."""

from pathlib import Path

import pytest

from harness.engine.pairing import Anchors, JudgedPairs, PairItem
from harness.errors import StoreError
from harness.pairs.planned import PairOfRows, PlannedPairs
from harness.runs.pairwise import judged_pairs, load_anchors, pair_judgements, save_anchors
from harness.store.store import Store
from harness.types import Generation, Judgement, PlannedTask, RenderedPrompt, Request, RowKey, Sample, Sampling, Verdict

A, B = (RowKey(model=name, prompt=None) for name in "ab")
TASK = PlannedTask(name="t", samples=(Sample(id="0", inputs={"input": "問"}),))


def request(model: str) -> Request:
    return Request(
        key=f"k{model}", task="t", sample_id="0", model=model, prompt=None, repeat=0,
        rendered=RenderedPrompt(messages=()), sampling=Sampling(),
    )  # fmt: skip


REQUESTS = [request("a"), request("b")]
ANSWERS = {one.key: Generation(request_key=one.key, text=f"答え{one.model}") for one in REQUESTS}
PLAN = PlannedPairs(judge="j", fingerprint="f", pairs=(PairOfRows(candidate=B, opponent=A),))


def stored(key: str, verdict: Verdict) -> Judgement:
    return Judgement(key=key, request_key=key, judge="j", judge_fingerprint="f", repeat=0, verdict=verdict)


def test_the_better_of_a_commands_verdict_and_the_stores_counts(tmp_path: Path) -> None:
    """A score is never replaced by a failure."""
    with Store(str(tmp_path / "s.sqlite")) as store:
        (nothing,) = judged_pairs([PLAN], [TASK], REQUESTS, ANSWERS, store=store)
        first, second = (item.key for item in nothing.items)
        assert nothing.verdict(nothing.items[0]).code == "not_judged"
        store.write(judgements=[stored(first, Verdict.scored(1)), stored(second, Verdict.failed("late"))])
        own = {first: Verdict.failed("network"), second: Verdict.scored(0.5)}
        (found,) = judged_pairs([PLAN], [TASK], REQUESTS, ANSWERS, store=store, own=own)
        assert [found.verdict(item).score for item in found.items] == [1.0, 0.5]
        assert {row.key: row.verdict.score for row in pair_judgements([found])} == {first: 1.0, second: 0.5}


def test_anchors_come_back_as_they_were(tmp_path: Path) -> None:
    """From the store alone, by their digest; a second time they are not written."""
    anchors = Anchors(plan="p", samples={"t": TASK.samples}, requests=tuple(REQUESTS), answers=ANSWERS)
    with Store(str(tmp_path / "s.sqlite")) as store:
        with pytest.raises(StoreError):
            load_anchors("p", store)
        save_anchors(anchors, store)
        save_anchors(anchors, store)
        assert load_anchors("p", store) == anchors
    assert anchors.rows == (A, B)


def test_peoples_verdicts_are_in_the_plan_and_not_in_the_store() -> None:
    """Only what was asked for has a row."""
    item = PairItem(
        task="t", sample_id="0", repeat=0, first=A, second=B, key="r", characters=None, verdict=Verdict.scored(1)
    )
    judged = JudgedPairs(plan=PLAN, items=(item,))
    assert pair_judgements([judged]) == []
    assert judged.verdict(item).score == 1
