"""Tests that need tokenizers are left out where the extra [local] is not installed."""

import importlib.util

if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", "peft")):
    collect_ignore_glob = ["test_constraints.py", "test_encoding.py", "test_prepare.py"]
