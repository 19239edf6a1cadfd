"""Where a process of ours begins: it listens to its parent before anything large is imported, and ends with it.

python -m harness.models.child harness.models.vllm.serve
"""

import importlib
import sys

from harness.models.child_process import Parent


def main(module: str) -> None:
    """Serve the parent with a module, for ever."""
    parent = Parent()
    importlib.import_module(module).serve(parent)


if __name__ == "__main__":
    main(sys.argv[1])
