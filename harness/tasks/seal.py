"""Which tasks of a set are sealed: kept away from everyday boards, so that one last look at them is a fresh one.

The choice goes by what the tasks say alone. The order of a file, its name and its ids change nothing, and two people
who seal the same set seal the same tasks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.codec import digest, sample_digest
from harness.errors import UsageError
from harness.locale import tr
from harness.types import Sample

DEFAULT_SHARE = 0.5
FEWEST = 10
"""Independent tasks that each part needs at least: with fewer hardly any difference shows."""

_KEY = "seal.v1"
_DIGITS = 13  # of a digest, which a float holds exactly


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The parts of a set by content (see `harness.codec.sample_digest`), each sorted; equal tasks are in one part."""

    sealed: tuple[str, ...]
    opened: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """Tasks that stay together, by content: one, its copies, its cluster. ``size`` counts copies."""

    items: tuple[str, ...]
    size: int
    tags: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.items[0]


def split_samples(task: str, samples: Sequence[Sample], share: float = DEFAULT_SHARE) -> Split:
    """Return a split of a task set in which about ``share`` (between 0 and 1) of the tasks are sealed.

    Each tag has about the same share in both parts. Tasks of one cluster, and tasks that say the same, stay together.

    Raises:
        UsageError: a share that is none, or a part that would be too small to show anything.

    >>> samples = [Sample(id=str(n), inputs={"input": f"{n} + 1 = ?"}, tags=("odd" if n % 2 else "even",))
    ...            for n in range(40)]
    >>> split = split_samples("sums", samples)
    >>> len(split.sealed), split == split_samples("renamed", samples[::-1])
    (20, True)
    """
    if not 0 < share < 1:
        raise UsageError(
            tr("A sealed share of {share:g} leaves one part empty.", share=share),
            hint=tr("Give a share between 0 and 1, such as 0.5."),
        )
    units = _units(samples)
    places = _places(units)
    wanted, taken = share * sum(unit.size for unit in units), 0
    sealed: list[_Unit] = []
    for unit in sorted(units, key=lambda unit: (places[unit.key], unit.key)):
        if taken + unit.size / 2 > wanted:
            break
        sealed.append(unit)
        taken += unit.size
    n_open = len(units) - len(sealed)
    if min(len(sealed), n_open) < FEWEST:
        raise UsageError(
            tr(
                "Task set {task!r} is too small to seal {share:g} of it: of its {n} independent tasks {n_sealed} would "
                "be sealed and {n_open} stay open, and each part needs {fewest}.",
                task=task,
                share=share,
                n=len(units),
                n_sealed=len(sealed),
                n_open=n_open,
                fewest=FEWEST,
            ),
            hint=tr("Use more tasks, another share, or a second task set for the claim."),
        )
    inside = {item for unit in sealed for item in unit.items}
    outside = {item for unit in units for item in unit.items} - inside
    return Split(sealed=tuple(sorted(inside)), opened=tuple(sorted(outside)))


def _units(samples: Sequence[Sample]) -> list[_Unit]:
    """Return what must not be torn apart, whatever the order of the samples."""
    named = [(sample_digest(sample), sample) for sample in samples]
    owner: dict[str, str] = {}

    def root(name: str) -> str:
        while owner.setdefault(name, name) != name:
            name = owner[name]
        return name

    for item, sample in named:
        first = root(item)
        if sample.cluster is not None:
            owner[first] = root(f"cluster {sample.cluster}")
    found: dict[str, list[tuple[str, Sample]]] = {}
    for item, sample in named:
        found.setdefault(root(item), []).append((item, sample))
    units = []
    for members in found.values():
        items = tuple(sorted({item for item, _ in members}))
        tags = min(tuple(sorted(sample.tags)) for item, sample in members if item == items[0])
        units.append(_Unit(items=items, size=len(members), tags=tags))
    return units


def _places(units: Sequence[_Unit]) -> dict[str, float]:
    """Return where each unit lies between 0 and 1 within those of its tags: any share of 0 to 1 cuts all alike.

    Systematic sampling: evenly spaced in an order that looks random, from a start that differs between tags.
    """
    strata: dict[tuple[str, ...], list[_Unit]] = {}
    for unit in units:
        strata.setdefault(unit.tags, []).append(unit)
    places: dict[str, float] = {}
    for tags, members in strata.items():
        total, before, start = sum(unit.size for unit in members), 0, _uniform(["tags", *tags])
        for unit in sorted(members, key=lambda unit: _uniform([unit.key])):
            places[unit.key] = (before + start * unit.size) / total
            before += unit.size
    return places


def _uniform(value: Sequence[str]) -> float:
    """Return a number between 0 and 1 that looks random, the same for equal values."""
    return int(digest([_KEY, *value])[:_DIGITS], 16) / float(16**_DIGITS)
