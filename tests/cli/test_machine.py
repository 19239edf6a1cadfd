"""What a model takes on this machine, told before anything is done: in `--dry-run`, and as a refusal."""

import json
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from harness.models.hf import backend, bases
from tests.conftest import RunCli

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def command(tiny: Path, workplace: Path) -> list[str]:
    Path("t.jsonl").write_text('{"input": "問"}\n{"input": "二つ目の問い"}\n', encoding="utf-8")
    return [
        "eval",
        "--task",
        "t=t.jsonl",
        "--model",
        f"m=hf:{tiny}",
        "--judge",
        "rules",
        "--max-new-tokens",
        "4",
        "--dtype",
        "float32",
    ]


def test_the_plan_names_memory_and_time(run_cli: RunCli, command: list[str]) -> None:
    """Memory, what is free, and the most that it takes: as a table and as JSON; nothing is made."""
    ran = run_cli(*command, "--dry-run")
    assert 0 == ran.code, ran.err
    [row] = [line for line in ran.out.split("\n") if line.startswith("| m ")]
    assert "GiB" in row
    assert "at most about" in row
    machine = json.loads(run_cli(*command, "--dry-run", "--json").out)["machine"]["m"]
    assert 0 < machine["needed"] < machine["available"]
    assert 0 < machine["seconds"] < 5
    assert not Path("runs").exists()


def test_what_does_not_fit_ends_before_anything_is_made(
    run_cli: RunCli, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1 with both figures, with and without `--dry-run`; no folder, no store, no weight."""
    with monkeypatch.context() as small:
        small.setattr(backend, "available_bytes", lambda _: 1000)
        small.setattr(AutoModelForCausalLM, "from_pretrained", lambda *_, **__: pytest.fail("loaded"))
        bases.BASE_MODELS.clear()
        for more in ([], ["--dry-run"]):
            ran = run_cli(*command, *more)
            assert (1, "") == (ran.code, ran.out)
            assert "needs about 0.0 GiB as float32, and 0.0 GiB are available on the CPU." in ran.err
    assert not Path("runs").exists()


def test_stored_answers_need_no_memory(run_cli: RunCli, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A board of stored answers can be made again on a machine that the model does not fit on."""
    first = run_cli(*command)
    assert 0 == first.code, first.err
    monkeypatch.setattr(backend, "available_bytes", lambda _: 1000)
    bases.BASE_MODELS.clear()
    again = run_cli(*command)
    assert 0 == again.code, again.err
    assert "0 answers generated" in again.err
