"""What is declared before looking, on the command line and in the files of a run."""

import json
from pathlib import Path

from tests.conftest import RunCli, results_of

EVAL = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--judge", "reference")


def primary() -> object:
    """Return the primary section of run r."""
    return results_of(Path(), "r")["primary"]


def manifest() -> dict[str, object]:
    """Return what run r has on record as declared."""
    found: dict[str, object] = json.loads(Path("runs/r/manifest.json").read_text(encoding="utf-8"))["declared"]
    return found


def test_the_primary_judge_is_declared_kept_and_shown(run_cli: RunCli, task_file: Path) -> None:
    """In results.json, the manifest and the report; the other board is exploratory and has no verdict of its own."""
    assert 0 == run_cli(*EVAL, "--run", "r", "--primary", "reference").code
    assert {"judge": "reference", "task": "five", "declared": True, "late": False} == primary()
    assert "reference" == manifest()["primary"]
    text = Path("runs/r/leaderboard.md").read_text(encoding="utf-8")
    assert "The primary judge is reference (declared)" in text
    assert "five by rules (exploratory)" in text
    assert "five by reference (exploratory)" not in text
    assert "主評価者は reference です（宣言済み）" in run_cli("report", "r", "--lang", "ja").out
    page = Path("runs/r/report.html").read_text(encoding="utf-8")
    assert "five by rules (exploratory)" in page


def test_without_a_declaration_the_default_stands(run_cli: RunCli, task_file: Path) -> None:
    """No judge measures quality: the first is primary, and nobody declared it."""
    assert 0 == run_cli(*EVAL, "--run", "r").code
    assert {"judge": "rules", "task": "five", "declared": False, "late": False} == primary()


def test_harness_toml_declares_too(run_cli: RunCli, task_file: Path) -> None:
    """One that the run does not have, since it may join later, leaves the default; a misspelt key is an error."""
    Path("harness.toml").write_text('[eval]\nprimary = "reference"\n', encoding="utf-8")
    assert 0 == run_cli(*EVAL, "--run", "r").code
    assert {"judge": "reference", "task": "five", "declared": True, "late": False} == primary()
    Path("harness.toml").write_text('[eval]\nprimery = "reference"\n', encoding="utf-8")
    ran = run_cli(*EVAL, "--run", "r")
    assert 1 == ran.code
    assert "primery" in ran.err


def test_named_after_looking_is_said(run_cli: RunCli, task_file: Path) -> None:
    """By the same command again, or for one report alone, which leaves the run as it is."""
    assert 0 == run_cli(*EVAL, "--run", "r").code
    shown = run_cli("report", "r", "--primary", "reference")
    assert "The primary judge is reference (declared after looking)" in shown.out
    assert {"judge": "rules", "task": "five", "declared": False, "late": False} == primary()
    assert 0 == run_cli(*EVAL, "--run", "r", "--primary", "reference").code
    assert {"judge": "reference", "task": "five", "declared": False, "late": True} == primary()
    assert {"primary": None} == manifest()["late"]
    assert 0 == run_cli(*EVAL, "--run", "r").code  # nothing said: it stays
    assert {"judge": "reference", "task": "five", "declared": False, "late": True} == primary()


def test_a_judge_that_joins_may_be_primary(run_cli: RunCli, task_file: Path) -> None:
    """It is named before its scores are there, so it is declared in time."""
    assert 0 == run_cli(*EVAL[:-2], "--run", "r").code
    ran = run_cli("judge", "r", "--judge", "reference", "--primary", "reference")
    assert 0 == ran.code, ran.err
    assert {"judge": "reference", "task": "five", "declared": True, "late": False} == primary()


def test_a_judge_that_is_not_there_is_refused(run_cli: RunCli, task_file: Path) -> None:
    """Before anything is done."""
    for command in ((*EVAL, "--run", "r"), (*EVAL, "--run", "r", "--dry-run")):
        ran = run_cli(*command, "--primary", "gemini")
        assert 2 == ran.code
        assert "'gemini'" in ran.err
    assert not Path("runs/r").exists()
    assert 0 == run_cli(*EVAL, "--run", "r").code
    assert 2 == run_cli("report", "r", "--primary-task", "six").code
    assert 2 == run_cli("judge", "r", "--judge", "rules", "--primary", "gemini").code


