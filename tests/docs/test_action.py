"""action.yml: the scripts of its steps are run by bash as GitHub runs them, with a stand-in for `gh`."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
GH = f"""#!{sys.executable}
import json, os, pathlib, sys
log = pathlib.Path(os.environ["GH_LOG"])
arguments = sys.argv[1:]
body = next((value.removeprefix("body=@") for value in arguments if value.startswith("body=@")), None)
call = {{"arguments": arguments, "body": pathlib.Path(body).read_text(encoding="utf-8") if body else None}}
log.open("a", encoding="utf-8").write(json.dumps(call) + "\\n")
if "--jq" in arguments:
    print(os.environ.get("GH_KNOWN", ""))
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


class Runner:
    """Runs steps in order with the contexts that GitHub would give them."""

    def __init__(self, folder: Path, inputs: dict[str, str], **environment: str) -> None:
        defaults = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        self.contexts = {f"inputs.{name}": value for name, value in {**defaults, **inputs}.items()}
        self.contexts |= {
            "github.action_path": str(ROOT),
            "github.token": "token-of-the-job",
            "github.repository": "a/b",
            "github.event.pull_request.number": "7",
        }
        self.folder = folder
        self.tools = folder / "tools"
        self.tools.mkdir()
        for name, text in (
            ("gh", GH),
            ("harness", f'#!/bin/sh\nexec "{sys.executable}" -c "from harness.cli.main import main; main()" "$@"\n'),
        ):
            (self.tools / name).write_text(text, encoding="utf-8")
            (self.tools / name).chmod(0o755)
        self.environment = {
            "PATH": f"{self.tools}:/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "GH_LOG": str(folder / "gh.log"),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            **environment,
        }

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        [step] = [step for step in STEPS if step["id"] == name]
        own = {key: self._filled(str(value)) for key, value in step.get("env", {}).items()}
        (self.folder / "output").write_text("", encoding="utf-8")
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.folder, env={**self.environment, **own}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self._take_outputs(name)
        return ran

    def run_all(self) -> list[str]:
        """Run the steps as GitHub does: those whose condition holds, until one fails; return the ids of those run."""
        ran: list[str] = []
        for step in STEPS:
            if not self._holds(str(step.get("if", "true"))):
                continue
            ran.append(step["id"])
            if self.run(step["id"]).returncode:
                break
        return ran

    def _holds(self, condition: str) -> bool:
        """Evaluate a condition of contexts and texts joined by && and ==."""
        for clause in condition.split("&&"):
            sides = [side.strip() for side in clause.split("==")]
            values = [side.strip("'") if side.startswith("'") else self.contexts.get(side, side) for side in sides]
            if values[0] != values[1] if len(values) > 1 else not values[0]:
                return False
        return True

    def _filled(self, text: str) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda match: self.contexts[match[1]], text)

    def _take_outputs(self, step: str) -> None:
        text = (self.folder / "output").read_text(encoding="utf-8")
        for match in re.finditer(r"^(\w+)<<(\S+)\n(.*?)\n\2$", text, flags=re.MULTILINE | re.DOTALL):
            self.contexts[f"steps.{step}.outputs.{match[1]}"] = match[3]
        for match in re.finditer(r"^(\w+)=(.*)$", text, flags=re.MULTILINE):
            self.contexts[f"steps.{step}.outputs.{match[1]}"] = match[2]

    def calls(self) -> list[dict[str, Any]]:
        path = self.folder / "gh.log"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with forty tasks; `good` answers all of them, `bad` none, the baseline `old` half."""
    tasks = [{"task_id": n, "input": f"質問{n}", "rules": [{"type": "must_include", "all": ["正"]}]} for n in range(40)]
    write(tmp_path / "tasks file.jsonl", tasks)
    right = {"good": lambda n: True, "bad": lambda n: False, "old": lambda n: n % 2 == 0}
    for name, is_right in right.items():
        write(
            tmp_path / f"{name}.jsonl",
            [{"task_id": n, "output": "正です" if is_right(n) else "いいえ"} for n in range(40)],
        )
    return tmp_path


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def inputs(candidate: str, **more: str) -> dict[str, str]:
    wanted = {"baseline": "outputs:old.jsonl", "tasks": "\n  small=tasks file.jsonl\n", "extras": "none"}
    return {"candidate": f"outputs:{candidate}.jsonl", **wanted, **more}


@pytest.mark.parametrize(("candidate", "require", "met"), [("good", "better", True), ("bad", "no-worse", False)])
def test_the_verdict_is_commented_and_decides_the_check(
    workspace: Path, candidate: str, require: str, met: bool
) -> None:
    """One comment with the sentence first and the comparisons folded; the check fails where the requirement does."""
    runner = Runner(workspace, inputs(candidate, require=require))
    for step in ("install", "evaluate", "verdict", "comment"):
        ran = runner.run(step)
        assert 0 == ran.returncode, (step, ran.stdout, ran.stderr)
    assert str(met).lower() == runner.contexts["steps.verdict.outputs.met"]
    sentence = runner.contexts["steps.verdict.outputs.sentence"]
    looked, posted = runner.calls()
    assert "repos/a/b/issues/7/comments" in looked["arguments"]
    assert "POST" in posted["arguments"]
    assert posted["body"].startswith(
        "<!-- ja-harness: pull-request -->\n### " + ("✅ " if met else "❌ ") + sentence[:20]
    )
    assert "<details>" in posted["body"]
    assert posted["body"] == (workspace / "summary.md").read_text(encoding="utf-8")
    assert (workspace / runner.contexts["steps.verdict.outputs.report"]).is_file()
    checked = runner.run("check")
    assert (0 if met else 1) == checked.returncode
    assert met or "::error::" in checked.stdout


@pytest.mark.parametrize(("comment", "number", "steps"), [("false", "7", 4), ("true", "", 4)])
def test_all_steps_run_in_order(workspace: Path, comment: str, number: str, steps: int) -> None:
    """No comment where none is wanted, and none outside a pull request; the check is the last step all the same."""
    runner = Runner(workspace, inputs("good", require="better", comment=comment))
    runner.contexts["github.event.pull_request.number"] = number
    ran = runner.run_all()
    assert (steps, "check") == (len(ran), ran[-1])
    assert ("comment" in ran) is bool(runner.calls())


def test_an_adapter_is_tried_against_its_own_base(
    workspace: Path, tiny: Path, make_adapter: Callable[..., Path]
) -> None:
    """A model and an adapter that are loaded: `base`, the default baseline, is the one that the adapter names.

    The two answer alike as far as rules can see, so that it is not shown to be better, and the check fails.
    """
    adapter = make_adapter(tiny, seed=5)
    runner = Runner(
        workspace,
        inputs("none", require="better", arguments="--max-new-tokens\n4\n--limit\n6\n--dtype\nfloat32")
        | {"candidate": f"adapter:{adapter}", "baseline": "base"},
        HARNESS_CACHE=str(workspace / "cache"),
        HF_HUB_OFFLINE="1",
    )
    ran = runner.run_all()
    assert ["install", "evaluate", "verdict", "comment", "check"] == ran
    assert "false" == runner.contexts["steps.verdict.outputs.met"]
    sentence = runner.contexts["steps.verdict.outputs.sentence"]
    assert "candidate" in sentence
    assert "baseline" in sentence
    results = json.loads((workspace / "runs" / "pull-request" / "results.json").read_text(encoding="utf-8"))
    assert f"is {tiny}" in json.dumps(results["notices"], ensure_ascii=False)
    [posted] = [call for call in runner.calls() if "POST" in call["arguments"]]
    assert sentence in posted["body"]


def test_an_earlier_comment_is_written_anew_in_japanese(workspace: Path) -> None:
    """Known by its first line; the pull request does not fill up with comments."""
    runner = Runner(workspace, inputs("good", require="better", language="ja", run="夜間"), GH_KNOWN="42")
    for step in ("evaluate", "verdict", "comment"):
        assert 0 == runner.run(step).returncode
    looked, patched = runner.calls()
    assert any('startswith("<!-- ja-harness: 夜間 -->")' in argument for argument in looked["arguments"])
    assert {"PATCH", "repos/a/b/issues/comments/42"} <= set(patched["arguments"])
    assert re.search(r"[ぁ-ん]", patched["body"].splitlines()[1])


def test_what_cannot_be_evaluated_fails_at_once(workspace: Path) -> None:
    """A file that is not there: no verdict, no comment."""
    runner = Runner(workspace, inputs("nothing"))
    ran = runner.run("evaluate")
    assert ran.returncode in {1, 2}
    assert "nothing.jsonl" in ran.stderr
    assert [] == runner.calls()


def test_what_a_workflow_says_is_never_part_of_a_script() -> None:
    """Else a branch's name could be a command."""
    assert [] == [step["id"] for step in STEPS if "${{" in step["run"]]
    runs = {"shell": "bash"}
    assert all(runs.items() <= step.items() for step in STEPS)


