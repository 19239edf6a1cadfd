"""What tries were made of, from runs and from beside adapters: what is there, and what is gone or another thing now."""

import json
import shutil
from pathlib import Path

import pytest

from harness.analysis.history import TriesHistory, histories
from harness.cli.history_facts import facts_of
from harness.models.hf.digests import content_digest
from harness.store.ledger import read_ledger
from harness.store.store import Store
from reports.wording import words
from tests.conftest import RunCli
from tests.runs.test_ledger import evaluate, forty  # noqa: F401 - a fixture and its helper

RECORD = {
    "schema": 1, "base": "llm-jp/llm-jp-3-13b", "base_revision": None, "base_digest": "f" * 64, "recipe_name": "course",
    "recipe": {"learning_rate": 1e-4}, "prompt": "course.v1", "prompt_sha256": "0" * 64, "samples": 90, "heldout": 10,
    "data": [{"name": "mine.jsonl", "sha256": "a" * 64, "rows": 100}], "quantization": "nf4", "dtype": "bfloat16",
    "device": "CPU",
}  # fmt: skip


@pytest.fixture
def tried(forty: RunCli) -> RunCli:  # noqa: F811 - the fixture
    for place in (0, 1):
        evaluate(forty, f"base a{place}", "--run", f"r{place}")
    return forty


def found() -> list[TriesHistory]:
    with Store("runs/store.sqlite", read_only=True) as store:
        return list(histories(read_ledger(store)))


def as_adapter(run: str, folder: str, label: str) -> None:
    """Have a run say that a model of it was an adapter in a folder, as a run of one does."""
    place = Path(folder)
    place.mkdir(parents=True)
    (place / "adapter_config.json").write_text("{}")
    (place / "adapter_model.safetensors").write_text(folder)
    (place / "training.json").write_text(json.dumps(RECORD))
    digest = content_digest([place / "adapter_config.json", place / "adapter_model.safetensors"])
    path = Path(f"runs/{run}/manifest.json")
    manifest = json.loads(path.read_text("utf-8"))
    details = {"base": "llm-jp/llm-jp-3-13b", "adapter": folder, "adapter_digest": digest, "base_revision": None}
    manifest["provenance"]["model_details"] = {label: details}
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_what_a_run_and_a_training_record_say(tried: RunCli) -> None:
    """Model, judge, versions; of an adapter its recipe and its data, by hash, as long as its weights are the same."""
    as_adapter("r1", "adapters/one", "a1")
    [history] = found()
    facts = [facts_of([history], "runs", words("en"))[row.run, row.candidate] for row in history.rows]
    assert ["known", "known"] == [one.state for one in facts]
    plain, adapter = (one.values for one in facts)
    assert "outputs" in plain["model"]
    assert plain["judge"].startswith("scores")
    assert "ja-harness" in {key.partition(".")[2] for key in plain if key.startswith("version.")}
    assert {
        "recipe_name": "course",
        "recipe.learning_rate": "0.0001",
        "data.mine.jsonl": f"{'a' * 16} (100)",
    }.items() <= (adapter.items())
    assert "base_revision" not in adapter
    Path("adapters/one/adapter_model.safetensors").write_text("trained again")
    again = facts_of([history], "runs", words("en"))[history.rows[1].run, history.rows[1].candidate].values
    assert "recipe_name" not in again
    assert "not beside the adapter as it was" == again["record"]


def test_what_is_gone_or_something_else_now(tried: RunCli) -> None:
    """A folder that was removed; one that holds another candidate under the old label."""
    [history] = found()
    shutil.rmtree("runs/r0")
    path = Path("runs/r1/manifest.json")
    manifest = json.loads(path.read_text("utf-8"))
    manifest["provenance"]["models"]["a1"] = "something else"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    facts = facts_of([history], "runs", words("en"))
    assert ["gone", "changed"] == [facts[row.run, row.candidate].state for row in history.rows]
    Path("runs/r1/manifest.json").write_text("{")
    assert {"gone"} == {one.state for one in facts_of([history], "runs", words("en")).values()}
