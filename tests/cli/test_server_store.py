"""The commands on a store in PostgreSQL: the same boards as from a file, and no password anywhere."""

import json
from pathlib import Path

import pytest

import harness
from tests.conftest import RunCli, results_of
from tests.postgres import LOCKED, PASSWORD, PostgresServer

QUOTED = "p%40ss%3Aw%2Frd"
RUN = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--judge", "reference", "--run")


@pytest.fixture
def team(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database of somebody who needs a password, which this process does not know yet."""
    monkeypatch.setattr("harness.store.server._passwords", {})
    return postgres.url(postgres.new_database(f"OWNER {LOCKED}"), LOCKED, QUOTED)


def test_every_command_works_and_none_tells_the_password(
    run_cli: RunCli, task_file: Path, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evaluating, judging anew and reading; what is kept of the store is USER@HOST/DATABASE."""
    shown = team.replace(f":{QUOTED}", "")
    first = run_cli(*RUN, "r", "--store", team)
    assert (0, True) == (first.code, "5 answers generated, 10 judged anew" in first.err + first.out), first.err
    again = run_cli(*RUN, "r", f"--store={team}")
    assert (0, True) == (again.code, "0 answers generated, 0 judged anew" in again.err + again.out), again.err
    manifest = json.loads((task_file.parent / "runs/r/manifest.json").read_text())
    assert shown == manifest["store"]
    assert f"--store {shown}" in manifest["provenance"]["command"]
    monkeypatch.setattr("harness.store.server._passwords", {})
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    said = [first, again]
    for command in (
        ("report", "r"),
        ("show", "r", "--task-id", "0"),
        ("ls", "runs"),
        ("history", "--store", shown),
        ("judge", "r", "--judge", "rules"),
        ("export", "r", "--bundle", "r.zip"),
        ("doctor", "--store", shown),
        ("audit", "r"),
        ("rerun", "r", "--store", shown),
    ):
        said.append(run_cli(*command))
        assert said[-1].code == 0 or command[0] == "doctor", (command, said[-1].err)
    assert "ready" in next(line for line in said[-3].out.splitlines() if "store" in line)
    for ran in said:
        assert PASSWORD not in ran.out + ran.err
        assert QUOTED not in ran.out + ran.err
    for path in task_file.parent.rglob("*"):
        held = path.read_bytes() if path.is_file() else b""
        assert PASSWORD.encode() not in held, path
        assert QUOTED.encode() not in held, path


def test_the_board_is_that_of_a_file(run_cli: RunCli, task_file: Path, postgres_url: str) -> None:
    """From harness.toml, too; every figure of it."""
    assert 0 == run_cli(*RUN, "file").code
    (task_file.parent / "harness.toml").write_text(f'store = "{postgres_url}"\n')
    assert 0 == run_cli(*RUN, "server").code
    one, other = (results_of(task_file.parent, name) for name in ("file", "server"))
    assert one["rows"]
    for part in ("rows", "comparisons", "audit"):
        assert one[part] == other[part]
    assert ["file", "server"] == sorted(harness.list_runs())


def test_a_mirror_is_refused(run_cli: RunCli, task_file: Path, postgres_url: str) -> None:
    """It is a copy of a file; silently making none would be worse."""
    (task_file.parent / "harness.toml").write_text('store_mirror = "drive"\n')
    ran = run_cli(*RUN, "r", "--store", postgres_url)
    assert 1 == ran.code
    assert "A store_mirror is a copy of a SQLite file; the store" in ran.err
    assert "harness store copy" in ran.err


def test_a_run_whose_server_is_gone_says_so(run_cli: RunCli, task_file: Path, postgres_url: str) -> None:
    """The sentence names the store, as the run's manifest does."""
    assert 0 == run_cli(*RUN, "r", "--store", postgres_url).code
    path = task_file.parent / "runs/r/manifest.json"
    path.write_text(path.read_text().replace("127.0.0.1:", "127.0.0.1:1"))
    ran = run_cli("report", "r")
    assert 1 == ran.code
    assert "cannot be" in ran.err
    assert "Hint: " in ran.err
