"""A notebook and a script of somebody who knows the design and nothing else: they run, one with a real tiny model."""

import ast
from pathlib import Path

import pytest

from harness.testing import make_llama, make_lora

NOTEBOOK = Path(__file__).with_name("notebook.txt")
SCRIPT = Path(__file__).with_name("script.txt")


def test_the_notebook_runs(workplace: Path) -> None:
    """Cell by cell in one namespace; a base model and an adapter of it answer and are compared."""
    pytest.importorskip("peft")
    make_lora("adapters/mine", make_llama("tiny-base"), base="tiny-base")
    cells = NOTEBOOK.read_text(encoding="utf-8").split("# %%\n")[1:]
    assert 9 == len(cells)
    names: dict[str, object] = {}
    for cell in cells:
        exec(compile(ast.parse(cell), str(NOTEBOOK), "exec"), names)
    assert Path("runs/mine/report.html").exists()


def test_the_script_runs(workplace: Path) -> None:
    """Answers, ratings and a metric of one's own, from files: evaluated, saved, merged, exported and read again."""
    exec(compile(ast.parse(SCRIPT.read_text(encoding="utf-8")), str(SCRIPT), "exec"), {})
