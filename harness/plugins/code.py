"""The hash of a plugin's code: so that a plugin that was changed is never served what its former self had said.

Hashed is what lies on disk: every file of the plugin's distribution, else of its top-level package or its one module
with the modules beside it that it imports. Code without a file (a class typed into a notebook) is hashed by its
bytecode and that of the functions it reaches. A file that is edited while loaded counts from its next import.
"""

import ast
import functools
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from importlib.metadata import Distribution
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

OURS = frozenset({"harness", "judges", "trainers", "prompts", "reports"})
"""Our own packages: what they score carries a version in its fingerprint, so that tidying up costs nobody anything."""

_CODE = frozenset({".py", ".so", ".pyd", ".dylib"})
_TEXT = frozenset({".j2", ".jinja", ".jinja2", ".txt", ".json", ".toml", ".yaml", ".yml"})  # prompts, word lists
_LARGEST_TEXT = 1 << 20  # bytes; larger ones are data, which the fingerprint has to speak for
_NOT_CODE = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
_SITES = frozenset({"site-packages", "dist-packages"})
_JUDGES_OR_ANSWERS = frozenset(
    {"judge", "generate", "for_model", "estimate"}
)  # what makes a base class part of a plugin

_known: dict[tuple[Path, str | None], tuple[list[object], str]] = {}


def is_ours(module: str) -> bool:
    """Return whether a module is part of the harness itself.

    >>> is_ours("judges.rules"), is_ours("judges_of_mine")
    (True, False)
    """
    return module.partition(".")[0] in OURS


def modules_of(kind: type) -> list[str]:
    """Return the modules that decide what objects of a class do: its own, and those of bases that judge or answer."""
    bases = [base for base in kind.__mro__ if base is kind or _JUDGES_OR_ANSWERS & vars(base).keys()]
    names = dict.fromkeys(base.__module__ for base in bases)
    return [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names or name == "__main__"]


def code_hash(kind: type, modules: Iterable[str], dist: Distribution | None = None) -> str | None:
    """Return the hash of all code behind a plugin, or None where some of it can be read nowhere.

    ``modules``: where its parts are defined, as from `modules_of`; ours do not count. ``kind``: the object's class,
    read from memory where its module has no file. ``dist``: the distribution that the plugin is installed from.
    """
    found = hashlib.sha256()
    for name in sorted({name for name in modules if not is_ours(name)}):
        part = _module_hash(name, dist) or (_memory_hash(kind) if name == kind.__module__ else None)
        if part is None:
            return None
        found.update(f"{part}\n".encode())
    return found.hexdigest()[:16]


def _module_hash(name: str, dist: Distribution | None) -> str | None:
    unit = _unit(name)
    if unit is None:
        return None
    base, files = _files(unit, dist)
    loaded = _loaded(files)
    key = unit, dist.name if dist else None
    if key in _known and _same(_known[key][0], loaded):
        return _known[key][1]
    found = hashlib.sha256()
    try:
        for path in sorted(files):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"{path.relative_to(base).as_posix()} {content}\n".encode())
    except OSError:
        return None
    _known[key] = loaded, found.hexdigest()
    return found.hexdigest()


