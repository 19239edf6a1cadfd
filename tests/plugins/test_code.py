"""What changes the hash of a plugin's code, and what does not."""

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib.metadata import PathDistribution
from pathlib import Path
from types import ModuleType

import pytest

from harness.plugins.code import code_hash, modules_of
from judges.reference import Reference

CLASS = """
from helper import limit

class Judge:
    def judge(self, sample, generation):
        return limit()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder from which modules are imported, anew for each test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, **files: str) -> None:
    """Write files; ``a__b`` is b.py in the package a."""
    for name, text in files.items():
        path = folder / (name.replace("__init__", "@").replace("__", "/").replace("@", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


def load(name: str) -> ModuleType:
    """Import a module as a new process would."""
    for known in [known for known in sys.modules if known.partition(".")[0] in {name.partition(".")[0], "helper"}]:
        del sys.modules[known]
    importlib.invalidate_caches()
    return importlib.import_module(name)


def hash_of(name: str, dist: PathDistribution | None = None) -> str | None:
    kind = load(name).Judge
    return code_hash(kind, modules_of(kind), dist)


def test_a_changed_helper_beside_a_module_counts_and_a_stranger_beside_it_does_not(folder: Path) -> None:
    """Only what is imported, directly or by what is imported, is the plugin's."""
    write(folder, mine=CLASS, helper="from deeper import limit\n", deeper="def limit(): return 3\n", other="x = 1\n")
    first = hash_of("mine")
    write(folder, other="x = 2\n")
    assert first == hash_of("mine")
    write(folder, deeper="def limit(): return 1\n")
    assert first != hash_of("mine")


@pytest.mark.parametrize("changed", ["pack__inner__rules", "pack____init__", "pack__unused"])
def test_every_module_of_the_package_counts(folder: Path, changed: str) -> None:
    """A helper in a sub-package, the package itself, a module that is imported only later."""
    write(folder, pack____init__="", pack__inner____init__="", pack__inner__rules="N = 3\n", pack__unused="")
    write(folder, pack__judge=CLASS.replace("helper import limit", "pack.inner.rules import N as limit"))
    first = hash_of("pack.judge")
    write(folder, **{changed: "N = 4\n"})
    assert first != hash_of("pack.judge")


@pytest.mark.parametrize(("name", "counts"), [("prompt.j2", True), ("words.txt", True), ("log.bin", False)])
def test_prompts_in_the_package_count(folder: Path, name: str, counts: bool) -> None:
    """A template decides scores as code does; other files do not."""
    write(folder, pack____init__="class Judge:\n    def judge(self, sample, generation): ...\n")
    (folder / "pack" / name).write_text("Give 1 to 5.")
    first = hash_of("pack")
    (folder / "pack" / name).write_text("Give 5.")
    assert counts == (first != hash_of("pack"))


def test_bytecode_and_place_do_not_count(folder: Path) -> None:
    """The same code in another folder has the same hash, whatever lies in __pycache__."""
    body = "class Judge:\n    def judge(self, sample, generation): ...\n"
    write(folder, one__pack____init__=body, two__pack____init__=body)
    sys.path.insert(0, str(folder / "one"))
    first = hash_of("pack")
    sys.path[0] = str(folder / "two")
    assert first == hash_of("pack")
    del sys.path[0]


def test_the_same_code_in_two_files_is_told_apart_by_the_files_name(folder: Path) -> None:
    """Two plugins that were copied from each other are two."""
    write(folder, mine=CLASS, yours=CLASS, helper="def limit(): return 3\n")
    assert hash_of("mine") != hash_of("yours")


def test_an_edit_counts_when_it_is_loaded(folder: Path) -> None:
    """What judges is what was imported: a file edited under a running process does not change its keys."""
    write(folder, mine=CLASS, helper="def limit(): return 3\n")
    kind = load("mine").Judge
    first = code_hash(kind, modules_of(kind))
    write(folder, helper="def limit(): return 1\n")
    assert first == code_hash(kind, modules_of(kind))
    importlib.reload(sys.modules["helper"])
    assert first != code_hash(kind, modules_of(kind))


