"""Task sets that must not be trained on, as `--against` names them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.locale import tr
from harness.runs.assemble import open_task
from harness.runs.sealing import sealed_samples
from harness.specs import Config, parse_task
from harness.store.store import Store, store_exists
from harness.types import Sample


def benchmark_samples(names: Iterable[str], settings: Config) -> Mapping[str, Sequence[Sample]]:
    """Return the samples of task sets given by name, by NAME=PATH, or by their path alone, each by its name or path.

    Raises:
        HarnessError: there is no such set or file, or it cannot be read.
    """
    found: dict[str, Sequence[Sample]] = {}
    for name in names:
        text = name
        path = Path(name).expanduser()
        if "=" not in name and (path.exists() or path.suffix or len(path.parts) > 1):
            text = f"{Path(name).stem}={name}"
        short = name.partition("=")[0]
        found[name if short in found else short] = open_task(parse_task(text, settings))
    return found


def sealed_by_set(url: str) -> Mapping[str, Sequence[Sample]]:
    """Return the tasks that a store keeps sealed, by what is said of the set that they are of.

    Raises:
        StoreError: the store cannot be read.
    """
    if not store_exists(url):
        return {}
    with Store(url, read_only=True) as opened:
        found = sealed_samples(opened)
    return {tr("{name} (sealed)", name=name): samples for name, samples in found.items()}
