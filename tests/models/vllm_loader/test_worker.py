"""What vLLM's worker imports, with stand-ins for vLLM's own loaders; the true ones are in test_true_vllm.py."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from harness.models.vllm_loader.nf4 import nf4_values

WORKER = "harness.models.vllm_loader.worker"


class DefaultModelLoader:
    """As vLLM's: it refuses settings that it does not know."""

    def __init__(self, load_config: Any) -> None:
        assert {} == load_config.model_loader_extra_config
        self.load_config = load_config

    def _get_weights_iterator(self, source: Any) -> Iterator[tuple[str, torch.Tensor]]:
        yield from source.items()


class BitsAndBytesModelLoader(DefaultModelLoader):
    """As vLLM's: it takes the function from bitsandbytes when it loads, and rounds the scales."""

    asked: Any = None

    def load_weights(self, model: Any, model_config: Any) -> None:
        from bitsandbytes.functional import quantize_4bit

        type(self).asked = quantize_4bit(model, compress_statistics=True, quant_type="nf4")[1]


@pytest.fixture
def loaders(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the worker registers, by name."""
    found: dict[str, Any] = {}
    top = "vllm.model_executor.model_loader"
    modules = {name: ModuleType(name) for name in ("vllm", "vllm.model_executor", top)}
    vars(modules[top])["register_model_loader"] = lambda name: lambda kind: found.setdefault(name, kind)
    for name, kind in (("default_loader", DefaultModelLoader), ("bitsandbytes_loader", BitsAndBytesModelLoader)):
        modules[f"{top}.{name}"] = ModuleType(name)
        vars(modules[f"{top}.{name}"])[kind.__name__] = kind
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, WORKER, raising=False)
    importlib.import_module(WORKER)
    monkeypatch.delitem(sys.modules, WORKER)
    return found


def config(**told: Any) -> Any:
    return SimpleNamespace(load_format="harness-nf4", model_loader_extra_config=told)


def test_named_weights_come_with_their_nf4_values(loaders: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The others as they are; vLLM's own loader reads safetensors and sees no setting of ours."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    loader = loaders["harness-nf4"](config(names=["a"], dtype="float32", double_quant=False))
    assert "safetensors" == loader.load_config.load_format
    weight = torch.randn(8, 64)
    given = dict(loader._get_weights_iterator({"a": weight, "b": weight}))
    assert torch.equal(nf4_values(weight, double_quant=False), given["a"])
    assert not torch.equal(weight, given["a"])
    assert torch.equal(weight, given["b"])


@pytest.mark.parametrize("double_quant", [False, True])
def test_4_bit_weights_have_the_scales_of_training(loaders: dict[str, Any], double_quant: bool) -> None:
    """And bitsandbytes has its own function back afterwards."""
    import bitsandbytes.functional

    own = bitsandbytes.functional.quantize_4bit
    loaders["bitsandbytes"](config(double_quant=double_quant)).load_weights(torch.randn(8, 64), None)
    assert double_quant == loaders["bitsandbytes"].asked.nested
    assert own is bitsandbytes.functional.quantize_4bit
