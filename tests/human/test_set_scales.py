"""Scores of several sets in one file, each on a scale of its own."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.errors import UsageError
from harness.human.set_scales import on_one_scale, set_scales
from harness.tables import Row, Table
from harness.types import LIKERT_5, Scale
from tests.conftest import RunCli, results_of

SCALES = {"tengu-bench": Scale(low=0, high=10), "rakuda": Scale(low=1, high=10)}


def mapped(**values: object) -> object:
    table = Table(path="x", sha256="", rows=(Row(line=1, values=values),))
    return on_one_scale(table, SCALES, LIKERT_5).rows[0].values["score"]


def test_ends_meet_ends() -> None:
    """By the task id before the slash, or by the task column; what is of no such set stays."""
    assert [1.0, 5.0, 3.0] == [mapped(task_id="tengu-bench/3", score=score) for score in (0, "10", "５")]
    assert 1.0 == mapped(task="rakuda", task_id="3", score=1)
    assert 4 == mapped(task_id="elyza-tasks-100/3", score=4)
    assert "none" == mapped(task_id="rakuda/3", score="none")


@pytest.mark.parametrize("score", [0.5, 11, -1])
def test_what_is_off_its_own_scale_stays_off(score: float) -> None:
    """Also where the number is one of the common scale."""
    assert not LIKERT_5.covers(float(str(mapped(task_id="rakuda/1", score=score))))


@pytest.mark.parametrize("given", [[1, 10], {"rakuda": [10, 1]}, {"rakuda": 10}])
def test_what_is_no_scale_is_refused(given: object) -> None:
    """It says where."""
    with pytest.raises(UsageError, match="scales"):
        set_scales(given, "[judges.scores]")


def test_real_scores_of_four_sets(run_cli: RunCli, shared_data: Path) -> None:
    """A board of 320 tasks from published scores up to 10 and up to 5: its means are the plain ones, mapped."""
    names = {
        "elyza": ("elyza-tasks-100", 1, 5),
        "tengu": ("tengu-bench", 0, 10),
        "ja-mt-1shot": ("ja-mt-bench-1shot", 1, 10),
        "rakuda": ("rakuda", 1, 10),
    }
    for name in ("tengu", "ja-mt-1shot", "rakuda"):
        Path(f"{name}.jsonl").write_bytes((shared_data / "ja-freeform" / f"{name}.jsonl").read_bytes())
    Path("elyza.jsonl").write_bytes((shared_data / "elyza-tasks-100" / "test.jsonl").read_bytes())
    rows = pq.read_table(
        shared_data / "ja-freeform" / "scores.parquet", filters=[("judge", "=", "llmjudge-athenev2")]
    ).to_pylist()
    model = rows[0]["model"]
    rows = [row for row in rows if row["model"] == model and row["score"] is not None]
    scored = [(names[row["task"]], row["task_id"], row["score"]) for row in rows]
    lines = [f"m,{known[0]}/{place},{score}" for known, place, score in scored]
    Path("s.csv").write_text("\n".join(["model,task_id,score", *lines]))
    answers = [{"task_id": f"{known[0]}/{place}", "output": "答"} for known, place, _ in scored]
    Path("out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    Path("harness.toml").write_text(
        "[judges.scores]\nscales = { tengu-bench = [0, 10], ja-mt-bench-1shot = [1, 10], rakuda = [1, 10] }\n"
    )
    ran = run_cli("eval", "--task", "ja-freeform=.", "--model", "m=outputs:out.jsonl", "--judge", "scores:s.csv",
                  "--run", "r", "--max-unscored", "320")  # fmt: skip
    assert 0 == ran.code, ran.err
    [found] = results_of(Path(), "r")["rows"]
    for name, low, high in names.values():
        own = [
            1 + (score - low) * 4 / (high - low)
            for known, _, score in scored
            if known[0] == name and low <= score <= high
        ]
        [tag] = [one for one in found["tags"] if one["tag"] == name]
        assert np.mean(own) == pytest.approx(tag["mean"])
        assert len(own) == tag["n"]
    assert "stratified over 4 sets" in found["method"]
