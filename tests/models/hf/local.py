"""Prompts for a tiny local model, and its answers by key."""

from collections.abc import Sequence

from harness.models.hf import LocalModel
from harness.types import Generation, Request

PROMPTS = [
    f"### 指示\n{text}\n### 回答\n"
    for text in ("日本の首都は？", "猫について三つ挙げてください。", "はい", "hello world")
]


def answers(model: LocalModel, requests: Sequence[Request]) -> dict[str, Generation]:
    """Return what a model generates, by request key."""
    return {generation.request_key: generation for generation in model.generate(requests)}
