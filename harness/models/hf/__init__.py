"""Models on this machine: ``base``, ``adapter:``, ``checkpoints:``, ``hf:``, ``gguf:`` and ``embedded:`` specs.

A spec goes through `open_model` (which weights, which adapter, which numerics: nothing is loaded), then, at the first
request that the store cannot answer, through `bases` (weights, once for all adapters of a base), `adapter_switch`
(adapter on or off), `tokens`, `batching` and `decoding`.
"""

from harness.models.hf.backend import LocalModel
from harness.models.hf.bases import BASE_MODELS
from harness.models.hf.checkpoints import open_checkpoints
from harness.models.hf.open_model import open_local

__all__ = ["BASE_MODELS", "LocalModel", "open_checkpoints", "open_local"]
