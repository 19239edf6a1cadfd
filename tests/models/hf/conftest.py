"""Requests and specs for local models; the models themselves are in tests/tiny_models.py."""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.types import Message, ModelSpec, RenderedPrompt, Request, Sampling

if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", "peft")):
    collect_ignore_glob = ["test_*.py"]  # the extra [local] is not installed


@pytest.fixture(scope="session")
def ask() -> Callable[..., Request]:
    """Return a function that makes a request for one user message."""

    def make(
        text: str,
        *,
        key: str | None = None,
        new: int = 12,
        temperature: float = 0.0,
        penalty: float = 1.2,
        seed: int = 0,
        repeat: int = 0,
        **rendered: Any,
    ) -> Request:
        return Request(
            key=key or f"key of {text} {rendered} {repeat}",
            task="task",
            sample_id=text,
            model="model",
            prompt="prompt",
            repeat=repeat,
            rendered=RenderedPrompt(messages=(Message(role="user", content=text),), **rendered),
            sampling=Sampling(max_new_tokens=new, temperature=temperature, repetition_penalty=penalty, seed=seed),
        )

    return make


@pytest.fixture(scope="session")
def spec_of() -> Callable[..., ModelSpec]:
    """Return a function that makes the spec of ``BACKEND[:TARGET]``, in float32 unless it says otherwise."""

    def make(text: str, **fields: Any) -> ModelSpec:
        backend, _, target = text.partition(":")
        settings: dict[str, Any] = {"label": text, "dtype": "float32", "target": target or None} | fields
        return ModelSpec(text=text, backend=backend, **settings)

    return make


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


@pytest.fixture(scope="module")
def backend(tiny: Path, spec_of: Callable[..., ModelSpec]) -> Any:
    """The tiny Llama, opened."""
    from harness.models.hf import open_local

    return open_local(spec_of(f"hf:{tiny}"))


@pytest.fixture
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU is seen: for tests of figures and words that a GPU, its numerics and its 4-bit weights change."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture(autouse=True, scope="session")
def _release() -> Iterator[None]:
    """Give the memory back at the end."""
    yield
    from harness.models.hf import BASE_MODELS

    BASE_MODELS.clear()
