"""Runs whose judge changed: what stands apart, and what anchors put on one scale."""

from dataclasses import replace

import numpy as np
import pytest

from harness.engine.plan import PlannedJudge, PlannedModel, items_of, plan_digest, plan_requests
from harness.engine.versions import version_of
from harness.runs.boards import board_tables, leaderboard_of, tables_of
from harness.runs.manifest import JudgeSwap, Manifest, manifest_document, read_manifest
from harness.runs.merge import merge_runs
from harness.runs.run import Run
from harness.runs.swaps import equated_by, run_swaps
from harness.runs.verdicts import held_scores
from harness.stats.equating import FEWEST_ANCHORS
from harness.types import LIKERT_5, Generation, PlannedTask, Sample, Sampling, Verdict

JUDGE = PlannedJudge(name="j", fingerprint="f", scale=LIKERT_5, scored_by="model")
TASK = PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": f"q{n}"}) for n in range(30)))


def judged_by(versions: dict[str, str], name: str = "r") -> Run:
    """A run of one row for each model, by the version named: one that ends with 2 is a point harder."""
    models = [PlannedModel(label=label, fingerprint=label, answers_exist=True) for label in versions]
    requests = tuple(plan_requests([TASK], models, [], sampling=Sampling()))
    answers = {one.key: Generation(request_key=one.key, text=f"{one.model} {one.sample_id}") for one in requests}
    items = tuple(items_of([TASK], requests, answers, [JUDGE]))
    verdicts = {}
    for item in items:
        version = versions[item.request.model]
        score = 2 + (int(item.request.sample_id) + len(item.request.model)) % 4 - version.endswith("2")
        verdicts[item.key] = Verdict.scored(score, raw=str(score), version=version)
    manifest = Manifest(
        run=name, plan=plan_digest([TASK], requests), store="s", date="2026-11-26", baseline="base", confidence=0.95,
        judges=(JUDGE,), notices=(), own_notices=(), model_notices={},
        provenance={"date": "2026-11-26", "command": "", "tasks": {}, "templates": {}, "judges": {}},
    )  # fmt: skip
    return Run(
        name=name, manifest=manifest, tasks=(TASK,), requests=requests, judges=(JUDGE,), answers=answers, items=items,
        verdicts=verdicts,
    )  # fmt: skip


def anchored(run: Run, n: int = 30, method: str | None = "linear") -> Run:
    """The run with the base's first answers judged again by the harder version."""
    firsts = [item for item in run.items if item.request.model == "base"][:n]
    again = {
        f"again {item.key}": Verdict.scored(run.verdicts[item.key].score - 1, raw="x", version="m-2") for item in firsts
    }
    swap = JudgeSwap(
        judge="j", old="m-1", new="m-2", shown="m-1", anchors=tuple((item.key, f"again {item.key}") for item in firsts),
        method=method, date="2026-12-02",
    )  # fmt: skip
    return replace(run, manifest=replace(run.manifest, swaps=(swap,)), verdicts=run.verdicts | again)


def means(run: Run) -> dict[str, float | None]:
    """The mean of each row of its only board."""
    [board] = leaderboard_of(run).boards
    return {row.key.model: row.estimate.value for row in board.rows}


MIXED = {"base": "m-1", "old": "m-1", "new": "m-2"}


def test_rows_by_two_versions_are_never_compared() -> None:
    """The row by the other one has no mean, no rank and no difference."""
    run = judged_by(MIXED)
    assert means(run)["new"] is None
    [board] = leaderboard_of(run).boards
    by_model = {row.key.model: row for row in board.rows}
    assert (None, 30) == (by_model["new"].rank, by_model["new"].estimate.n_unscored)
    assert [None] == [one.result.difference.value for one in board.comparisons if one.candidate.model == "new"]
    assert {"j": 30} == held_scores(run, ["j"])
    assert {} == held_scores(judged_by(dict.fromkeys(MIXED, "m-1")), ["j"])


def test_a_row_that_two_versions_judged_counts_where_the_others_version_did() -> None:
    """The server changed in the middle: half of its tasks are left."""
    run = judged_by({"base": "m-1", "old": "m-1", "new": "m-1"})
    half = [item for item in run.items if item.request.model == "new"][15:]
    changed = {item.key: Verdict.scored(1, raw="1", version="m-2") for item in half}
    mixed = replace(run, verdicts=run.verdicts | changed)
    [table] = tables_of(mixed)
    assert [30, 30, 15] == (~np.isnan(table.scores)).sum(axis=1).tolist()
    np.testing.assert_array_equal(tables_of(run)[0].scores[2, :15], table.scores[2, :15])


def test_anchors_put_the_other_versions_scores_on_the_scale() -> None:
    """A point harder: a point is added, and the figures say so; a panel's and an A/B test's tables stay apart."""
    run = anchored(judged_by(MIXED))
    found = means(run)
    assert found["new"] == pytest.approx(means(judged_by(dict.fromkeys(MIXED, "m-1")))["new"])
    assert {} == held_scores(run, ["j"])
    [swap] = run_swaps(run)["j"]
    assert ("linear", "equipercentile", 30) == (swap.equating.method, swap.other.method, swap.equating.n)
    assert np.isnan(tables_of(run)[0].scores[2]).all()
    assert board_tables(run)[0].split.n_equated(2) == 30


def test_anchors_that_only_show_drift_equate_nothing() -> None:
    """Without a method the scores stay apart."""
    run = anchored(judged_by(MIXED), method=None)
    assert means(run)["new"] is None
    assert {"j": 30} == held_scores(run, ["j"])


def test_too_few_anchors_equate_nothing() -> None:
    """What cannot be equated stays apart."""
    run = anchored(judged_by(MIXED), FEWEST_ANCHORS - 1)
    assert equated_by(run, run.manifest.swaps[0], "linear") is None
    assert means(run)["new"] is None


def test_merged_runs_by_two_versions_stay_apart_unless_one_has_anchors() -> None:
    """The cached verdicts of an old version beside new ones, whichever run comes first."""
    old, new = judged_by({"base": "m-1", "old": "m-1"}), judged_by({"new": "m-2"}, "later")
    for runs in ([old, new], [new, old]):
        assert means(merge_runs(runs))["new"] is None
    merged = merge_runs([anchored(old), new])
    assert means(merged)["new"] == pytest.approx(means(anchored(judged_by(MIXED)))["new"])
    assert {"m-1", "m-2"} == {version_of(verdict) for verdict in merged.verdicts.values()}


def test_a_manifest_keeps_its_swaps() -> None:
    """And the digest of a run's files knows what was said again."""
    run = anchored(judged_by(MIXED))
    assert run.manifest.swaps == read_manifest(manifest_document(run.manifest), where="m").swaps
    again = run.manifest.swaps[0].anchors[0][1]
    other = replace(run, verdicts=run.verdicts | {again: Verdict.scored(5, raw="5", version="m-2")})
    assert run.content != other.content