def test_the_pages_of_a_run_are_in_the_language_of_its_command(run_cli: RunCli, task_file: Path) -> None:
    """leaderboard.md, report.html and ab.md; another language writes them anew, and results.json stays English."""
    run = ("--run", "r", "--lang")
    assert 0 == run_cli(*EVAL, *run, "ja").code
    japanese, figures = Path("runs/r/leaderboard.md").read_text(encoding="utf-8"), results_of(Path(), "r")
    assert "# リーダーボード: r" in japanese
    assert '<html lang="ja">' in Path("runs/r/report.html").read_text(encoding="utf-8")
    assert japanese == run_cli("report", "r", "--lang", "ja").out
    assert 0 == run_cli("judge", "r", "--judge", "rules", "--lang", "en").code
    assert "# Leaderboard: r" in Path("runs/r/leaderboard.md").read_text(encoding="utf-8")
    assert figures["comparisons"] == results_of(Path(), "r")["comparisons"]
    prompts = ("--prompt", "course.v1", "--prompt", "plain.v1")
    ran = run_cli("ab", *EVAL[1:], *prompts, "--run", "s", "--lang", "ja")
    assert 0 == ran.code, ran.err
    assert "# プロンプトの比較: s" in Path("runs/s/ab.md").read_text(encoding="utf-8")
    assert ran.out.startswith("# プロンプトの比較: s")
    run_cli("report", "s", "--lang", "en", "--format", "html")
    assert '<html lang="en">' in Path("runs/s/report.en.html").read_text(encoding="utf-8")
    assert '<html lang="ja">' in Path("runs/s/report.html").read_text(encoding="utf-8")


def test_exactly_these_tasks(run_cli: RunCli, task_file: Path) -> None:
    """Kept in the manifest and in results.json, said on every page; a limit makes the tasks a part of a known set."""
    assert 0 == run_cli(*EVAL, "--model", "b=echo", "--run", "r", "--estimand", "these", "--limit", "4").code
    assert "these" == manifest()["estimand"] == results_of(Path(), "r")["declared"]["estimand"]
    document = json.loads(Path("runs/r/manifest.json").read_text(encoding="utf-8"))
    assert {"five": 5} == document["sizes"]
    for page in ("leaderboard.md", "report.html"):
        assert "about exactly these tasks" in Path("runs/r", page).read_text(encoding="utf-8")
    text = Path("runs/r/leaderboard.md").read_text(encoding="utf-8")
    assert "4 of 5 tasks are taken for a random draw from their set" in text
    assert "about new tasks like these" in run_cli("compare", "r", "--estimand", "new").out


def test_an_ab_page_and_an_audit_say_what_they_are_about(run_cli: RunCli, task_file: Path) -> None:
    """Exactly these tasks, whose intervals the page lacks without repeats."""
    prompts = ("--prompt", "course.v1", "--prompt", "plain.v1")
    ran = run_cli("ab", *EVAL[1:], *prompts, "--run", "s", "--estimand", "these")
    assert 0 == ran.code, ran.err
    assert "about exactly these tasks" in ran.out
    assert "no repeats measured how much: there is no interval" in ran.out
    [found, *_] = results_of(Path(), "s")["ab"]
    assert [None] == [effect["p_value"] for effect in found["effects"]]
    assert found["cautions"]
    assert "declared to be about exactly these tasks" in run_cli("audit", "s").out


def test_the_plan_says_what_verdicts_will_rest_on(run_cli: RunCli, task_file: Path) -> None:
    """With the defaults filled in, in words and as JSON."""
    ran = run_cli(*EVAL, "--run", "r", "--dry-run", "--primary", "reference", "--margin", "5")
    assert "Declared before looking: verdicts by reference, about new tasks like these; within ±5 points" in ran.out
    document = json.loads(run_cli(*EVAL, "--dry-run", "--estimand", "these", "--json").out)
    assert {"judge": "rules", "task": "five", "margin": 0.075, "estimand": "these"} == document["declared"]