def _unit(name: str) -> Path | None:
    """Return the folder of a module's top-level package, or the file of a module that stands alone; None: no file."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        module = _module(".".join(parts[:count]))
        file = getattr(module, "__file__", None)
        if file is None:  # a namespace package belongs to many: its first real part is the plugin's
            continue
        path = Path(file)
        if not path.is_file():  # in a zip file, or frozen
            return None
        return path.parent if hasattr(module, "__path__") else path
    return None


def _module(name: str) -> ModuleType | None:
    if name in sys.modules:
        return sys.modules[name]
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    module = ModuleType(name)
    module.__file__ = spec.origin
    return module


def _files(unit: Path, dist: Distribution | None) -> tuple[Path, set[Path]]:
    """Return the files of a plugin with the folder that their names are relative to."""
    installed = {Path(str(path.locate())).resolve() for path in (dist.files if dist else None) or ()}
    own = set(_inside(unit))
    if dist is not None and {path.resolve() for path in own} & installed:
        base = Path(str(dist.locate_file(""))).resolve()
        return base, {path for path in installed if path.is_relative_to(base) and _counts(path, base)}
    if unit.parent.name not in _SITES:
        own |= _beside(own, unit.parent)
    return unit.parent, own


def _inside(unit: Path) -> Iterator[Path]:
    if unit.is_file():
        yield unit
        return
    for path in unit.rglob("*"):
        if _counts(path, unit):
            yield path


def _counts(path: Path, base: Path) -> bool:
    parents = path.relative_to(base).parts[:-1]
    if any(part.startswith(".") or part in _NOT_CODE or part.endswith((".dist-info", ".egg-info")) for part in parents):
        return False
    if path.suffix in _CODE:
        return path.is_file()
    return path.suffix in _TEXT and path.is_file() and path.stat().st_size <= _LARGEST_TEXT


def _beside(files: AbstractSet[Path], folder: Path) -> set[Path]:
    """Return the modules and packages of a folder that some files import, and that those import in turn."""
    found: set[Path] = set()
    waiting, known = list(files), set[str]()
    while waiting:
        path = waiting.pop()
        for name in _imported_by(path) - known:
            known.add(name)
            single, package = folder / f"{name}.py", folder / name
            new = {single} if single.is_file() else set()
            if name not in OURS and (package / "__init__.py").is_file():
                new |= set(_inside(package))
            new -= found | files
            found |= new
            waiting += new
    return found


def _imported_by(path: Path) -> frozenset[str]:
    """Return the top-level names that a file imports, anywhere in it."""
    if path.suffix != ".py":
        return frozenset()
    try:
        content = path.read_bytes()
    except OSError:
        return frozenset()
    return _imported(content)


@functools.lru_cache(maxsize=4096)
def _imported(content: bytes) -> frozenset[str]:
    """Return the top-level names that Python code imports."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return frozenset()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return frozenset(names)


def _loaded(files: AbstractSet[Path]) -> list[object]:
    """Return what tells one import of these files from the next: the specs of the modules that are loaded from them."""
    paths = {str(path) for path in files} | {str(path.resolve()) for path in files}
    modules = [(name, module) for name, module in list(sys.modules.items()) if _file(module) in paths]
    return [getattr(module, "__spec__", None) or module for _, module in sorted(modules, key=lambda pair: pair[0])]


def _file(module: object) -> str | None:
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) else None


def _same(first: list[object], second: list[object]) -> bool:
    return bool(first) and len(first) == len(second) and all(a is b for a, b in zip(first, second, strict=True))


def _memory_hash(kind: type) -> str | None:
    """Return the hash of a class's methods and of what they reach in its module, or None if it has none in Python."""
    parts = list(_reached(kind, set()))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest() if parts else None


def _reached(thing: Any, seen: set[int]) -> Iterator[str]:  # noqa: ANN401 - whatever a name stands for
    thing = getattr(thing, "__func__", thing)  # of static, class and bound methods
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, property):
        yield from _reached(thing.fget, seen)
    elif isinstance(thing, type):
        yield from _of_class(thing, seen)
    elif isinstance(thing, FunctionType):
        yield from _of_function(thing, seen)
    elif isinstance(thing, re.Pattern):
        yield repr((thing.pattern, thing.flags))
    elif _is_plain(thing):
        yield repr(thing)
    if (wrapped := getattr(thing, "__wrapped__", None)) is not None:
        yield from _reached(wrapped, seen)


def _of_class(kind: type, seen: set[int]) -> Iterator[str]:
    if is_ours(kind.__module__) or kind.__module__ in sys.stdlib_module_names - {"__main__"}:
        return
    for name, value in sorted(vars(kind).items(), key=lambda pair: pair[0]):
        if name.startswith("__") and not isinstance(value, FunctionType):
            continue  # where it was defined and how it is documented
        if parts := list(_reached(value, seen)):
            yield from (name, *parts)
    for base in kind.__bases__:
        yield from _reached(base, seen)


def _of_function(function: FunctionType, seen: set[int]) -> Iterator[str]:
    yield from _of_code(function.__code__)
    values: list[object] = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # a cell that is not filled yet
            values.append(cell.cell_contents)
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        if not isinstance(value, type | FunctionType) or value.__module__ == function.__module__:
            values.append(value)
    for value in values:
        yield from _reached(value, seen)


def _of_code(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _of_code(constant)
        else:
            yield repr(sorted(constant, key=repr)) if isinstance(constant, frozenset) else repr(constant)


def _names(code: CodeType) -> list[str]:
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names(constant)]
    return [*code.co_names, *inner]


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(one) for key, one in value.items())
    return value is None or isinstance(value, str | bytes | int | float)
