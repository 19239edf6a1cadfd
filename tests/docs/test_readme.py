"""README.md and README.ja.md: their commands run; docs/rules.md: its rules are rules."""

import json
import re
from pathlib import Path

import pytest

from harness.types import JudgeSpec, Sample
from judges.checks import TYPES
from judges.rules import open_rules
from tests.conftest import ROOT, RunCli, results_of
from tests.docs.pages import blocks, run_page


def test_every_command_of_the_readme_runs(run_cli: RunCli) -> None:
    """Top to bottom in an empty folder; what is not run says why."""
    found = run_page(ROOT / "README.md", run_cli)
    assert 1 <= sum(block.kind == "console" and not (block.reason or block.stand_ins) for block in found)
    rows = {(row["model"], row["judge"]): row["mean"] for row in results_of(Path(), "first")["rows"]}
    assert rows["after", "rules"] > rows["before", "rules"]


def test_every_command_of_the_japanese_readme_runs(run_cli: RunCli) -> None:
    """The Japanese page is run like the English one, and in Japanese."""
    found = run_page(ROOT / "README.ja.md", run_cli)
    assert 1 <= sum(block.kind == "console" and not (block.reason or block.stand_ins) for block in found)
    rows = {(row["model"], row["judge"]): row["mean"] for row in results_of(Path(), "first")["rows"]}
    assert rows["後", "rules"] > rows["前", "rules"]


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_a_readme_is_short(name: str) -> None:
    """What it is, how to see it, where to read on: the rest is in docs/."""
    assert 150 >= len((ROOT / name).read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("name", ["rules.md", "rules.ja.md"])
def test_the_page_on_rules_names_every_type_and_its_examples_are_rules(name: str) -> None:
    """docs/rules.md has a line for each rule type, and its example is accepted by the judge."""
    page = ROOT / "docs" / name
    named = set(re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(TYPES) == named
    example = json.loads(next(block.text for block in blocks(page) if block.kind == "json"))
    sample = Sample(id="0", inputs={"input": example["input"]}, rules=tuple(example["rules"]))
    open_rules(JudgeSpec(text="rules", name="rules")).check_samples("t", [sample], ["m"])
