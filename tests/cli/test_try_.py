"""The first line of `harness try` is on the screen before anything that takes long is loaded."""

import subprocess
import sys

HEAVY = ("sqlalchemy", "scipy", "numpy", "torch", "transformers", "pyarrow")


def test_its_options_load_nothing_heavy() -> None:
    """Neither its help nor its first line waits for a library."""
    code = f"import harness.cli.try_, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert "[]\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
