"""`harness export RUN --bundle`: a run in one file, which another machine reports from."""

import hashlib
import json
import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest
from pyarrow import parquet as pq

from tests.conftest import RunCli, results_of

READING = [
    ("report", "{run}"),
    ("report", "{run}", "--format", "json"),
    ("report", "{run}", "--format", "csv", "--lang", "ja"),
    ("show", "{run}", "--task-id", "3"),
    ("compare", "{run}", "--family", "all-pairs"),
    ("audit", "{run}"),
]


@pytest.fixture
def bundled(run_cli: RunCli, task_file: Path) -> RunCli:
    """A run `r` with gaps and two judges, as a bundle r.zip in a store that other runs share."""
    Path("mine.j2").write_text("質問: {{ input }}\n答え: ", encoding="utf-8")
    rows = [{"task_id": n, "output": None if n == 2 else f"答え{n % 2}"} for n in range(5)]
    Path("a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    common = ["--task", "five=five.jsonl", "--judge", "rules", "--judge", "reference", "--max-unscored", "9"]
    assert 0 == run_cli("eval", "--run", "other", "--model", "x=echo", *common).code
    ran = run_cli(
        "eval", "--run", "r", "--model", "a=outputs:a.jsonl", "--model", "b=echo", "--prompt", "mine.j2", *common
    )
    assert 0 == ran.code, ran.err
    ran = run_cli("export", "r", "--bundle", "r.zip")
    assert (0, f"r.zip: {Path('r.zip').stat().st_size:,} bytes\n") == (ran.code, ran.out), ran.err
    return run_cli


def test_another_machine_reads_the_same_from_it(bundled: RunCli) -> None:
    """Every reading command says of the bundle, with nothing else there, what it says of the run."""
    there = [bundled(*(word.format(run="r") for word in command)) for command in READING]
    assert {0} == {ran.code for ran in there}, [ran.err for ran in there]
    shutil.rmtree("runs")
    Path("mine.j2").unlink()
    for command, ran in zip(READING, there, strict=True):
        here = bundled(*(word.format(run="r.zip") for word in command))
        assert (0, ran.out) == (here.code, here.out), here.err


def test_its_members_are_a_run_with_only_its_own_rows(bundled: RunCli) -> None:
    """Hashes and sizes are those of the files; the store holds no other run's answer; equal runs make equal files."""
    with zipfile.ZipFile("r.zip") as archive:
        archive.extractall()
    contents = json.loads(Path("r/bundle.json").read_text(encoding="utf-8"))
    files = {path.relative_to("r").as_posix(): path.read_bytes() for path in Path("r").rglob("*") if path.is_file()}
    assert {*contents["members"], "bundle.json"} == set(files)
    for name, known in contents["members"].items():
        assert known == {"size": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
    assert {"manifest.json", "results.json", "leaderboard.md", "report.html", "store.sqlite"} < set(files)
    assert "質問: {{ input }}\n答え: " == files["templates/0-mine.j2"].decode()
    assert "store.sqlite" == json.loads(files["manifest.json"])["store"]
    connection = sqlite3.connect("r/store.sqlite")
    counts = [
        connection.execute(f"select count(*) from {name}").fetchone()[0] for name in ("generation", "plan_request")
    ]
    assert [10, 10] == counts
    assert pq.read_table("r/scores.parquet").num_rows == 20
    assert [row["mean"] for row in results_of(Path(), "r")["rows"]] == [
        row["mean"] for row in json.loads(files["results.json"])["rows"]
    ]


def test_unpacked_it_is_a_run_that_can_be_judged(bundled: RunCli) -> None:
    """A plain unzip anywhere: reading and writing commands take the folder and the store that lies in it."""
    shutil.rmtree("runs")
    with zipfile.ZipFile("r.zip") as archive:
        archive.extractall("elsewhere/deep")
    assert 0 == bundled("compare", "elsewhere/deep/r").code
    ran = bundled("judge", "elsewhere/deep/r", "--judge", "reference", "--max-unscored", "9")
    assert 0 == ran.code, ran.err
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (["judge", "r.zip", "--judge", "rules"], "Unpack it (unzip r.zip), and name the folder that comes out"),
        (["rate", "export", "r.zip", "--raters", "2", "--sample", "2"], "Unpack it"),
        (["report", "r.zip", "--format", "html"], "Say where files go: --output DIR."),
    ],
)
def test_what_writes_refuses_a_bundle(bundled: RunCli, command: list[str], hint: str) -> None:
    """And says what to do instead; the bundle stays as it is."""
    before = Path("r.zip").read_bytes()
    ran = bundled(*command)
    assert 2 == ran.code, ran.out
    assert f"r.zip is a bundle, which is only read.\nHint: {hint}" in ran.err
    assert before == Path("r.zip").read_bytes()


def test_a_template_that_changed_since_is_left_out_and_said(bundled: RunCli) -> None:
    """The prompts that it made are in the store all the same."""
    Path("mine.j2").write_text("other {{ input }}", encoding="utf-8")
    ran = bundled("export", "r", "--bundle", "r2.zip")
    assert 0 == ran.code
    assert "Note: The text of template 'mine.j2' is not in the bundle: it is gone or was changed since." in ran.err
    with zipfile.ZipFile("r2.zip") as archive:
        assert not [name for name in archive.namelist() if "template" in name]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--bundle", "r.tar"], 2, "--bundle 'r.tar' does not end in .zip.\nHint: For example: --bundle r.zip"),
        (["--bundle", "r.zip", "--format", "csv"], 2, "--bundle writes the whole run"),
        (["--bundle", "no/such/r.zip"], 1, "Cannot write no/such/r.zip: no such file or folder."),
    ],
)
def test_wrong_targets_are_named(bundled: RunCli, options: list[str], code: int, message: str) -> None:
    """A name that nothing would know as a bundle, two things at once, a folder that is not there."""
    ran = bundled("export", "r", *options)
    assert code == ran.code, ran.out
    assert message in ran.err
