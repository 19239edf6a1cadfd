"""The house keeps its shape: a test file for each module, few loose modules, short files and functions, imports on top.

What may differ is listed here with its reason; a list that is longer than needed is shortened by whoever notices.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("harness", "judges", "prompts", "reports", "trainers")
MODULES = sorted(
    path.relative_to(ROOT)
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if path.name != "__init__.py"
)
MOST_LINES = 400
MOST_LOOSE = 8
MOST_IN_BODY = 50
MOST_PARAMETERS = 9

WITHOUT_TEST_FILE = {
    "reports/run_view.py": "three records without a method; every test of a report builds them",
}
# A command's body takes the options that stand above it; they are its declaration, and no count of arguments.
MANY_PARAMETERS = {
    "harness/cli/trying.py:try_adapter": "the body of a command, which stands in a file that start-up does not load",
    "harness/runs/api.py:evaluate": "the keyword names of the public function are a contract: those of harness eval",
}
# Whoever imports the name of a helper shall not pay for torch before calling it, and may lack it.
LATE_IMPORTS = {
    "harness/testing/models.py:make_llama": "an extra that plugin authors may lack, said by its name",
    "harness/testing/models.py:make_lora": "an extra that plugin authors may lack, said by its name",
    "harness/testing/models.py:make_tokenizer": "an extra that plugin authors may lack, said by its name",
}
PATHS = re.compile(r"`((?:harness|judges|prompts|reports|trainers|tests|docs|bench|\.ci)/[\w./-]*)`")


def place_of_test(module: Path) -> Path:
    """Return where the test file of a module stands: the folders of tests mirror those of harness, and the others."""
    folder = module.relative_to("harness").parent if module.parts[0] == "harness" else module.parent
    return Path("tests", folder, f"test_{module.name}")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_each_module_has_a_test_file_of_its_name(module: Path) -> None:
    """Whoever changes a module finds its tests without a search; a file without a test is none."""
    if str(module) in WITHOUT_TEST_FILE:
        pytest.skip(WITHOUT_TEST_FILE[str(module)])
    path = ROOT / place_of_test(module)
    assert path.is_file(), f"{module} has no {place_of_test(module)}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert any(node.name.startswith("test_") for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_few_modules_stand_loose_in_the_house() -> None:
    """What belongs together stands in a folder."""
    loose = [path.name for path in MODULES if path.parent == Path("harness")]
    assert len(loose) <= MOST_LOOSE, loose


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    """One idea a file."""
    lengths = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {} == {path: lines for path, lines in lengths.items() if lines > MOST_LINES}


@cache
def functions(module: Path) -> tuple[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef], ...]:
    """Return the functions and methods of a module, each with its place."""
    nodes = ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))
    return tuple(
        (f"{module}:{node.name}", node) for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def lines_of_body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_function_is_longer_than_can_be_kept_in_mind() -> None:
    """One idea a function, too."""
    lengths = {place: lines_of_body(function) for module in MODULES for place, function in functions(module)}
    assert {} == {place: lines for place, lines in lengths.items() if lines > MOST_IN_BODY}


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many arguments a function takes, without ``self``."""
    arguments = function.args
    named = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len([name for name in named if name not in {"self", "cls"}]) + bool(arguments.vararg) + bool(arguments.kwarg)


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether click calls a function with the options that stand above it."""
    return any(".command(" in ast.unparse(one) for one in function.decorator_list)


def test_what_belongs_together_is_passed_as_a_record() -> None:
    """Ten arguments are a record that has no name yet."""
    counts = {
        place: parameters(function)
        for module in MODULES
        for place, function in functions(module)
        if not is_command(function) and place not in MANY_PARAMETERS
    }
    assert {} == {place: count for place, count in counts.items() if count > MOST_PARAMETERS}


def late_imports(module: Path) -> Iterator[str]:
    """Yield the functions of a module that import something."""
    for place, function in functions(module):
        if any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(function)):
            yield place


def test_imports_stand_at_the_top_of_a_file() -> None:
    """Else a circle can hide in a function, and nobody sees what a module needs."""
    assert [] == [place for module in MODULES for place in late_imports(module) if place not in LATE_IMPORTS]


def test_what_is_excepted_is_still_there() -> None:
    """An exception for a file that is gone helps nobody."""
    files = {*WITHOUT_TEST_FILE, *(place.partition(":")[0] for place in (*LATE_IMPORTS, *MANY_PARAMETERS))}
    assert files <= {str(path) for path in MODULES}
    assert len(WITHOUT_TEST_FILE) < 10
    there = {place for module in MODULES for place, _ in functions(module)}
    assert {*LATE_IMPORTS, *MANY_PARAMETERS} <= there


def test_contributing_names_paths_that_exist() -> None:
    """The drawing of the house is that of this house."""
    named = PATHS.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    assert [] == [path for path in named if not (ROOT / path).exists()]
