"""What runs inside vLLM's own process: two ways of loading weights that it does not have.

vLLM imports this module in its worker, by name, before it loads weights. Nothing here is imported anywhere else.
"""

import copy
import functools
from collections.abc import Iterator
from typing import Any

import bitsandbytes.functional
import torch
from vllm.model_executor.model_loader import register_model_loader
from vllm.model_executor.model_loader.default_loader import DefaultModelLoader

from harness.models.vllm_loader.nf4 import NF4_TURNED, turned

try:  # in vLLM itself up to 0.27.1
    from vllm.model_executor.model_loader.bitsandbytes_loader import BitsAndBytesModelLoader
except ModuleNotFoundError:
    BitsAndBytesModelLoader = None


class HarnessWorker:
    """What vLLM adds to its worker's class: nothing; importing this module is what counts."""


@register_model_loader(NF4_TURNED)
class TurnedLoader(DefaultModelLoader):  # type: ignore[misc]  # vllm is untyped here
    """Loads safetensors with the values of their nf4 form, in the model's dtype."""

    def __init__(self, load_config: Any) -> None:  # noqa: ANN401 - vLLM's
        told = dict(load_config.model_loader_extra_config)
        plain = copy.copy(load_config)
        plain.load_format, plain.model_loader_extra_config = "safetensors", {}
        super().__init__(plain)
        self._names = frozenset(told["names"])
        self._double_quant = bool(told["double_quant"])
        self._dtype = getattr(torch, told["dtype"])

    def _get_weights_iterator(self, source: Any) -> Iterator[tuple[str, torch.Tensor]]:  # noqa: ANN401 - vLLM's
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return turned(
            super()._get_weights_iterator(source),
            self._names,
            dtype=self._dtype,
            device=device,
            double_quant=self._double_quant,
        )


if BitsAndBytesModelLoader is not None:

    @register_model_loader("bitsandbytes")  # vLLM takes no other name for 4-bit weights
    class Nf4Loader(BitsAndBytesModelLoader):  # type: ignore[misc]  # likewise
        """Loads weights as nf4 with the scales that training had: vLLM's own loader always rounds the scales, too."""

        def __init__(self, load_config: Any) -> None:  # noqa: ANN401 - vLLM's
            told = dict(load_config.model_loader_extra_config)
            plain = copy.copy(load_config)
            plain.model_loader_extra_config = {}
            super().__init__(plain)
            self._double_quant = bool(told["double_quant"])

        def load_weights(self, model: Any, model_config: Any) -> None:  # noqa: ANN401 - vLLM's
            """Load the weights, with scales as they were trained with."""
            own = bitsandbytes.functional.quantize_4bit

            @functools.wraps(own)
            def as_trained(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - handed on
                return own(*args, **options | {"compress_statistics": self._double_quant})

            bitsandbytes.functional.quantize_4bit = as_trained
            try:
                super().load_weights(model, model_config)
            finally:
                bitsandbytes.functional.quantize_4bit = own
