"""Which processes are begun before anything is opened: a guess, whose cost is a process that is not used."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.errors import HarnessError
from harness.models import ahead, child_process
from harness.models.ahead import ENGINE, WORKER, begin_processes
from harness.models.child_process import begin_ahead
from tests.conftest import RunCli

Begun = list[tuple[Sequence[str], Mapping[str, str]]]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Begun:
    """What is begun, on two GPUs and eight cores with vLLM, unless a test changes that."""
    found: Begun = []
    monkeypatch.setattr(ahead, "begin_ahead", lambda command, environment: found.append((command, environment)))
    monkeypatch.setattr(ahead, "devices_seen", lambda: 2)
    monkeypatch.setattr(ahead, "find_spec", lambda name: name)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    return found


BOTH = [{"CUDA_VISIBLE_DEVICES": "4"}, {"CUDA_VISIBLE_DEVICES": "6"}]


@pytest.mark.parametrize(
    ("engines", "tokens", "expected"),
    [
        ({"auto"}, 100_000, [(ENGINE, one) for one in BOTH]),
        ({"vllm"}, 20_000, [(ENGINE, {})]),
        ({"auto"}, 20_000, []),
        ({"auto"}, 40_000, [(WORKER, one) for one in BOTH]),
        ({"hf"}, 100_000, [(WORKER, one) for one in BOTH]),
        ({"hf", "vllm"}, 100_000, [(ENGINE, one) for one in BOTH]),
        (set(), 100_000, []),
    ],
)
def test_what_is_likely_to_answer_is_begun_at_the_places_it_will_have(
    begun: Begun, engines: set[str], tokens: int, expected: Begun
) -> None:
    begin_processes(engines, tokens)
    assert begun == expected


@pytest.mark.parametrize(("gpus", "expected"), [(0, []), (1, [{}]), ("all", BOTH), (2, BOTH), (5, BOTH), (None, [{}])])
def test_as_many_are_begun_as_gpus_were_asked_for(begun: Begun, gpus: Any, expected: list[Any]) -> None:
    """0: nothing is going to be answered."""
    begin_processes({"vllm"}, 20_000, gpus)
    assert [environment for _, environment in begun] == expected


def test_a_system_without_room_for_a_process_is_no_error_yet(monkeypatch: pytest.MonkeyPatch, begun: Begun) -> None:
    def full(command: Sequence[str], environment: Mapping[str, str]) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(ahead, "begin_ahead", full)
    begin_processes({"vllm"}, 20_000)
    assert begun == []


@pytest.mark.parametrize(
    ("changed", "value", "expected"),
    [
        ("harness.models.ahead.find_spec", lambda name: None, [WORKER, WORKER]),
        ("harness.models.ahead.devices_seen", lambda: 1, [ENGINE]),
        ("harness.models.ahead.devices_seen", lambda: 0, []),
        ("os.cpu_count", lambda: 1, []),
    ],
)
def test_the_machine_decides_what_can_be_begun(
    monkeypatch: pytest.MonkeyPatch, begun: Begun, changed: str, value: Callable[..., Any], expected: list[Any]
) -> None:
    monkeypatch.setattr(changed, value)
    begin_processes({"auto"}, 1_000_000)
    assert [command for command, _ in begun] == expected


def test_nothing_large_is_imported_to_begin_them() -> None:
    """They would begin later by as long as that takes."""
    code = (
        "import sys, harness.models.ahead; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.usefixtures("workplace")
def test_a_notebook_keeps_no_process_after_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own Python lives on, and what a worker holds of a GPU would stay taken."""
    waiting = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    monkeypatch.setattr("harness.runs.assemble.begin_processes", lambda *_: begin_ahead(waiting, {}))
    with pytest.raises(HarnessError, match="none"):
        harness.evaluate(models=f"hf:{tmp_path / 'none'}", tasks="bundled:ja-mini", judges="rules", limit=2)
    assert not child_process._unused


def test_an_evaluation_begins_them_for_the_models_of_this_machine_before_it_opens_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begun: Begun, run_cli: RunCli
) -> None:
    """A model that is missing is an error all the same."""
    asked: list[tuple[Any, ...]] = []
    own = begin_processes
    monkeypatch.setattr("harness.runs.assemble.begin_processes", lambda *given: (asked.append(given), own(*given)))
    common = ["--task", "bundled:ja-mini", "--judge", "rules", "--max-new-tokens", "1000", "--limit", "5"]
    assert run_cli("eval", "--model", "echo", *common).code == 0
    ran = run_cli("eval", "--model", f"hf:{tmp_path / 'none'}", "--model", "echo", "--engine", "hf", *common)
    assert "none" in ran.err
    assert run_cli("eval", "--model", "echo", *common, "--dry-run").code == 0
    assert asked == [(set(), 0, None), ({"hf"}, 5_000, None), (set(), 0, 0)]
    assert begun == []
