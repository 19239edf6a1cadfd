"""How this program was installed, how an extra is added to just that, and where it keeps what can be made again."""

import json
import os
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import platformdirs

from harness.errors import HarnessError
from harness.locale import tr

_NAME = "ja-harness"


class MissingExtraError(HarnessError):
    """An optional dependency that is not installed.

    >>> MissingExtraError("model 'hf'", "local").message
    "The model 'hf' needs packages that are not installed."
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            tr("The {what} needs packages that are not installed.", what=what),
            hint=tr("Install it: {command}", command=add_extra(extra)),
        )


def add_extra(extra: str) -> str:
    """Return the command that installs an extra into the environment that this program runs in."""
    return install_command(extra, recorded=_recorded(), prefix=sys.prefix, has_pip=find_spec("pip") is not None)


def install_command(extra: str, *, recorded: str | None, prefix: str, has_pip: bool) -> str:
    """Return the command for an installation.

    Args:
        extra: As ``gemini``.
        recorded: The text of ``direct_url.json``, which installers write for what came from no index; None: from one.
        prefix: The folder of the environment.
        has_pip: Whether the environment has a pip of its own.

    >>> install_command("gemini", recorded=None, prefix=sys.prefix, has_pip=True)
    "...pip install 'ja-harness[gemini]'"
    """
    options, what = _source(extra, recorded)
    if {"uv", "tools"} <= set(Path(prefix).parts):
        return shlex.join(["uv", "tool", "install", "--force", *options, what])
    if not has_pip:
        return shlex.join(["uv", "pip", "install", "--python", prefix, *options, what])
    return shlex.join([*_pip(prefix), "install", *options, what])


def _source(extra: str, recorded: str | None) -> tuple[list[str], str]:
    """Return options and what is to be installed."""
    try:
        found = json.loads(recorded) if recorded else {}
        address = str(found["url"]) if found else ""
    except (ValueError, KeyError, TypeError):
        address = ""
    if not address:
        return [], f"{_NAME}[{extra}]"
    path = unquote(urlsplit(address).path)
    if address.startswith("file:") and not path.endswith((".whl", ".gz", ".zip")):
        editable = bool(found.get("dir_info", {}).get("editable"))
        return (["-e"] if editable else []), f"{_near(path)}[{extra}]"
    version_control = found.get("vcs_info", {}).get("vcs")
    return [], f"{_NAME}[{extra}] @ {f'{version_control}+' if version_control else ''}{address}"


def _near(path: str) -> str:
    """Return a folder as it is typed from here."""
    return "." if Path(path) == Path.cwd() else path


def _pip(prefix: str) -> list[str]:
    """Return how the environment's pip is called: by its folder if that is in this one, as ``.venv``, else plainly."""
    folder = Path(prefix)
    if folder.is_relative_to(Path.cwd()) and folder != Path.cwd():
        return [str(folder.relative_to(Path.cwd()) / "bin" / "python"), "-m", "pip"]
    return ["pip"]


def _recorded() -> str | None:
    try:
        return distribution(_NAME).read_text("direct_url.json")
    except PackageNotFoundError:  # run from a folder that was never installed
        return None


def cache_folder() -> Path:
    """Return the folder for everything that can be made again: ``HARNESS_CACHE``, else the platform's own.

    >>> import os
    >>> os.environ["HARNESS_CACHE"] = "somewhere"
    >>> str(cache_folder())
    'somewhere'
    >>> del os.environ["HARNESS_CACHE"]
    """
    return Path(os.environ.get("HARNESS_CACHE") or platformdirs.user_cache_dir("ja-harness"))
