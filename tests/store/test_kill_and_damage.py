"""A few kills and damages of the campaign in bench/; the whole one is `python bench/kill_and_damage.py`."""

import os
import subprocess
import sys

from tests.conftest import ROOT


def test_kills_and_damages_leave_the_board_or_a_sentence() -> None:
    """Two processes on one run among the kills, and a dozen kinds of damage: nothing else happens."""
    script = ROOT / "bench" / "kill_and_damage.py"
    few = ["--kills", os.environ.get("KILLS", "4"), "--damages", os.environ.get("DAMAGES", "12"), "--seed", "3"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, str(script), *few], capture_output=True, text=True, check=False, timeout=900, env=environment
    )
    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert "| damaged stores | " in ended.stdout
    assert ended.stdout.count("| kill -9: ") == 4
