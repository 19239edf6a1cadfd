"""The tree of errors: each can be caught apart, ends the program as its parent does, and stands in the docstring."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness import errors
from harness.errors import HarnessError, InputError, PlanMismatchError, UnknownNameError, UsageError
from harness.installation import MissingExtraError
from harness.plugins import make
from harness.templates import load_template
from harness.types import JudgeSpec, Sample
from judges.openai import open_openai
from judges.reference import open_reference
from tests.conftest import ROOT

CLASSES = [
    MissingExtraError,
    *(kind for _, kind in inspect.getmembers(errors, inspect.isclass)
      if issubclass(kind, HarnessError) and kind.__module__ == "harness.errors"),
]  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_stands_in_the_tree_with_a_word_of_its_own(kind: type) -> None:
    """The docstring of the module is what a programmer reads first."""
    tree = str(errors.__doc__)
    name = kind.__name__
    assert name in tree
    assert kind.__doc__


def test_every_class_is_a_name_of_the_package() -> None:
    """A program catches them as harness.NAME."""
    assert {kind.__name__ for kind in CLASSES} == {name for name in harness.__all__ if name.endswith("Error")}


def test_what_the_command_line_asked_wrongly_ends_with_2() -> None:
    """And everything else with 1."""
    assert {UsageError, UnknownNameError, PlanMismatchError} == {kind for kind in CLASSES if kind.exit_code == 2}
    assert {1, 2} == {kind.exit_code for kind in CLASSES}


def test_an_unknown_name_has_the_nearest_or_all() -> None:
    """As the hint."""
    assert "Did you mean 'rules'?" == UnknownNameError("judge", "ruels", ["rules", "human"]).hint
    files = ["same.jsonl", "done.csv"]
    assert "Known: done.csv, same.jsonl." == UnknownNameError("model label", "gone.jsonl", files).hint
    assert "Did you mean 'same.jsonl'?" == UnknownNameError("model label", "smae.jsonl", files).hint
    assert "Did you mean 'done.csv'?" == UnknownNameError("model label", "done.tsv", files).hint
    assert "Known: human, rules." == UnknownNameError("judge", "x", ["rules", "human"]).hint
    many = [f"r{number:03}" for number in range(300)]
    assert f"Known: {', '.join(many[:20])} and 280 more." == UnknownNameError("run", "x", many).hint
    assert f"Known: {', '.join(many[:20])}." == UnknownNameError("run", "x", many[:20]).hint
    assert "No judge is installed." == UnknownNameError("judge", "x", []).hint
    assert "There is no anchor yet." == UnknownNameError("anchor", "x", []).hint
    made = str(UnknownNameError("run", "x", []).hint)
    assert all(
        part in made for part in ("no run yet", "harness eval --task bundled:ja-mini --model echo --judge rules")
    )


def _no_key() -> None:
    open_openai(JudgeSpec(text="openai:m", name="openai", option="m"))


def _no_reference() -> None:
    open_reference(JudgeSpec(text="reference", name="reference")).check_samples("t", [Sample(id="0", inputs={})], [])


def _no_column() -> None:
    Path("mine.j2").write_text("{{ input }} {{ title }}")
    load_template("./mine.j2").render_all([{"input": "問い"}])


def _no_kind() -> None:
    make("judges", "python", JudgeSpec(text="m", name="python", option=str(Path("m.py"))))


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (_no_key, errors.MissingKeyError),
        (_no_reference, errors.NothingToJudgeError),
        (_no_column, errors.TemplateError),
        (_no_kind, errors.PluginError),
    ],
)
def test_what_happens_has_a_class_of_its_own(workplace: Path, cause: Callable[[], None], kind: type) -> None:
    """A program can tell one thing from another without reading the message."""
    Path("m.py").write_text("kind = 'qualty'\ndef judge(s, g): return 1")
    with pytest.raises(HarnessError) as raised:
        cause()
    assert kind is type(raised.value)


@pytest.mark.parametrize("package", ["harness", "judges", "prompts", "reports", "trainers"])
def test_nothing_is_raised_that_cannot_be_caught_apart(package: str) -> None:
    """A program that wants to go on after one thing must not go on after all others."""
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "HarnessError"
    ]
    assert [] == bare


def test_every_error_of_a_user_has_a_next_step() -> None:
    """A hint where it is raised, or what mostly helps; the statistics speak to programmers, who see the call."""
    own = {kind.__name__: kind for kind in CLASSES}
    spared = {"StatisticsError", "TrainingError", "QuotaEndedError"}
    bare = []
    for package in ("harness", "judges", "reports", "trainers"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
                if name not in own or name in spared or any(word.arg == "hint" for word in node.keywords):
                    continue
                if own[name].usual is None and not issubclass(own[name], InputError | UnknownNameError):
                    bare.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert [] == [place for place in bare if not place.endswith("MissingExtraError")]


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (InputError("x", path="a.csv", line=3), "Mend line 3 of a.csv"),
        (InputError("x", path="a.csv"), "Look at a.csv"),
        (InputError("x", path="a.csv", hint="Do this."), "Do this."),
        (UsageError("x"), "--help"),
        (HarnessError("x"), None),
    ],
)
def test_the_next_step(error: HarnessError, step: str | None) -> None:
    """The hint goes first."""
    assert (step is None) == (error.next_step is None)
    assert step is None or step in str(error.next_step)
