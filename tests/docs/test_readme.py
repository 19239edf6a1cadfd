"""README.md: its commands run, its plugin is a plugin, its rules are rules."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import plugins
from harness.types import JudgeSpec, Sample
from judges.checks import TYPES
from judges.rules import open_rules
from tests.conftest import ROOT, RunCli, results_of
from tests.docs.pages import blocks, run_page


def test_every_command_of_the_readme_runs(run_cli: RunCli) -> None:
    """Top to bottom in an empty folder; what is not run says why."""
    found = run_page(ROOT / "README.md", run_cli)
    assert 1 <= sum(block.kind == "console" and block.reason is None for block in found)
    rows = {(row["model"], row["judge"]): row["mean"] for row in results_of(Path(), "first")["rows"]}
    assert rows["after", "rules"] > rows["before", "rules"]


def test_every_command_of_the_japanese_readme_runs(run_cli: RunCli) -> None:
    """The Japanese page is run like the English one."""
    found = run_page(ROOT / "README.ja.md", run_cli)
    assert 1 == sum(block.kind == "console" and block.reason is None for block in found)
    assert {"前", "後"} == {row["model"] for row in results_of(Path(), "first")["rows"]}


def test_the_plugin_of_the_readme_installs_and_judges(
    run_cli: RunCli, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly the shown text, as a package of its own, scores answers; under ten lines of Python, two of TOML."""
    shown = {block.file: block.text for block in blocks(ROOT / "README.md") if block.file}
    code, entry = shown["plugin/harness_haiku.py"], shown["plugin/entry-points.toml"]
    assert (7, 2) == tuple(len([line for line in text.splitlines() if line]) for text in (code, entry))
    source, target = tmp_path_factory.mktemp("plugin"), tmp_path_factory.mktemp("site")
    (source / "harness_haiku.py").write_text(code, encoding="utf-8")
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "harness-haiku"\nversion = "1"\n[tool.setuptools]\npy-modules = ["harness_haiku"]\n{entry}',
        encoding="utf-8",
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
         "--target", str(target), str(source)],
        check=True,
    )  # fmt: skip
    monkeypatch.syspath_prepend(str(target))
    plugins._found.cache_clear()
    Path("tasks.jsonl").write_text('{"input": "俳句を"}\n{"input": "俳句を一つ"}\n', encoding="utf-8")
    answers = ["古池や\n蛙飛びこむ\n水の音", "古池や"]
    rows = [json.dumps({"task_id": number, "output": answer}) for number, answer in enumerate(answers)]
    Path("answers.jsonl").write_text("\n".join(rows), encoding="utf-8")
    ran = run_cli("eval", "--run", "r", "--task", "t=tasks.jsonl", "--model", "outputs:answers.jsonl",
                  "--judge", "three-lines")  # fmt: skip
    plugins._found.cache_clear()
    assert 0 == ran.code, ran.err
    assert 0.5 == results_of(Path(), "r")["rows"][0]["mean"]


def test_the_page_on_rules_names_every_type_and_its_examples_are_rules() -> None:
    """docs/rules.md has a line for each rule type, and its example is accepted by the judge."""
    page = ROOT / "docs" / "rules.md"
    named = set(re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(TYPES) == named
    example = json.loads(next(block.text for block in blocks(page) if block.kind == "json"))
    sample = Sample(id="0", inputs={"input": example["input"]}, rules=tuple(example["rules"]))
    open_rules(JudgeSpec(text="rules", name="rules")).check_samples("t", [sample], ["m"])
