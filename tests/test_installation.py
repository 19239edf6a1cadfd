"""The hint that adds an extra fits how the program was installed: nothing names an index that it is not in."""

import json
from pathlib import Path

import pytest

from harness.installation import MissingExtraError, cache_folder, install_command

VENV = "/home/me/.venv"


def direct(url: str, **more: object) -> str:
    return json.dumps({"url": url, **more})


@pytest.mark.parametrize(
    ("recorded", "prefix", "command"),
    [
        (direct("file:///src/ja%20h", dir_info={"editable": True}), VENV, "pip install -e '/src/ja h[gemini]'"),
        (direct("file:///src/ja", dir_info={}), VENV, "pip install '/src/ja[gemini]'"),
        (direct("file:///dl/h-1-py3-none-any.whl"), VENV, "pip install 'ja-harness[gemini] @ file:///dl/h-1-py3-none-any.whl'"),
        (
            direct("https://example.org/h.git", vcs_info={"vcs": "git"}),
            VENV,
            "pip install 'ja-harness[gemini] @ git+https://example.org/h.git'",
        ),
        (
            direct("file:///src/ja", dir_info={"editable": True}),
            "/home/me/.local/share/uv/tools/ja-harness",
            "uv tool install --force -e '/src/ja[gemini]'",
        ),
        (None, VENV, "pip install 'ja-harness[gemini]'"),
        ("not json", VENV, "pip install 'ja-harness[gemini]'"),
    ],
)  # fmt: skip
def test_every_kind_of_installation(recorded: str | None, prefix: str, command: str) -> None:
    """A clone, a folder, a wheel, a repository, a uv tool, an index."""
    assert command == install_command("gemini", recorded=recorded, prefix=prefix, has_pip=True)


def test_an_environment_without_pip() -> None:
    """Environments made by uv have no pip, and uv installs into them."""
    assert f"uv pip install --python {VENV} 'ja-harness[local]'" == install_command(
        "local", recorded=None, prefix=VENV, has_pip=False
    )


def test_from_the_clone_that_make_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the clone's own folder both the environment and the clone are named as from there."""
    monkeypatch.chdir(tmp_path)
    recorded = direct(tmp_path.as_uri(), dir_info={"editable": True})
    command = install_command("gemini", recorded=recorded, prefix=str(tmp_path / ".venv"), has_pip=True)
    assert ".venv/bin/python -m pip install -e '.[gemini]'" == command


def test_the_error_says_it() -> None:
    """The hint of a missing extra is a command."""
    assert "[gemini]" in str(MissingExtraError("judge 'gemini'", "gemini").hint)


def test_the_platforms_own_folder_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XDG on Linux."""
    monkeypatch.delenv("HARNESS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tmp_path / "ja-harness" == cache_folder()
