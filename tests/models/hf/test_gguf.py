"""GGUF files: what is none, and what is broken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.models.hf import open_local
from harness.models.hf.sources import resolve
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]


SpecOf = Callable[..., ModelSpec]


class TestGguf:
    """GGUF files."""

    def test_what_is_no_gguf_file(self, tmp_path: Path) -> None:
        """Missing, or something else."""
        with pytest.raises(InputError, match="no such GGUF file"):
            resolve(f"gguf:{tmp_path / 'none.gguf'}")
        (tmp_path / "x.gguf").write_bytes(b"PK\3\4")
        with pytest.raises(InputError, match="does not begin with 'GGUF'"):
            resolve(f"gguf:{tmp_path / 'x.gguf'}")

    def test_a_broken_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec_of: SpecOf, ask: Ask) -> None:
        """What the reader says is passed on, and no folder is left behind."""
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
        (tmp_path / "x.gguf").write_bytes(b"GGUF" + b"\0" * 200)
        with pytest.raises(InputError, match="not a GGUF model that transformers can read"):
            list(open_local(spec_of(f"gguf:{tmp_path / 'x.gguf'}")).generate([ask("a")]))
        assert [] == list((tmp_path / "cache" / "models").iterdir())
