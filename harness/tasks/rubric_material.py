"""Answers to test a judge by: 22 short Japanese tasks, each with a right answer, its twins and one with an error.

Of every task there is an answer that is right, the same said as briefly as it goes (``terse``) and with many polite
words (``verbose``), and one that holds a plain error (``wrong``). Written for this project, under its licence,
Apache-2.0; every one was checked by hand to say the same as its twins.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from harness.types import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One task with an answer to it; ``twins``: other answers by what they are (terse, verbose, wrong)."""

    sample: Sample
    answer: str
    twins: Mapping[str, str]


def bundled_material() -> tuple[Material, ...]:
    """Return the tasks that ship with the harness.

    >>> found = bundled_material()
    >>> len(found), found[0].sample.id, sorted(found[0].twins)
    (22, 'capital', ['terse', 'verbose', 'wrong'])
    """
    text = (resources.files("harness.tasks") / "data" / "rubric-tests.jsonl").read_text(encoding="utf-8")
    return tuple(_material(json.loads(line)) for line in text.splitlines())


def _material(row: Mapping[str, str]) -> Material:
    sample = Sample(id=row["id"], inputs={"input": row["input"]}, reference=row["reference"], criteria=row["criteria"])
    return Material(
        sample=sample, answer=row["answer"], twins={name: row[name] for name in ("terse", "verbose", "wrong")}
    )
