"""Task sets that must not be trained on, as `--against` names them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.runs.assemble import open_task
from harness.specs import Config, parse_task
from harness.types import Sample


def benchmark_samples(names: Iterable[str], settings: Config) -> Mapping[str, Sequence[Sample]]:
    """Return the samples of task sets given by name, by NAME=PATH, or by their path alone, each by what was given.

    Raises:
        HarnessError: there is no such set or file, or it cannot be read.
    """
    found = {}
    for name in names:
        text = name
        path = Path(name).expanduser()
        if "=" not in name and (path.exists() or path.suffix or len(path.parts) > 1):
            text = f"{Path(name).stem}={name}"
        found[name] = open_task(parse_task(text, settings))
    return found
