"""Where templates are found: published ones, the user's own folder, any path."""

import os
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path

from harness.errors import DamagedFileError, InputError, UnknownNameError
from harness.locale import tr
from harness.sandbox.program import MAX_SOURCE
from harness.tables.files import read_text
from harness.templates.template import Kind, Template, parse_template

OWN_FOLDER = "prompts"
"""The user's own folder, in the current one; task prompts may lie in it directly or in its ``tasks``."""

_KIND_WORD = {"tasks": tr("prompt"), "judges": tr("rubric")}


def template_names(kind: Kind) -> list[str]:
    """Return the names of the published templates of one kind, sorted."""
    folder = resources.files("prompts").joinpath(kind)
    return sorted(entry.name.removesuffix(".j2") for entry in folder.iterdir() if entry.name.endswith(".j2"))


def own_templates(kind: Kind) -> dict[str, list[Path]]:
    """Return the files in the user's own folder by name, without copies of published templates.

    A name with two files, or with a published template's name, cannot be loaded: `load_template` says why.
    """
    published = template_names(kind)
    folders = [Path(OWN_FOLDER, kind)] + ([Path(OWN_FOLDER)] if kind == "tasks" else [])
    found: dict[str, list[Path]] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.j2"))):
        name = path.name.removesuffix(".j2")
        if name not in published or not _is_copy(path, name, kind):
            found.setdefault(name, []).append(path)
    return found


def is_path(argument: str) -> bool:
    """Return whether a ``--prompt`` or ``--rubric`` argument means a file rather than a name."""
    return argument.endswith(".j2") or "/" in argument or os.sep in argument


def load_template(name_or_path: str, *, kind: Kind = "tasks") -> Template:
    """Return a template by name or path.

    Raises:
        UnknownNameError: no template has this name.
        InputError: the file is missing or unreadable, its front matter is wrong, or it is not a Jinja2 template.
        HarnessError: a published template was changed.
    """
    if is_path(name_or_path):
        path = Path(name_or_path)
        return parse_template(_read_file(path), name=name_or_path, kind=kind, path=path)
    own, published = own_templates(kind).get(name_or_path, []), template_names(kind)
    if own and name_or_path in published:
        raise InputError(
            tr(
                "it has the name of the published template {name_or_path!r} and another text.",
                name_or_path=name_or_path,
            ),
            path=own[0],
            hint=tr(
                "A published template never changes. Give yours another name, for example {name_or_path}-mine.",
                name_or_path=name_or_path,
            ),
        )
    if len(own) > 1:
        raise InputError(tr("{own} has the same name.", own=own[0]), path=own[1], hint=tr("Rename one of the two."))
    if own:
        return parse_template(_read_file(own[0]), name=name_or_path, kind=kind, path=own[0])
    if name_or_path not in published:
        raise UnknownNameError(_KIND_WORD[kind], name_or_path, [*published, *own_templates(kind)])
    template = parse_template(_published_text(name_or_path, kind), name=name_or_path, kind=kind)
    if template.sha256 != locked(kind).get(name_or_path, template.sha256):
        raise DamagedFileError(
            tr(
                "The published template {name_or_path!r} was changed: its sha256 is {sha256}, not {kind}.",
                name_or_path=name_or_path,
                sha256=template.sha256[:12],
                kind=locked(kind)[name_or_path][:12],
            ),
            hint=tr(
                "Put it back, and keep your own version under another name in {own_folder}/.", own_folder=OWN_FOLDER
            ),
        )
    return template


@lru_cache
def locked(kind: Kind) -> Mapping[str, str]:
    """Return the sha256 of every published template of one kind, from ``prompts/lock.toml``."""
    lock = tomllib.loads(resources.files("prompts").joinpath("lock.toml").read_text(encoding="utf-8"))
    hashes: Mapping[str, str] = lock.get(kind, {})
    return hashes


def _is_copy(path: Path, name: str, kind: Kind) -> bool:
    try:
        return _read_file(path).replace("\r\n", "\n") == _published_text(name, kind)
    except InputError:
        return False


def _published_text(name: str, kind: Kind) -> str:
    return resources.files("prompts").joinpath(kind, f"{name}.j2").read_text(encoding="utf-8").replace("\r\n", "\n")


def _read_file(path: Path) -> str:
    if not path.exists() and not path.is_symlink():
        raise InputError(tr("no such template file."), path=path, hint=tr("Check the path, or see: harness ls prompts"))
    text = read_text(path, most=MAX_SOURCE)
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise InputError(
            tr("a link to another folder: {resolve}.", resolve=path.resolve()),
            path=path,
            hint=tr(
                "A template is a file of its own folder, so that nobody's link shows another file of yours to a "
                "model. Copy it there."
            ),
        )
    return text
