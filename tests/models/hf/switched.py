"""A model's scores with its adapter on or off, and what the fixtures of these tests are."""

from collections.abc import Callable
from pathlib import Path

import torch

from harness.models.hf import LocalModel
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]
MakeAdapter = Callable[..., Path]
PROMPT = "### 指示\n日本の首都は？\n### 回答\n"


def scores(model: LocalModel) -> torch.Tensor:
    """Return a model's scores after a fixed prompt, its adapter on or off as its spec says."""
    base = model._base()
    base.switch.use(model._adapter)
    return base.switch.scores([1, 20, 30, 40])
