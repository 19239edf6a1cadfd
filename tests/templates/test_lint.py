"""What lint finds in a template."""

import json
from pathlib import Path

import pytest

from harness.templates import load_template, template_names
from harness.templates.lint import lint
from tests.conftest import RunCli

GOOD = "### 指示\n{{ input }}\n### 回答\n"


def findings(run_cli: RunCli, text: str, *more: str) -> tuple[int, dict[str, str]]:
    """Return the exit code and the level of each finding's code."""
    Path("mine.j2").write_text(text, encoding="utf-8")
    ran = run_cli("prompt", "lint", "mine.j2", "--json", *more)
    return ran.code, {item["code"]: item["level"] for item in json.loads(ran.out)["mine.j2"]}


@pytest.mark.parametrize("name", template_names("tasks"))
def test_published_templates_have_no_findings(name: str) -> None:
    """We pass our own checks."""
    assert [] == lint(load_template(name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD, {}),
        ("前置き\n\n" + GOOD, {}),
        ("{{ question }}", {"no-input": "error", "unknown-variable": "warning"}),
        ("{{ input }} {{ level }}", {"unknown-variable": "warning"}),
        ("<s>" + GOOD, {"double-bos": "error"}),
        ("{{ input }}</s>", {"end-token": "error"}),
        ("{{ input }}\u200b", {"invisible": "error"}),
        ("### 指示\n{{ input }}\n### 回答", {"ending": "error"}),
        ("### 指示\n{{ input }}\n### 回答\n\n", {"ending": "error"}),
        ("{{ input }}\nAnswer: ", {"ending": "warning"}),
        ("### 入力\n{{ input }}\n### 回答\n", {"course": "warning"}),
        ("### 指示\n{{ input }}### 回答\n", {"course": "warning"}),
        ("### 指示\n{{ input | trim }}\n### 回答\n", {}),
        ("{{ input | upper }}", {"changed-input": "error"}),
        ("{{ input | e }}", {"changed-input": "error"}),
        ("{{ input | truncate(10) }}", {"changed-input": "error"}),
        ("{{ input._secret }}{{ input }}", {"unsafe": "error", "fails": "error"}),
        ("{% if false %}{{ input|attr('x') }}{% endif %}{{ input }}", {"unsafe": "error"}),
        ("{{ input * 10**9 }}", {"fails": "error"}),
        ("{{ input", {"invalid": "error"}),
        ("---\nbos: twice\n---\n{{ input }}", {"invalid": "error"}),
        ("---\nname: other\nversion: 2\n---\n{{ input }}", {"name": "warning"}),
        ('---\nmessages:\n  - user: "{{ input }}"\n---\n### 指示\n{{ input }}\n### 回答', {"ending": "error"}),
    ],
)
def test_lint_finds(run_cli: RunCli, text: str, expected: dict[str, str]) -> None:
    """What is wrong, how badly, and nothing else; the exit code is 1 if there is an error."""
    code, found = findings(run_cli, text)
    assert expected == found
    assert int("error" in expected.values()) == code


def test_lint_knows_the_columns_of_a_task(run_cli: RunCli, workplace: Path) -> None:
    """A column of every sample is a variable; one that only some samples have is not."""
    Path("t.jsonl").write_text('{"input": "a", "level": 1, "odd": 2}\n{"input": "b", "level": 2}\n')
    assert (0, {}) == findings(run_cli, "{{ input }} {{ level }}", "--task", "t=t.jsonl")
    assert (1, {"undefined-variable": "error"}) == findings(
        run_cli, "{{ input }} {{ level }} {{ odd }}", "--task", "t=t.jsonl"
    )


def test_lint_says_where(run_cli: RunCli, workplace: Path) -> None:
    """File and line as editors understand them, counted in the file and not in the body."""
    Path("mine.j2").write_text("---\nbos: once\n---\n{{ input }}\n{{ levle }}\n{{ input._x }}\n")
    ran = run_cli("prompt", "lint", "mine.j2", "plain.v1")
    assert 1 == ran.code
    assert "mine.j2:5: warning: 'levle' exists only in tasks with a column of that name" in ran.out
    assert "mine.j2:6: error: '_x' is private; the sandbox refuses it. (unsafe)" in ran.out
    assert "plain.v1: nothing to remark" in ran.out
    Path("mine.j2").write_text("---\nbos: once\n---\n{{ input }}\n{% if %}")
    assert "mine.j2:5: error: not a valid Jinja2 template" in run_cli("prompt", "lint", "mine.j2").out
