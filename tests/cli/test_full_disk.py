"""A disk that is really full: a small file system of its own, where this machine lets us make one."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunCli, results_of


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def command(workplace: Path) -> list[str]:
    """An evaluation whose rows need more than two megabytes."""
    rows = ({"input": f"{number} " + "長い質問です。" * 60} for number in range(1500))
    Path("long.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["eval", "--task", "long=long.jsonl", "--model", "echo", "--judge", "rules"]


def test_a_full_disk_under_the_store_is_said_and_the_run_goes_on_elsewhere(
    run_cli: RunCli, command: list[str], small_disk: Path
) -> None:
    """The message names the store and the way out; with space, the same command ends whole."""
    ran = run_cli(*command, "--store", f"sqlite:///{small_disk}/store.sqlite")
    assert 1 == ran.code
    assert f"No space left to write the store {small_disk}/store.sqlite" in ran.err
    assert "Traceback" not in ran.err
    assert 0 == run_cli(*command, "--run", "r").code
    assert 1500 == results_of(Path(), "r")["rows"][0]["n"]


def test_a_full_disk_under_the_runs_folder_loses_no_answer(
    run_cli: RunCli, command: list[str], small_disk: Path
) -> None:
    """The report cannot be written, but every answer is stored: the next run makes none."""
    (small_disk / "ballast").write_bytes(b"x" * (2 * 1024 * 1024 - 4096))
    Path("full.toml").write_text(f'runs = "{small_disk}"\nstore = "sqlite:///runs/store.sqlite"\n')
    ran = run_cli(*command, "--run", "r", "--config", "full.toml")
    assert (1, True) == (ran.code, "Cannot write" in ran.err), ran.err
    again = run_cli(*command, "--run", "r")
    assert (0, True) == (again.code, "1500 answers (1500 stored, 0 to generate)" in again.err)
