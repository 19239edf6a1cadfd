"""Plugins with faults of their own: what they return by mistake is never a score, and never ends in a traceback."""

from pathlib import Path

import pytest

from tests.conftest import RunCli, reasons_of, results_of

FIVE = ("eval", "--task", "five=five.jsonl", "--run", "r")


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("six", "the judge gave 6, which is no score of its 1-5 scale"),
        ("half", "the judge gave 3.5, which is no score of its 1-5 scale"),
        ("nan", "the judge crashed: ValueError: a score is a finite number"),
        ("reason", "the judge crashed: ValueError: reason is text or None, not 5"),
        ("nothing", "the judge crashed: TypeError: a judge returns a Verdict, not NoneType"),
        ("exit", "the judge crashed: SystemExit: 7"),
    ],
)
def test_what_is_no_score_of_the_scale_is_none(
    run_cli: RunCli, example_plugin: Path, task_file: Path, option: str, reason: str
) -> None:
    """The verdict is an error with the reason, the mean is null, and reading the run again says the same."""
    ran = run_cli(*FIVE, "--model", "echo", "--judge", f"careless:{option}")
    assert 3 == ran.code, ran.err
    [row] = results_of(Path(), "r")["rows"]
    assert (None, 0, 5) == (row["mean"], row["n"], row["n_unscored"])
    [(found, count)] = reasons_of(row).items()
    assert 5 == count
    assert found.startswith(reason)
    assert 0 == run_cli("compare", "r").code


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("number", "generation failed: ValueError: text is text or None, not 5"),
        ("tokens", "generation failed: ValueError: tokens_out is a number of tokens or None, not 'many'"),
        ("exit", "generation failed: SystemExit: 7"),
    ],
)
def test_what_is_no_answer_is_a_failed_generation(
    run_cli: RunCli, example_plugin: Path, task_file: Path, target: str, reason: str
) -> None:
    """The model stops with the reason; the other model of the run is whole."""
    ran = run_cli(*FIVE, "--model", f"untidy:{target}", "--model", "echo", "--judge", "reference")
    assert 3 == ran.code, ran.err
    rows = {row["model"]: row for row in results_of(Path(), "r")["rows"]}
    assert {reason: 5} == reasons_of(rows[f"untidy:{target}"])
    assert 5 == rows["echo"]["n"]


def test_the_first_of_two_answers_to_one_request_counts(run_cli: RunCli, example_plugin: Path, task_file: Path) -> None:
    """A backend that yields a request twice gives one answer each."""
    assert 0 == run_cli(*FIVE, "--model", "untidy:twice", "--judge", "length:3").code
    [row] = results_of(Path(), "r")["rows"]
    assert (5, 1.0) == (row["n"], row["mean"])  # はじめ has three characters, あと two


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--model", "echo", "--judge", "faulty:crash"), "The judge 'faulty' cannot be opened: ZeroDivisionError: oh."),
        (("--model", "echo", "--judge", "faulty:none"), "The judge 'faulty' cannot be opened: it made NoneType"),
        (("--model", "echo", "--judge", "faulty:empty"), "The judge 'faulty' cannot be opened: it made list"),
        (
            ("--model", "faulty:crash", "--judge", "rules"),
            "The model 'faulty' cannot be opened: ZeroDivisionError: oh.",
        ),
    ],
)
def test_a_plugin_that_cannot_be_opened_is_named(
    run_cli: RunCli, example_plugin: Path, task_file: Path, arguments: tuple[str, ...], problem: str
) -> None:
    """The message names the plugin and its package."""
    ran = run_cli(*FIVE, *arguments)
    assert (1, "") == (ran.code, ran.out)
    assert problem in ran.err
    assert "package 'harness-example-plugin'" in ran.err
