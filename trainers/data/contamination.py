"""Training data that holds the test: examples whose text is a task of a benchmark, or nearly, found by name.

A score on tasks that a model was trained on says nothing. Two comparisons: equality after `normalise` finds copies with
other spaces, widths, line ends or punctuation; shared character trigrams (`near_duplicates`) find those with another
ending, other numbers, a sentence more or less. Neither finds a task told in other words.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Literal

from harness.codec import decode
from harness.locale import Text, tr
from harness.types import Sample
from trainers.data.examples import Example
from trainers.data.near_duplicates import NearIndex, Task, pack, shingles
from trainers.data.normalising import normalise

What = Literal["input", "reference"]

SHORTEST = 6
"""Fewer characters than this, after `normalise`, never match: 「こんにちは」 or "1+1=?" is no copy of anything.

The shortest task of the known benchmarks has seven."""
LONG_REFERENCE = 40
"""Only references of more characters than this are compared: a correct short answer may well be given twice."""
_HEX_DIGITS = 16
_FILE = "benchmark_hashes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkIndex:
    """The tasks of a benchmark as hashes: each hash with the id of its task. No text can be read from it.

    ``shingles``: by task id, the packed trigrams of its input (see `near_duplicates.pack`).
    """

    name: str
    inputs: Mapping[str, str]
    references: Mapping[str, str]
    shingles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An example that equals a task: its input, or an answer that equals the task's reference.

    ``earlier``: not its own, but those of an earlier turn, which it would show. ``near``: it does not equal the task,
    but shares this much of it, above 0 and at most 1.
    """

    where: str
    benchmark: str
    task_id: str
    what: What
    earlier: bool = field(default=False, compare=False)
    near: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return str(self.said)

    @property
    def said(self) -> Text:
        """What equals what, in any language."""
        values = {"where": self.where, "benchmark": self.benchmark, "task": self.task_id}
        if self.near is not None:
            values["share"] = f"{self.near:.2f}"
            if self.earlier:
                return tr("{where}: an earlier turn is nearly the input of {benchmark} task {task} ({share})", **values)
            return tr("{where}: its input is nearly the input of {benchmark} task {task} ({share})", **values)
        match self.what, self.earlier:
            case "input", False:
                return tr("{where}: its input is the input of {benchmark} task {task}", **values)
            case "input", True:
                return tr("{where}: an earlier turn is the input of {benchmark} task {task}", **values)
            case "reference", False:
                return tr("{where}: its answer is the reference of {benchmark} task {task}", **values)
            case _:
                return tr("{where}: an earlier turn is the reference of {benchmark} task {task}", **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What the shipped file holds."""

    schema: Literal[2] = 2
    benchmarks: tuple[BenchmarkIndex, ...]


def index(name: str, samples: Iterable[Sample]) -> BenchmarkIndex:
    """Return the hashes of a benchmark's inputs, with their trigrams, and of its references of over 40 characters.

    Texts of fewer than 6 characters after `normalise` are left out. Of tasks with the same text the first is named.

    >>> tasks = [Sample(id="7", inputs={"input": "日本の首都はどこですか。"}, reference="東京")]
    >>> mine = index("mine", tasks)
    >>> mine.inputs, mine.references, list(mine.shingles)
    ({'7b05ddc3c7b6dd28': '7'}, {}, ['7'])
    """
    inputs: dict[str, str] = {}
    references: dict[str, str] = {}
    packed: dict[str, str] = {}
    for sample in samples:
        for key in _hashes([sample.input]):
            if inputs.setdefault(key, sample.id) == sample.id:
                packed[sample.id] = pack(shingles(sample.input))
        reference = (sample.reference or "").strip()
        if len(reference) > LONG_REFERENCE:
            for key in _hashes([reference]):
                references.setdefault(key, sample.id)
    return BenchmarkIndex(name=name, inputs=inputs, references=references, shingles=packed)


def index_text(benchmarks: Sequence[BenchmarkIndex]) -> str:
    """Return indexes as the JSON of the shipped file."""
    return json.dumps(asdict(_File(benchmarks=tuple(benchmarks))), ensure_ascii=False, indent=0) + "\n"


@lru_cache(maxsize=1)
def known_benchmarks() -> tuple[BenchmarkIndex, ...]:
    """Return the shipped indexes: ELYZA-tasks-100, ELYZA-tasks-100-TV and the bundled set.

    >>> [(known.name, len(known.inputs)) for known in known_benchmarks()]
    [('elyza-tasks-100', 100), ('elyza-tasks-100-tv', 100), ('bundled:ja-mini', 40)]
    """
    text = (resources.files("trainers") / _FILE).read_text(encoding="utf-8")
    return decode(_File, text, where=_FILE).benchmarks


def find_hits(
    examples: Sequence[Example], benchmarks: Sequence[BenchmarkIndex], *, near: float | None = None
) -> list[Hit]:
    """Return each example that equals a task, in the order of the examples; none twice for one task and part.

    Compared with inputs: the example's input, its instruction and its context alone where it has both, and earlier user
    messages. Compared with references of over 40 characters: the answer, and earlier assistant messages. With ``near``
    (above 0, below 1; see `near_duplicates.NearIndex`), inputs that share as much with a task's are hits, too.

    >>> example = Example(where="a.json:1", inputs={"input": "日本の首都は　どこですか？"}, answer="東京です。")
    >>> mine = index("mine", [Sample(id="7", inputs={"input": "日本の首都はどこですか。"})])
    >>> [str(hit) for hit in find_hits([example], [mine])]
    ['a.json:1: its input is the input of mine task 7']
    >>> other = Example(where="a.json:2", inputs={"input": "日本の首都はどこでしょうか。"}, answer="東京です。")
    >>> [str(hit) for hit in find_hits([other], [mine], near=0.5)]
    ['a.json:2: its input is nearly the input of mine task 7 (0.54)']
    """
    closest = None
    if near is not None:
        tasks = {Task(known.name, key): packed for known in benchmarks for key, packed in known.shingles.items()}
        closest = NearIndex(tasks, near)
    return [hit for example in examples for hit in dict.fromkeys(_hits(example, benchmarks, closest))]


def refused_said(n: int, near: float | None) -> Text:
    """Return how many samples are not trained on, and why.

    >>> refused_said(3, None)
    '3 of the samples are tasks of a benchmark: not trained on'
    """
    if near is None:
        return tr("{n:,} of the samples are tasks of a benchmark: not trained on", n=n)
    return tr(
        "{n:,} of the samples are tasks of a benchmark, or have at least {near:g} of one in common (--near): not "
        "trained on",
        n=n,
        near=near,
    )


def _hits(example: Example, benchmarks: Sequence[BenchmarkIndex], closest: NearIndex | None) -> Iterator[Hit]:
    said = {role: [turn.content for turn in example.history if turn.role == role] for role in ("user", "assistant")}
    asked = [example.inputs[name] for name in ("input", "instruction", "context") if name in example.inputs]
    own = {"input": _hashes(asked), "reference": _hashes([example.answer])}
    before = {"input": _hashes(said["user"]), "reference": _hashes(said["assistant"])}
    parts: tuple[What, ...] = ("input", "reference")
    for known in benchmarks:
        for what in parts:
            tasks = known.inputs if what == "input" else known.references
            for earlier, keys in ((False, own[what]), (True, before[what])):
                for key in keys:
                    if key in tasks:
                        yield Hit(
                            where=example.where, benchmark=known.name, task_id=tasks[key], what=what, earlier=earlier
                        )
    if closest is None:
        return
    for earlier, texts in ((False, asked), (True, said["user"])):
        for text in texts:
            for task, share in closest.found(text):
                yield Hit(
                    where=example.where,
                    benchmark=task.benchmark,
                    task_id=task.id,
                    what="input",
                    earlier=earlier,
                    near=share,
                )


def _hashes(texts: Iterable[str]) -> list[str]:
    """Return the first 64 bits of the sha256 of each text that is long enough, normalised, in hexadecimal."""
    long_enough = [text for text in map(normalise, texts) if len(text) >= SHORTEST]
    return [hashlib.sha256(text.encode()).hexdigest()[:_HEX_DIGITS] for text in long_enough]
