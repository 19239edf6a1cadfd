"""Runs by name: listed, and the nearest of a misspelt one named."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UnknownNameError
from harness.runs.load import list_runs, load_run
from harness.runs.run import Run
from tests.conftest import RunCli

SCHEMA_1 = Path(__file__).parent / "schema_1"


def test_runs_are_listed_and_a_misspelt_one_has_its_nearest_named(run: Run) -> None:
    """By name, oldest first."""
    assert ["r"] == list_runs() == list_runs("runs")
    assert [] == list_runs("nowhere")
    with pytest.raises(UnknownNameError, match="No run named 'rr'"):
        load_run("rr")


@pytest.fixture
def run_of_schema_1(workplace: Path) -> Path:
    """The folder of a run that an earlier version wrote, in schema 1, beside its store."""
    folder = Path(shutil.copytree(SCHEMA_1, workplace / "runs" / "old"))
    store = sqlite3.connect(folder.with_name("store.sqlite"))
    store.executescript((folder / "store.sql").read_text(encoding="utf-8"))
    store.close()
    return folder


def figures(rows: list[dict[str, Any]], *, but: set[str]) -> list[dict[str, Any]]:
    """Return rows of results.json in an order of their own, without what their schema says in another way."""
    return sorted(({key: one[key] for key in one.keys() - but} for one in rows), key=place_of)


def place_of(row: dict[str, Any]) -> str:
    """Return what tells a row or a comparison from others."""
    return str([row["task"], row["judge"], row.get("model"), row.get("candidate")])


def test_a_run_of_schema_1_is_read_and_written_anew_with_its_figures(run_of_schema_1: Path, run_cli: RunCli) -> None:
    """It is read as it lies there; the next command that adds something to it writes schema 2. No figure moves."""
    before = json.loads((run_of_schema_1 / "results.json").read_text(encoding="utf-8"))
    read = load_run("old")
    assert (1, ("first", "second")) == (read.manifest.schema, read.models)
    assert 4 == sum(verdict.status != "scored" for verdict in map(read.verdict, read.items))
    means = {(row["judge"], row["model"]): row["mean"] for row in before["rows"]}
    assert means == {(row.judge, row.model): row.mean for row in read.leaderboard().rows}
    assert "| old " in run_cli("ls", "runs").out
    assert 1 == json.loads((run_of_schema_1 / "results.json").read_text(encoding="utf-8"))["schema"]
    assert 3 == run_cli("judge", "old", "--judge", "reference").code  # an answer is missing
    after = json.loads((run_of_schema_1 / "results.json").read_text(encoding="utf-8"))
    assert 2 == after["schema"]
    for section, but in (("rows", {"unscored_reasons"}), ("comparisons", {"cautions"})):
        was = figures(before[section], but=but)
        now = [one for one in figures(after[section], but=but) if one["judge"] != "reference"]
        assert was == [{key: new[key] for key in old} for old, new in zip(was, now, strict=True)]
    texts = [one["text"] for one in after["notices"]]
    assert before["provenance"]["command"] == after["provenance"]["command"]
    assert "human:ratings.csv: 3 of 6 answers have no rating in ratings.csv." in texts
