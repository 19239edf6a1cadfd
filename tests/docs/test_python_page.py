"""docs/python.md and docs/testing.md: their Python and their commands run, and show what the pages show."""

from collections.abc import Iterator

import pytest

from harness.testing import load_profile
from tests.conftest import ROOT, RunCli
from tests.docs.pages import run_page


@pytest.fixture(autouse=True)
def same_profile_afterwards() -> Iterator[None]:
    """The page chooses one; the other tests of this process go on as they were."""
    yield
    load_profile()


@pytest.mark.parametrize("name", ["python.md", "python.ja.md"])
def test_every_block_of_the_page_on_python_runs(run_cli: RunCli, name: str) -> None:
    """From top to bottom, in one empty folder; nothing is left out."""
    found = run_page(ROOT / "docs" / name, run_cli)
    assert [] == [block for block in found if block.reason]
    assert 7 == sum(block.kind == "pycon" for block in found)


@pytest.mark.parametrize("name", ["testing.md", "testing.ja.md"])
def test_every_block_of_the_page_on_testing_runs(run_cli: RunCli, name: str) -> None:
    """But for the one that loads torch."""
    pytest.importorskip("openai")
    found = run_page(ROOT / "docs" / name, run_cli)
    assert 3 == sum(block.kind == "pycon" and not block.reason for block in found)
