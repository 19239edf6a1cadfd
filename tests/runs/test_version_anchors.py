"""Anchors: which answers are drawn, that they stay, and judges that are held to a version."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from harness.engine.job import planned_judge
from harness.plugins import identity
from harness.runs.version_anchors import (
    again_keys,
    anchoring_job,
    draw_anchors,
    freeze_anchors,
    frozen_anchors,
    held_to,
    keep_versions,
    kept_like,
)
from harness.store.store import Store
from harness.types import LIKERT_5, Generation, Sample, Verdict
from judges.kept_version import KeptVersion
from tests.runs.test_swaps import JUDGE, TASK, judged_by

RUN = judged_by({"base": "m-1", "old": "m-1", "new": "m-2"})


class Served(KeptVersion):
    """A judge that says which version answers."""

    name = "j"
    scale = LIKERT_5
    kind = "quality"
    scored_by = "model"

    def __init__(self, fingerprint: str = "f") -> None:
        self.fingerprint = fingerprint

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        return Verdict.scored(3, raw="3", version="m-2")


def test_each_model_and_each_score_has_its_share() -> None:
    """Of 60 scores by one version 20: as many of each model as of the other, and scores in their proportions."""
    drawn = draw_anchors(RUN, "j", "m-1", 20)
    assert {"base", "old"} == {item.request.model for item in drawn}
    every = Counter(RUN.verdict(item).score for item in RUN.items if item.request.model != "new")
    found = Counter(RUN.verdict(item).score for item in drawn)
    for score, count in every.items():
        assert abs(found[score] - count / 3) <= 1
    models = Counter(item.request.model for item in drawn)
    assert abs(models["base"] - models["old"]) <= 4
    assert len({item.key for item in drawn}) == len(drawn) == 20


def test_the_order_of_rows_has_no_say_in_the_draw() -> None:
    """It goes by content."""
    turned = replace(RUN, items=RUN.items[::-1])
    assert {one.key for one in draw_anchors(RUN, "j", "m-1", 25)} == {
        one.key for one in draw_anchors(turned, "j", "m-1", 25)
    }
    assert 30 == len(draw_anchors(RUN, "j", "m-2", 1000))
    assert [] == draw_anchors(RUN, "j", "m-9", 10)


def test_what_was_drawn_stays_and_may_grow(tmp_path: Path) -> None:
    """A later version is compared by the same answers, also if fewer are asked for."""
    with Store(str(tmp_path / "s.sqlite")) as store:
        first = frozen_anchors(RUN, store, JUDGE, "m-1", 25)
        freeze_anchors(RUN, store, JUDGE, "m-1", first, date="2026-11-26")
        again = frozen_anchors(replace(RUN, items=RUN.items[::-1]), store, JUDGE, "m-1", 10)
        assert [item.key for item in first] == [item.key for item in again]
        more = frozen_anchors(RUN, store, JUDGE, "m-1", 40)
        assert [item.key for item in first] == [item.key for item in more[:25]]
        assert 40 == len({item.key for item in more})


def test_a_judge_held_to_a_version_is_another_judge() -> None:
    """Its verdicts have keys of their own; the judge that was given stays as it was."""
    judge = Served()
    held = held_to(judge, "m-2")
    assert ("f", None, "m-2") == (judge.fingerprint, judge.kept_version, held.kept_version)
    items = draw_anchors(RUN, "j", "m-1", 5)
    pairs = again_keys(RUN, held, items)
    assert [item.key for item in items] == [first for first, _ in pairs]
    assert not {first for first, _ in pairs} & {again for _, again in pairs}
    assert pairs != again_keys(RUN, held_to(judge, "m-3"), items)
    assert judge.fingerprint == held_to(held, None).fingerprint
    assert 5 == len(anchoring_job(RUN, held, items).requests)


def test_a_rerun_is_held_to_the_version_of_its_run() -> None:
    """By the name and what the judge is; another judge, or one that is held to none, is left alone."""
    judge, held = Served(), planned_judge(held_to(Served(), "m-2"))
    job = anchoring_job(RUN, judge, [])
    [kept] = keep_versions(job, [held]).judges
    assert held.fingerprint == identity(kept) != identity(judge)
    assert job.judges == keep_versions(job, [planned_judge(judge)]).judges
    assert kept_like(Served("another"), held) is None
    assert kept_like(judge, planned_judge(judge)) is judge
    assert TASK in job.tasks
