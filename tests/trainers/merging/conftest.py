"""Merging without the packages of training is not tested."""

import importlib.util

if any(importlib.util.find_spec(name) is None for name in ("torch", "trl", "peft", "datasets", "gguf")):
    collect_ignore_glob = ["test_*.py"]  # the extras [train] and [demo] are not installed
