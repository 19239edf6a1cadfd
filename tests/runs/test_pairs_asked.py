"""Which judges compare, and comparing from Python."""

import json
from pathlib import Path

import pytest

import harness
from harness.errors import UsageError
from harness.runs.pairs_asked import is_of_pairs, pair_table, split_judges
from harness.testing.servers.loopback import serve
from tests.cli.test_pairing import N, biased, configured, files

__all__ = ["files"]


def test_names_are_split() -> None:
    """Only the judge's own name decides."""
    assert split_judges(["pairwise:gemini", "rules", "openai:pairwise"]) == (
        ("rules", "openai:pairwise"), ("pairwise:gemini",),
    )  # fmt: skip
    assert not is_of_pairs("mypairwise:x")


def test_a_table_of_people_is_told_by_its_columns(workplace: Path) -> None:
    """Scores stay scores; a file that is not there is the judge's to name."""
    Path("pairs.csv").write_text("Model_A,model_b,task_id,verdict\na,b,0,A\n")
    Path("scores.csv").write_text("model,task_id,score\na,0,4\n")
    assert pair_table("human:pairs.csv") == "pairs.csv"
    assert [pair_table(name) for name in ("human:scores.csv", "human:nowhere.csv", "human", "rules")] == [None] * 4


def test_python_compares_as_the_command_line_does(files: Path) -> None:
    """The same figures, in memory until the run is saved; a table of people beside a model."""
    (files / "said.csv").write_text("model_a,model_b,task_id,verdict\nnew,base,0,A\nnew,base,1,tie\n")
    with serve(biased) as server:
        configured(files, server)
        run = harness.evaluate(
            models=["base=outputs:base.jsonl", "new=outputs:new.jsonl"],
            tasks="t=t.jsonl",
            judges=["pairwise:openai:m", "human:said.csv"],
            run="r",
        )
        assert len(server.calls) == 2 * N
    assert [judge.name for judge in run.judges] == ["rules"]
    assert {one.plan.judge: len(one.items) for one in run.pairwise} == {"human:said.csv": 2, "pairwise:openai:m": 2 * N}
    run.save("saved")
    found = json.loads((files / "saved" / "results.json").read_text(encoding="utf-8"))["pairwise"]
    assert {one["judge"]: one["comparisons"][0]["win_rate"] for one in found} == {
        "human:said.csv": 0.75, "pairwise:openai:m": pytest.approx(0.6),
    }  # fmt: skip


def test_pairs_alone_say_nothing(files: Path) -> None:
    """Without a judge of pairs there is nothing that ``pairs`` could mean."""
    with pytest.raises(UsageError, match="there is none"):
        harness.evaluate(models="base=outputs:base.jsonl", tasks="t=t.jsonl", judges="rules", pairs="all")
