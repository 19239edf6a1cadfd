"""Task sets that ship with the harness: ``bundled:ja-mini``, 40 short Japanese tasks for a first look at a model.

Four tasks of each of ten kinds (the tag): lists of a given length, summaries, rewriting, grammar, extraction,
reasoning, arithmetic, business writing, culture, and traps (false premises, harmless requests that sound harmful, what
nobody can know). Each has a reference, criteria for a judge and rules that a program checks. The first twenty hold two
of each kind, those with the shortest answers. The tasks were written for this project and resemble no benchmark's; they
are part of it and under its licence, Apache-2.0. They are too few and too easy to rank strong models.
"""

from importlib import resources

from harness.errors import UnknownNameError, UsageError
from harness.locale import tr
from harness.tables import read_table
from harness.tasks.files import SampleList, to_samples
from harness.types import TaskSpec

SETS = {"ja-mini": "ja-mini.jsonl"}


def open_bundled(spec: TaskSpec) -> SampleList:
    """Return the samples of the set that ``spec.name`` names after ``bundled:``.

    >>> samples = list(open_bundled(TaskSpec(name="bundled:ja-mini")).samples())
    >>> len(samples), samples[0].id, samples[0].tags
    (40, 'list-01', ('list',))

    Raises:
        UnknownNameError: no bundled set has this name.
        UsageError: a path was given, as for a task of one's own.
    """
    name = spec.name.partition(":")[2]
    if name not in SETS:
        raise UnknownNameError(tr("bundled task"), spec.name, [f"bundled:{known}" for known in SETS])
    if spec.source is not None:
        raise UsageError(
            tr("Task {name!r} takes no path, got {source!r}.", name=spec.name, source=spec.source),
            hint=tr(
                "Write --task {name}, or give your file another name: --task {name_2}={source}",
                name=spec.name,
                name_2=name,
                source=spec.source,
            ),
        )
    with resources.as_file(resources.files("harness.tasks") / "data" / SETS[name]) as path:
        table = read_table(path)
    return SampleList(tuple(to_samples(table.rows, path=spec.name)))