def test_an_input_is_no_command(workspace: Path) -> None:
    """Blanks, quotes and substitutions in inputs stay what they are."""
    runner = Runner(workspace, inputs("good", judges="rules\n$(touch stolen)", arguments="--limit\n5"))
    ran = runner.run("evaluate")
    assert 2 == ran.returncode
    assert "$(touch stolen)" in ran.stderr
    assert not (workspace / "stolen").exists()


def test_it_installs_itself_with_the_extras(workspace: Path) -> None:
    """From where GitHub has put it; with none, nothing is installed."""
    runner = Runner(workspace, inputs("good", extras="local,gemini"))
    (runner.tools / "python").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > installed\n', encoding="utf-8")
    (runner.tools / "python").chmod(0o755)
    assert 0 == runner.run("install").returncode
    assert f"{ROOT}[local,gemini]" == (workspace / "installed").read_text(encoding="utf-8").splitlines()[-1]
    (workspace / "installed").unlink()
    runner.contexts["inputs.extras"] = "none"
    assert 0 == runner.run("install").returncode
    assert not (workspace / "installed").exists()


def test_the_page_names_every_input() -> None:
    """In both languages, with its default."""
    for name in ("pull-requests.md", "pull-requests.ja.md"):
        page = (ROOT / "docs" / name).read_text(encoding="utf-8")
        rows = "".join(line for line in page.splitlines() if line.startswith("| `"))
        assert [] == [key for key in ACTION["inputs"] if f"`{key}`" not in rows and key != "run"]
        workflow = re.search(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
        assert workflow
        [step] = [one for one in yaml.safe_load(workflow[1])["jobs"]["adapter"]["steps"] if "ja-harness" in one["uses"]]
        assert set(step["with"]) <= set(ACTION["inputs"])
        assert {key for key, one in ACTION["inputs"].items() if one.get("required")} <= set(step["with"])
