"""What a model takes on this machine, told before anything is done: in `--dry-run`, and as a refusal."""

import json
from pathlib import Path

import pytest
import torch
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


def test_more_gpus_than_there_are_end_the_command_before_anything_is_made(
    run_cli: RunCli, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2 with what can be seen; a word that is no number is refused as any other."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ran = run_cli(*command, "--gpus", "2")
    assert (2, "") == (ran.code, ran.out)
    assert "--gpus 2: 0 GPUs can be seen here." in ran.err
    assert not Path("runs").exists()
    assert 2 == run_cli(*command, "--gpus", "0").code


def test_two_processes_make_the_board_that_one_makes(
    run_cli: RunCli, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers in the store, board and notices; and the run goes on from a store without starting any process."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    shared = run_cli(*command, "--processes", "2", "--run", "two", "--store", "sqlite:///two.sqlite")
    single = run_cli(*command, "--run", "one", "--store", "sqlite:///one.sqlite")
    assert (0, 0) == (shared.code, single.code), shared.err
    boards = [json.loads(Path(f"runs/{name}/results.json").read_text(encoding="utf-8")) for name in ("one", "two")]
    assert boards[0]["rows"] == boards[1]["rows"]
    texts = []
    for name in ("one", "two"):
        run_cli("export", name, "--output", f"{name}.jsonl", "--store", f"sqlite:///{name}.sqlite")
        lines = Path(f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        texts.append([json.loads(line)["answer"] for line in lines])
    assert texts[0] == texts[1]
    assert len(texts[0]) == 2
    assert "2 answers generated" in shared.err
    monkeypatch.setattr("harness.models.hf.crew.crew.Process", lambda *_: pytest.fail("started"))
    assert 0 == run_cli(*command, "--processes", "2", "--run", "two", "--store", "sqlite:///two.sqlite").code
