"""Training data that holds the test: examples whose text equals a task of a benchmark, found by name.

A score on tasks that a model was trained on says nothing. The comparison is one of equality after `normalise`, so it
finds copies, also those with other spaces, widths, line ends or punctuation; it does not find paraphrases.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Literal

import regex

from harness.codec import decode
from harness.types import Sample
from trainers.data.examples import Example

What = Literal["input", "reference"]

SHORTEST = 6
"""Fewer characters than this, after `normalise`, never match: 「こんにちは」 or "1+1=?" is no copy of anything.

The shortest task of the known benchmarks has seven."""
LONG_REFERENCE = 40
"""Only references of more characters than this are compared: a correct short answer may well be given twice."""
_HEX_DIGITS = 16
_FILE = "benchmark_hashes.json"
# Two kinds of tilde and a minus, mathematical symbols to Unicode, are punctuation in Japanese text.
_LEFT_OUT = regex.compile(r"(?:[^\p{L}\p{M}\p{N}\p{Sm}()\[\]{}]|[~∼−]|\p{Variation_Selector})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkIndex:
    """The tasks of a benchmark as hashes: each hash with the id of its task. No text can be read from it."""

    name: str
    inputs: Mapping[str, str]
    references: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An example that equals a task: its input, or an answer that equals the task's reference.

    ``earlier``: not its own, but those of an earlier turn, which it would show.
    """

    where: str
    benchmark: str
    task_id: str
    what: What
    earlier: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        mine = "an earlier turn" if self.earlier else "its answer" if self.what == "reference" else "its input"
        return f"{self.where}: {mine} is the {self.what} of {self.benchmark} task {self.task_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What the shipped file holds."""

    schema: Literal[1] = 1
    benchmarks: tuple[BenchmarkIndex, ...]


def normalise(text: str) -> str:
    r"""Return a text without spaces and punctuation, in one width and one case.

    Copies of a task differ in what editors, spreadsheets and web pages change: full and half width (NFKC makes them
    one), case, spaces and line ends, stops, quotes, bullets, dashes, the two kinds of 〜. None of that makes another
    task, so only letters, marks, numbers, mathematical symbols and the brackets ()[]{} stay, without variation
    selectors. Symbols and brackets stay because tasks can be about them: ELYZA-tasks-100 and its TV set ask for the end
    of two bracket sequences in the same words. The price: 3-2 and 32 are one.

    >>> normalise("Ｑ１．　次の文を\r\n要約してください。"), normalise("q1: 次の文を要約してください")
    ('q1次の文を要約してください', 'q1次の文を要約してください')
    """
    before = None
    while text != before:  # what is left may compose anew: the two marks around a removed one, for example
        before = text
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = _LEFT_OUT.sub("", folded)
    return text


def index(name: str, samples: Iterable[Sample]) -> BenchmarkIndex:
    """Return the hashes of a benchmark's inputs, and of its references of over 40 characters.

    Texts of fewer than 6 characters after `normalise` are left out. Of tasks with the same text the first is named.

    >>> tasks = [Sample(id="7", inputs={"input": "日本の首都はどこですか。"}, reference="東京")]
    >>> index("mine", tasks)
    BenchmarkIndex(name='mine', inputs={'7b05ddc3c7b6dd28': '7'}, references={})
    """
    inputs: dict[str, str] = {}
    references: dict[str, str] = {}
    for sample in samples:
        for key in _hashes([sample.input]):
            inputs.setdefault(key, sample.id)
        reference = (sample.reference or "").strip()
        if len(reference) > LONG_REFERENCE:
            for key in _hashes([reference]):
                references.setdefault(key, sample.id)
    return BenchmarkIndex(name=name, inputs=inputs, references=references)


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


def find_hits(examples: Sequence[Example], benchmarks: Sequence[BenchmarkIndex]) -> list[Hit]:
    """Return each example that equals a task, in the order of the examples; none twice for one task and part.

    Compared with inputs: the example's input, its instruction and its context alone where it has both, and earlier user
    messages. Compared with references of over 40 characters: the answer, and earlier assistant messages.

    >>> example = Example(where="a.json:1", inputs={"input": "日本の首都は　どこですか？"}, answer="東京です。")
    >>> mine = index("mine", [Sample(id="7", inputs={"input": "日本の首都はどこですか。"})])
    >>> [str(hit) for hit in find_hits([example], [mine])]
    ['a.json:1: its input is the input of mine task 7']
    """
    return [hit for example in examples for hit in dict.fromkeys(_hits(example, benchmarks))]


def _hits(example: Example, benchmarks: Sequence[BenchmarkIndex]) -> Iterator[Hit]:
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


def _hashes(texts: Iterable[str]) -> list[str]:
    """Return the first 64 bits of the sha256 of each text that is long enough, normalised, in hexadecimal."""
    long_enough = [text for text in map(normalise, texts) if len(text) >= SHORTEST]
    return [hashlib.sha256(text.encode()).hexdigest()[:_HEX_DIGITS] for text in long_enough]
