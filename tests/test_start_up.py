"""What `harness --help` and `import harness` are allowed to load: a slow start is felt by everybody, every time."""

import json
import subprocess
import sys

BANNED = {"torch", "transformers", "numpy", "scipy", "pydantic", "sqlalchemy", "jinja2", "pyarrow", "yaml", "tabulate"}
PROBE = """
import json, sys
sys.argv = ["harness", "--help"]
from harness.cli.main import main
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def test_help_loads_nothing_heavy() -> None:
    """The modules loaded by `harness --help` hold none of the heavy ones, and the command list is whole."""
    ended = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, timeout=60)
    assert set() == BANNED & set(json.loads(ended.stderr))
    assert "Evaluate models on tasks and write a leaderboard." in ended.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Nor does looking at its names, or importing what plugin authors test with; what is asked for is loaded then."""
    probe = (
        "import json, sys\nimport harness, harness.testing\ndir(harness), harness.__all__, harness.HarnessError\n"
        "print(json.dumps(sorted(sys.modules)))\nharness.evaluate\nassert 'numpy' in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    loaded = json.loads(ended.stdout)
    assert set() == (BANNED | {"click", "hypothesis"}) & {name.partition(".")[0] for name in loaded}
    assert {"harness", "harness.errors", "harness.locale", "harness.testing"} == {
        name for name in loaded if name.startswith("harness")
    }