def test_all_of_an_installed_distribution_counts(folder: Path) -> None:
    """A wheel of two modules: the other one counts though nothing imports it by name, its neighbours do not."""
    site = folder / "site-packages"
    write(site, mine="class Judge:\n    def judge(self, sample, generation): ...\n", second="N = 3\n", stranger="")
    info = site / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "RECORD").write_text("mine.py,,\nsecond.py,,\nmine-1.0.dist-info/METADATA,,\n")
    sys.path.insert(0, str(site))
    dist = PathDistribution(info)
    first = hash_of("mine", dist)
    write(site, stranger="N = 9\n")
    assert first == hash_of("mine", dist)
    write(site, second="N = 4\n")
    assert first != hash_of("mine", dist)
    sys.path.remove(str(site))


def test_a_namespace_package_is_not_hashed_whole(folder: Path) -> None:
    """``company.judges`` counts; ``company.models``, of another distribution, does not."""
    body = "class Judge:\n    def judge(self, sample, generation): ...\n"
    write(folder, company__judges____init__=body, company__models____init__="N = 1\n")
    first = hash_of("company.judges")
    write(folder, company__models____init__="N = 2\n")
    assert first == hash_of("company.judges")
    write(folder, company__judges____init__=body + "N = 2\n")
    assert first != hash_of("company.judges")


def test_a_base_class_of_another_package_counts(folder: Path) -> None:
    """It is the base that judges, so a change of it is a change of the plugin."""
    base = "class Base:\n    def judge(self, sample, generation): return {}\n"
    write(folder, basis____init__=base.format(3))
    write(folder, pack____init__="from basis import Base\nclass Judge(Base): ...\n")
    first = hash_of("pack")
    write(folder, basis____init__=base.format(1))
    del sys.modules["basis"]
    assert first != hash_of("pack")


def typed(text: str) -> type:
    """A class as a notebook's cell makes it: in ``__main__``, without a file."""
    space: dict[str, object] = {"__name__": "no_such_module"}
    exec(textwrap.dedent(text), space)
    return space["Judge"]


NOTEBOOK = """
import re
LIMIT = 3
PATTERN = re.compile("一")
def helper(text): return len(text) == LIMIT
class Base:
    def name(self): return "mine"
class Judge(Base):
    steps = (1, 5)
    def judge(self, sample, generation):
        return [helper(part) for part in PATTERN.split(generation.text)]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 1"),
        ("len(text) == LIMIT", "len(text) != LIMIT"),
        ('re.compile("一")', 're.compile("二")'),
        ("steps = (1, 5)", "steps = (1, 4)"),
        ('return "mine"', 'return "yours"'),
        ("generation.text", "sample.text"),
    ],
)
def test_a_class_typed_into_a_notebook(old: str, new: str) -> None:
    """Its methods, those of its bases, and the functions and values that they name count; comments do not."""
    kinds = [typed(NOTEBOOK), typed("# a comment\n" + NOTEBOOK), typed(NOTEBOOK.replace(old, new))]
    first, same, other = (code_hash(kind, modules_of(kind)) for kind in kinds)
    assert None is not first == same != other


def test_what_can_be_read_nowhere_has_no_hash() -> None:
    """A class of a C extension without a file, as a frozen one, is said to be unread."""
    kind = type("Judge", (), {"__module__": "no_such_module"})
    assert code_hash(kind, modules_of(kind)) is None


def test_ours_have_versions_instead() -> None:
    """A built-in judge is no stranger."""
    assert ["judges.reference"] == modules_of(Reference)


@pytest.mark.parametrize("make", [list, lambda: ["harness.engine.execute", "judges.llm"]])
def test_our_modules_do_not_count(make: Callable[[], list[str]]) -> None:
    """A plugin that is built from our parts is hashed by its own alone."""
    kind = typed(NOTEBOOK)
    assert code_hash(kind, modules_of(kind)) == code_hash(kind, [*modules_of(kind), *make()])
