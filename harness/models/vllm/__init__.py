"""The engine vLLM for the models of `harness.models.hf`: a base and its adapters in one call.

vLLM itself is imported when an engine is started, and nowhere else.
"""

import harness.models.hf as _hf  # noqa: F401 - its models choose among engines: it is imported before this package
