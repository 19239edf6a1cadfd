"""Four workers on one plan, each as on a machine of its own; the whole campaign is `python bench/many_workers.py`."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.postgres import missing

pytest.importorskip("openai")


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_no_verdict_is_paid_for_twice_and_kill_9_of_any_worker_shows_nowhere() -> None:
    """On PostgreSQL: a judge's server counts its calls; a server started anew, a kill, a limit, and both at once."""
    script = ROOT / "bench" / "many_workers.py"
    few = ["--rounds", os.environ.get("ROUNDS", "4"), "--tasks", "20", "--pace", "0.03", "--seed", "5", "--restarts"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, str(script), *few], capture_output=True, text=True, check=False, timeout=600, env=environment
    )
    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert "| postgresql | 4 | " in ended.stdout
