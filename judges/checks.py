"""The rule types: what a rule in a task file may ask of an answer.

A rule is a mapping with a ``type`` and that type's parameters: ``{"type": "exactly_n_items", "n": 5}``. Each type is
one dataclass below, its fields are the parameters, and a parameter that is null counts as absent. Text is compared in
NFKC, so full-width and half-width forms are equal; words also without regard to case.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, ClassVar, Literal, NoReturn

import regex

from harness.locale import listing, tr
from harness.locale.parsers import parser_said
from judges import measures

REGEX_SECONDS = 0.5
REGEX_CHARACTERS = 500
_SHOWN = 6  # words or numbers listed in a message


class UndecidedError(Exception):
    """A check that came to no result on this answer: the judge makes it "unscored", never a pass or a failure."""


class ReadAnswer:
    """An answer in the forms in which checks read it, each computed once and only if a check needs it."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def normal(self) -> str:
        """The text in NFKC."""
        return measures.normalize(self.text)

    @cached_property
    def folded(self) -> str:
        """The text in NFKC without case."""
        return self.normal.casefold()


class Check(ABC):
    """One thing asked of an answer. A subclass is a frozen dataclass whose fields are the parameters of the rule."""

    __slots__ = ()
    __pydantic_config__: ClassVar = {"strict": True, "extra": "forbid"}  # "5" for 5 is a slip in the task file
    type: ClassVar[str]

    def problem(self) -> str | None:
        """Return what is wrong with the values of the parameters, or None."""
        return None

    @abstractmethod
    def failure(self, answer: ReadAnswer) -> str | None:
        """Return what was found against what was wanted, or None if the answer passes.

        Raises:
            UndecidedError: the check did not come to an end.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class NonEmpty(Check):
    """The answer has something to read. One that fails this passes no other check either: its score is 0."""

    type: ClassVar[str] = "non_empty"

    def failure(self, answer: ReadAnswer) -> str | None:
        """Fail an answer of nothing but white space and invisible characters."""
        return None if measures.is_visible(answer.text) else tr("the answer is empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class JapaneseRatio(Check):
    """At least the share ``min`` (over 0, up to 1) of the letters is kana or kanji; one without a letter passes."""

    type: ClassVar[str] = "japanese_ratio"
    min: float

    def problem(self) -> str | None:
        """Check the range."""
        return _outside("min", self.min)

    def failure(self, answer: ReadAnswer) -> str | None:
        """Compare `measures.japanese_ratio`."""
        ratio = measures.japanese_ratio(answer.normal)
        if ratio is None or ratio >= self.min:
            return None
        return tr("{ratio:.2f} Japanese, wanted {least:g} or more", ratio=ratio, least=self.min)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRatio(Check):
    """At least the share ``min`` (over 0, up to 1) of the letters is in one script; no letter at all fails."""

    type: ClassVar[str] = "script_ratio"
    script: measures.Script
    min: float = 1.0

    def problem(self) -> str | None:
        """Check the range."""
        return _outside("min", self.min)

    def failure(self, answer: ReadAnswer) -> str | None:
        """Compare `measures.script_ratio`."""
        ratio = measures.script_ratio(answer.normal, self.script)
        if ratio is None:
            return tr("no letter, wanted {script}", script=self.script)
        if ratio >= self.min:
            return None
        return tr("{ratio:.2f} {script}, wanted {least:g} or more", ratio=ratio, script=self.script, least=self.min)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxRepetition(Check):
    """At most ``share`` (0 to 1) of the character ``n``-grams occurred before in the answer (a loop comes near 1)."""

    type: ClassVar[str] = "max_repetition"
    share: float
    n: int = 10

    def problem(self) -> str | None:
        """Check the ranges."""
        if not 0 <= self.share < 1:
            return tr("share {share:g} is not in 0-1 (1 excluded: everything would pass)", share=self.share)
        return _too_few(self.n)

    def failure(self, answer: ReadAnswer) -> str | None:
        """Compare `measures.repetition`."""
        share = measures.repetition(answer.text, self.n)
        if share <= self.share:
            return None
        return tr("{share:.2f} repeated, wanted {most:g} or less", share=share, most=self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Length(Check):
    """From ``min`` to ``max`` characters, white space not counted; give one bound or both."""

    type: ClassVar[str] = "length"
    min: int | None = None
    max: int | None = None

    def problem(self) -> str | None:
        """Check that the bounds leave something to pass and something to fail."""
        low, high = self.min or 0, math.inf if self.max is None else self.max
        if self.min is None and self.max is None:
            return tr("give min, max or both")
        return None if 0 <= low <= high else tr("no length is from {low} to {high}", low=low, high=high)

    def failure(self, answer: ReadAnswer) -> str | None:
        """Compare `measures.count_characters`."""
        count = measures.count_characters(answer.text)
        if self.min is not None and count < self.min:
            return tr("{count} characters, wanted {least} or more", count=count, least=self.min)
        if self.max is not None and count > self.max:
            return tr("{count} characters, wanted {most} or fewer", count=count, most=self.max)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactlyNItems(Check):
    """A list of exactly ``n`` items at its top level."""

    type: ClassVar[str] = "exactly_n_items"
    n: int

    def problem(self) -> str | None:
        """Check the range."""
        return _too_few(self.n)

    def failure(self, answer: ReadAnswer) -> str | None:
        """Compare `measures.count_items`."""
        count = measures.count_items(answer.normal)
        return None if count == self.n else tr("{count} items, wanted {n}", count=count, n=self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxSentences(Check):
    """At most ``n`` sentences; a line end closes one as 。 does."""

    type: ClassVar[str] = "max_sentences"
    n: int

    def problem(self) -> str | None:
        """Check the range."""
        return _too_few(self.n)

    def failure(self, answer: ReadAnswer) -> str | None:
        """Compare `measures.count_sentences`."""
        count = measures.count_sentences(answer.normal)
        return None if count <= self.n else tr("{count} sentences, wanted {n} or fewer", count=count, n=self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class MustInclude(Check):
    """Every word of ``all`` and at least one of ``any`` occurs; give one of the two or both."""

    type: ClassVar[str] = "must_include"
    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()

    def problem(self) -> str | None:
        """Check that there are words."""
        return _no_words((*self.all, *self.any), "all, any or both")

    def failure(self, answer: ReadAnswer) -> str | None:
        """Look for the words, in NFKC and without case."""
        missing = [word for word in self.all if measures.fold(word) not in answer.folded]
        found = [tr("{words} missing", words=_quote(missing))] if missing else []
        if self.any and not _found(self.any, answer, enough=1):
            found.append(tr("none of {words}", words=_quote(self.any)))
        return listing(found) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class MustNotInclude(Check):
    """No word of ``any`` occurs."""

    type: ClassVar[str] = "must_not_include"
    any: tuple[str, ...]

    def problem(self) -> str | None:
        """Check that there are words."""
        return _no_words(self.any, "any")

    def failure(self, answer: ReadAnswer) -> str | None:
        """Look for the words, in NFKC and without case."""
        found = _found(self.any, answer, enough=len(self.any))
        return tr("{words} found", words=_quote(found)) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex(Check):
    """The ``pattern`` (syntax of the regex module) is found in the answer as written or in its NFKC form.

    ``full``: the whole answer, without outer white space, must match. ``absent``: it must not be found in either form.
    A search of more than half a second leaves the answer unscored.
    """

    type: ClassVar[str] = "regex"
    pattern: str
    full: bool = False
    absent: bool = False

    def problem(self) -> str | None:
        """Check that the pattern compiles and is of a bounded length."""
        if len(self.pattern) > REGEX_CHARACTERS:
            return tr("the pattern has {n} characters, more than {most}", n=len(self.pattern), most=REGEX_CHARACTERS)
        try:
            _compile(self.pattern)
        except (regex.error, RecursionError, OverflowError, ValueError) as error:
            return tr("bad pattern {pattern!r}: {error}", pattern=self.pattern, error=error)
        return None

    def failure(self, answer: ReadAnswer) -> str | None:
        """Search both forms, each for a bounded time."""
        compiled = _compile(self.pattern)
        search = compiled.fullmatch if self.full else compiled.search
        try:
            found = any(search(text.strip(), timeout=REGEX_SECONDS) for text in {answer.text, answer.normal})
        except (TimeoutError, MemoryError) as error:
            message = tr(
                "regex {pattern!r} found no end within {seconds:g} s on this answer",
                pattern=self.pattern,
                seconds=REGEX_SECONDS,
            )
            raise UndecidedError(message) from error
        if found == self.absent:
            told = tr("{pattern!r} found", pattern=self.pattern)
            return told if found else tr("{pattern!r} does not match", pattern=self.pattern)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Json(Check):
    """The answer is valid JSON, bare or in one Markdown code fence; with ``keys`` an object that has them all."""

    type: ClassVar[str] = "json"
    keys: tuple[str, ...] = ()

    def failure(self, answer: ReadAnswer) -> str | None:
        """Parse by RFC 8259: NaN and Infinity are no JSON."""
        try:
            value = json.loads(_unfence(answer.text.strip()), parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            return tr(
                "not JSON: {reason} (line {line}, column {column})",
                reason=parser_said(error.msg),
                line=error.lineno,
                column=error.colno,
            )
        except (ValueError, RecursionError):  # NaN, a number of over 4,300 digits, 1,000 brackets deep
            return tr("not JSON")
        if not self.keys:
            return None
        if not isinstance(value, dict):
            return tr("not a JSON object")
        missing = [key for key in self.keys if key not in value]
        return tr("keys {keys} missing", keys=_quote(missing)) if missing else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Check):
    """The number ``value`` occurs, or with ``position`` "last" is the last one; it may be off by ``tolerance``."""

    type: ClassVar[str] = "number"
    value: float
    position: Literal["any", "last"] = "any"
    tolerance: float = 0.0

    def problem(self) -> str | None:
        """Check that the numbers are finite."""
        return (
            None
            if math.isfinite(self.value) and 0 <= self.tolerance < math.inf
            else tr("value and tolerance are finite")
        )

    def failure(self, answer: ReadAnswer) -> str | None:
        """Compare `measures.numbers`; equal means within 1e-9, relative."""
        found = measures.numbers(answer.normal)
        candidates = found[-1:] if self.position == "last" else found
        if any(math.isclose(number, self.value, abs_tol=self.tolerance) for number in candidates):
            return None
        shown = _listed([f"{number:.15g}" for number in candidates])
        return tr("{shown}, wanted {value:.15g}", shown=shown or tr("no number"), value=self.value)


TYPES: dict[str, type[Check]] = {
    kind.type: kind
    for kind in (
        NonEmpty,
        JapaneseRatio,
        ScriptRatio,
        MaxRepetition,
        Length,
        ExactlyNItems,
        MaxSentences,
        MustInclude,
        MustNotInclude,
        Regex,
        Json,
        Number,
    )
}


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> Any:  # noqa: ANN401 - the regex module has no types
    return regex.compile(pattern)


def _too_few(n: int) -> str | None:
    return None if n >= 1 else tr("n {n} is less than 1", n=n)


def _outside(name: str, share: float) -> str | None:
    return None if 0 < share <= 1 else tr("{name} {share:g} is not over 0 and up to 1", name=name, share=share)


def _no_words(words: Sequence[str], names: str) -> str | None:
    if not words:
        return tr("give words in {names}", names=names)
    return (
        None if all(measures.fold(word).strip() for word in words) else tr("a word is empty: it would occur everywhere")
    )


def _found(words: Sequence[str], answer: ReadAnswer, *, enough: int) -> list[str]:
    hits = (word for word in words if measures.fold(word) in answer.folded)
    return list(islice(hits, enough))


def _quote(words: Sequence[str]) -> str:
    return _listed([f"'{word}'" for word in words])


def _listed(words: Sequence[str]) -> str:
    return ", ".join([*words[:_SHOWN], "…"] if len(words) > _SHOWN else words)


def _unfence(text: str) -> str:
    """Return what stands in a Markdown code fence if the text is nothing but that."""
    first, _, rest = text.partition("\n")
    return rest[:-3] if first.startswith("```") and rest.endswith("```") else text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
