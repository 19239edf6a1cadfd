"""Task sets as `--against` names them: by name, by NAME=PATH, by path alone."""

from pathlib import Path

import pytest

from harness.cli.benchmarks import benchmark_samples
from harness.errors import HarnessError
from harness.specs import load_config


def test_each_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is known by its name, a file by its path; two of one name by what was typed."""
    monkeypatch.chdir(tmp_path)
    Path("exam.jsonl").write_text('{"task_id": "q", "input": "問い"}\n', encoding="utf-8")
    Path("more.jsonl").write_text('{"task_id": "r", "input": "別の問い"}\n', encoding="utf-8")
    found = benchmark_samples(
        ["bundled:ja-mini", "exam.jsonl", "mine=exam.jsonl", "mine=more.jsonl"], load_config(None)
    )
    assert {"bundled:ja-mini": 40, "exam.jsonl": 1, "mine": 1, "mine=more.jsonl": 1} == {
        name: len(samples) for name, samples in found.items()
    }


@pytest.mark.parametrize("name", ["gone", "gone.jsonl", "mine=gone.jsonl"])
def test_what_is_not_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match="gone"):
        benchmark_samples([name], load_config(None))
