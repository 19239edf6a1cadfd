"""What importing the statistics costs."""

import subprocess
import sys


def test_only_numpy_and_scipy_special_are_loaded() -> None:
    """scipy.stats alone takes over a second: neither it nor its heavy relatives may come along."""
    code = "import sys, harness.stats; print('\\n'.join(sys.modules))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "scipy.special" in loaded
    heavy = {"scipy.stats", "scipy.optimize", "scipy.integrate", "scipy.spatial", "pandas", "torch", "pydantic"}
    assert heavy & loaded == set()
