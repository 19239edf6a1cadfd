"""The cache of converted models: built once, whole or not at all."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.models.hf.cache import build_once


class TestCache:
    """Folders that are built once."""

    def test_a_failed_build_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor does one that was killed, once the next begins."""
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))

        def fail(folder: Path) -> None:
            (folder / "half").write_text("x", encoding="utf-8")
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            build_once("thing", fail)
        abandoned = tmp_path / "models" / ".thing.99999999"
        abandoned.mkdir()
        built = build_once("thing", lambda folder: (folder / "whole").touch())
        assert ["whole"] == [file.name for file in built.iterdir()]
        assert [built] == list((tmp_path / "models").iterdir())

    def test_the_faster_of_two_wins(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The slower one uses its folder."""
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))

        def overtaken(folder: Path) -> None:
            (folder / "mine").touch()
            other = tmp_path / "models" / "thing"
            other.mkdir()
            (other / "theirs").touch()

        assert ["theirs"] == [file.name for file in build_once("thing", overtaken).iterdir()]

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variable that helps is named."""
        (tmp_path / "file").touch()
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
        with pytest.raises(HarnessError, match="cannot be written") as caught:
            build_once("thing", lambda folder: None)
        assert "HARNESS_CACHE" in str(caught.value.hint)
