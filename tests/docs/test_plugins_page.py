"""docs/plugins.md: its files are written, its package is installed, its commands are run, its test passes."""

import importlib
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from harness import plugins
from harness.protocols import JudgeInfo, ModelInfo
from tests.conftest import ROOT, RunCli, results_of
from tests.docs.pages import blocks, run_page

PAGES = [ROOT / "docs" / name for name in ("plugins.md", "plugins.ja.md")]


@pytest.mark.parametrize("page", PAGES, ids=["en", "ja"])
def test_every_block_of_the_page_runs(
    page: Path, run_cli: RunCli, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From top to bottom, in one empty folder, with the page's package installed; its own test passes as well."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for block in blocks(page):
        if block.file and block.file.startswith("plugin/"):
            (source / Path(block.file).name).write_text(block.text, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
         "--target", str(site), str(source)],
        check=True,
    )  # fmt: skip
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.syspath_prepend(str(Path.cwd()))
    plugins._found.cache_clear()
    try:
        found = run_page(page, run_cli)
        importlib.import_module("test_my_harness_plugin").test_an_answer_that_ends_as_asked_passes()
    finally:
        plugins._found.cache_clear()
        for name in ("test_my_harness_plugin", "my_harness_plugin"):
            sys.modules.pop(name, None)
    assert ["$ pip install ./plugin"] == [block.text.strip() for block in found if block.reason]
    first = {row["judge"]: row["mean"] for row in results_of(Path(), "first")["rows"]}
    assert {"my_metric": 0.5, "broken": None, "tone/polite": 0.5, "tone/length": 7} == first
    packaged = {row["judge"]: row["mean"] for row in results_of(Path(), "packaged")["rows"]}
    assert {"ending": 1, "ending:です。": 1} == packaged


def test_the_package_of_the_page_is_short() -> None:
    """A judge, a model and a task set in twenty lines of Python."""
    [code] = [block.text for block in blocks(PAGES[0]) if block.file == "plugin/my_harness_plugin.py"]
    assert 20 >= len([line for line in code.splitlines() if line])


@pytest.mark.parametrize("page", PAGES, ids=["en", "ja"])
@pytest.mark.parametrize("record", [JudgeInfo, ModelInfo])
def test_every_field_that_a_plugin_may_declare_is_on_the_page(record: type, page: Path) -> None:
    """In one of its tables."""
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert [] == [
        item.name for item in fields(record) if not any(f"`{item.name}`" in row.split("|")[1] for row in rows)
    ]
