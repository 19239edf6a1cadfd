"""A stand-in for vLLM, and tiny models that it is to answer for."""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.models.vllm.fake_vllm import FakeVllm

if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", "peft")):
    collect_ignore_glob = ["test_*.py"]  # the extra [local] is not installed
else:
    from tests.models.hf.conftest import ask, spec_of  # noqa: F401 - fixtures


class _Here:
    """An engine in this process, where the stand-in is."""

    def __init__(self, plan: Any) -> None:
        from harness.models.vllm.engine import start

        self.checked = set[str]()
        self.ended = False
        self.each = [self]
        self._engine = start(plan)

    def run(self, asks: Any) -> Any:
        try:
            yield from self._engine.run(asks)
        except Exception:
            self.ended = True
            raise

    def release(self) -> None:
        import sys

        sys.modules["vllm"].released += 1  # type: ignore[attr-defined]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeVllm]:
    """The stand-in, installed as 0.27.1, with a cache folder of its own."""
    from harness.models.hf import BASE_MODELS

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("harness.models.vllm.choose.vllm_version", lambda: "0.27.1")
    monkeypatch.setattr("harness.models.vllm.shared.start_engines", lambda plan, places: _Here(plan))
    yield FakeVllm().install(monkeypatch)
    BASE_MODELS.clear()


@pytest.fixture(scope="session")
def two_adapters(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Two adapters of the tiny model, of rank 4 and 12."""
    from harness.testing import make_lora

    folder = tmp_path_factory.mktemp("adapters")
    return {name: make_lora(folder / name, tiny, seed=rank, r=rank) for name, rank in (("small", 4), ("large", 12))}


@pytest.fixture
def board(
    fake: FakeVllm, tiny: Path, two_adapters: Mapping[str, Path], spec_of: Callable[..., Any]
) -> Mapping[str, Any]:
    """The tiny base and its adapters, by label, in the stand-in."""
    from harness.models.hf import open_local
    from harness.models.vllm.choose import choose_engines

    common: dict[str, Any] = {"base": str(tiny), "settings": {"engine": "vllm"}}
    specs = {"base": spec_of("base", label="base", **common)}
    specs |= {name: spec_of(f"adapter:{path}", label=name, **common) for name, path in two_adapters.items()}
    return choose_engines({label: open_local(one) for label, one in specs.items()}, []).models
