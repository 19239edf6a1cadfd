"""4-bit layers whose products pass gradients on a CPU, too, whatever was evaluated before."""

from collections.abc import Iterator
from typing import Any

import torch
from bitsandbytes.nn import Linear4bit

from harness.errors import TrainingError
from harness.locale import tr


def keep_gradients(model: Any) -> None:  # noqa: ANN401 - transformers is untyped
    """Let no 4-bit layer pack its weights anew: on CPUs with AVX512-BF16 bitsandbytes does so in evaluation mode.

    What multiplies packed weights passes no gradient, later in training mode neither, so that an adapter would learn
    from what little reaches it past the layers. It also rounds to bfloat16, whatever the dtype.
    """
    for _, layer in _layers(model):
        layer.support_avx512bf16_for_cpu = False


def check_gradients_pass(model: Any) -> None:  # noqa: ANN401 - transformers is untyped
    """Look whether a gradient passes every 4-bit layer, as one may not under a bitsandbytes that is not known yet.

    Raises:
        HarnessError: a layer passes none.
    """
    for name, layer in _layers(model):
        if layer.weight.device.type != "cpu":
            continue
        with torch.enable_grad():
            probe = torch.zeros(1, layer.in_features, dtype=layer.compute_dtype or torch.float32, requires_grad=True)
            layer(probe).sum().backward()
        if probe.grad is None or not probe.grad.any():  # torch lets a product without a gradient count as one of zero
            raise TrainingError(
                tr(
                    "The 4-bit weights of this base pass no gradient on this CPU ({name}): an adapter would learn from "
                    "wrong ones.",
                    name=name,
                ),
                hint=tr("Dequantize them once after loading: --set dequantize=true"),
            )


def _layers(model: Any) -> Iterator[tuple[str, Linear4bit]]:  # noqa: ANN401 - transformers is untyped
    return ((name, module) for name, module in model.named_modules() if isinstance(module, Linear4bit))
