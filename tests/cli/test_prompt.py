"""``harness prompt show`` and ``lint``, and the templates that ``harness ls prompts`` lists."""

import json
from pathlib import Path

import pytest

from harness.templates import load_template
from tests.conftest import RunCli

GOOD = "### 指示\n{{ input }}\n### 回答\n"


def test_show_prints_messages_with_every_line_end(run_cli: RunCli, task_file: Path) -> None:
    """The whole output for one task."""
    ran = run_cli("prompt", "show", "course.v1", "--task", "five=five.jsonl", "--task-id", "3")
    sha = load_template("course.v1").sha256[:12]
    assert (
        f"course.v1 (published, sha256 {sha}, format text, BOS once)\n\n[user]\n### 指示⏎\n質問3⏎\n### 回答⏎\n"
        == ran.out
    )


def test_show_prints_turns_and_the_text_form(run_cli: RunCli) -> None:
    """Each role has its heading, and what a tokenizer without chat template gets stands below."""
    Path("prompts").mkdir()
    Path("prompts/few.j2").write_text(
        '---\nstop: ["\\n\\n"]\nmessages:\n  - system: 短く。\n  - user: "{{ input }}"\n---\n' + GOOD
    )
    ran = run_cli("prompt", "show", "few", "--input", "空は青い？")
    assert 0 == ran.code, ran.err
    assert "few (prompts/few.j2, " in ran.out
    assert r"stop '\n\n'" in ran.out
    assert "[system]\n短く。\n\n[user]\n空は青い？\n\n" in ran.out
    assert "[text form, for a tokenizer without chat template]\n### 指示⏎\n空は青い？⏎\n### 回答⏎\n" in ran.out
    assert "none: such a tokenizer is refused" in run_cli("prompt", "show", "chat.v1").out


def test_show_as_json(run_cli: RunCli) -> None:
    """The rendered prompt as the manifest's hash sees it."""
    shown = json.loads(run_cli("prompt", "show", "plain.v1", "--input", "問", "--json").out)
    assert ("plain.v1", None, "text", "once") == (
        shown["template"]["name"], shown["task_id"], shown["rendered"]["format"], shown["rendered"]["bos"]
    )  # fmt: skip
    assert "問" == shown["rendered"]["messages"][0]["content"].strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.v1",), "No prompt named 'nothing.v1'."),
        (("course.v1", "--task-id", "77"), "No task id in bundled:ja-mini named '77'."),
        (("course.v1", "--task", "x=gone.jsonl"), "gone.jsonl"),
        (("course.v1", "--task", "bundled:ja-mini", "--input", "x"), "--input and --task were both given."),
        (("course.v1", "--model", "echo"), "Model 'echo' does not show its tokens."),
    ],
)
def test_show_refuses_what_is_not_there(run_cli: RunCli, arguments: tuple[str, ...], message: str) -> None:
    """Each with what was asked for."""
    ran = run_cli("prompt", "show", *arguments)
    assert 0 != ran.code
    assert message in ran.err


def test_ls_lists_own_templates_and_the_unusable_ones(run_cli: RunCli, workplace: Path) -> None:
    """One that is wrong does not hide the others."""
    Path("prompts").mkdir()
    Path("prompts/good.j2").write_text('---\npurpose: 試験\nmessages:\n  - user: "{{ input }}"\n---\n')
    Path("prompts/bad.j2").write_text("{{")
    ran = run_cli("ls", "prompts")
    assert 0 == ran.code, ran.err
    table = [[cell.strip() for cell in line.split("|")[1:]] for line in ran.out.splitlines()]
    rows = {cells[0]: cells[1:] for cells in table}
    assert ["published", "text", "once"] == rows["course.v1"][:3]
    assert ["prompts/good.j2", "chat", "once"] == rows["good"][:3]
    assert "試験" in rows["good"]
    assert "unusable: prompts/bad.j2:1: not a valid Jinja2 template" in rows["bad"][4]
