"""What a training on a CPU holds beside its tensors, kept small: holes between them, and kernels of shapes gone by."""

import math
import os
from collections.abc import Sequence

import torch
from torch import nn

from harness.models.hf.memory import trim

_CACHES = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")  # torch's of oneDNN's kernels, and oneDNN's own
_KERNELS = "128"  # in each; a pass through a model whose layers are alike takes about 40
_TRIMS = 6  # in a pass forward


def bound_kernel_caches() -> None:
    """Let the libraries keep fewer kernels, unless their variables are set; it must come before the first product.

    A kernel is of one number of tokens, and micro-batches differ in theirs: 1,024 in each cache, as they are by
    themselves, are 0.55 GiB after thirty steps (bench/README.md).
    """
    for name in _CACHES:
        os.environ.setdefault(name, _KERNELS)


def trim_between(layers: Sequence[nn.Module]) -> None:
    """Give freed memory back a few times in every pass that keeps something for the backward pass.

    What lives for a moment lies between tensors that stay, and glibc finds no use for the hole: it asks more than the
    size of an aligned block to place one of that size. The holes are a third of what stays.
    """
    every = math.ceil(len(layers) / _TRIMS)
    for layer in layers[every - 1 :: every]:
        layer.register_forward_hook(_trim)


def _trim(*_: object) -> None:
    if torch.is_grad_enabled():
        trim()
