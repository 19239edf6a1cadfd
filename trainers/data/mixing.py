"""Several sources of samples in stated shares: which samples are taken, decided by the seed and by their texts.

Nothing is taken twice unless a size is asked for that a source does not have. Conversations stay whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from harness.codec import digest
from harness.errors import TrainingDataError, UsageError
from harness.locale import Text, listing, tr
from trainers.adapter.training_record import DataFile
from trainers.data.examples import HUB, Example, files_of
from trainers.data.sources import DataSource
from trainers.encoding import Encoded
from trainers.items import items_of

_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """The samples taken. ``times``: by where a sample stands, how often it is learnt in an epoch, if not once."""

    examples: tuple[Example, ...]
    files: tuple[DataFile, ...]
    times: Mapping[str, float]

    @property
    def remarks(self) -> list[Text]:
        """What is learnt more than once, for people."""
        return [
            tr(
                "{name}: {taken:,} samples for a larger share: each is learnt {times:.2f} times an epoch",
                name=file.name,
                taken=file.taken,
                times=file.times,
            )
            for file in self.files
            if file.times > 1
        ]


def mix(
    examples: Sequence[Example],
    files: Sequence[DataFile],
    sources: Sequence[DataSource],
    *,
    each: int,
    seed: int,
    total: int = 0,
) -> Mixture:
    """Return what is taken of examples that stand in the order of ``files``, and these in that of ``sources``.

    With shares, the mixture is as large as it can be without taking a sample twice, or has ``total`` samples; then
    those of a source that has too few are learnt several times. Which ones depends on ``seed`` and their texts alone.
    ``each``: how many examples make up a sample.

    Raises:
        UsageError: a total without shares.
        TrainingDataError: a share comes to no sample.
    """
    if total and sources[0].share is None:
        raise UsageError(
            tr("mixture_samples is for data with shares, and none has one."),
            hint=tr("For example: --data a.json:0.7 --data b.json:0.3"),
        )
    remaining = iter(examples)
    parts = [list(islice(remaining, each * (file.rows - file.bad - file.refused))) for file in files]
    if all(source.share is None and source.cap is None for source in sources):
        return Mixture(examples=tuple(examples), files=tuple(files), times={})
    names = iter(range(len(files)))
    of_source = [list(islice(names, _file_count(source))) for source in sources]
    there = [sum(len(parts[name]) for name in own) // each for own in of_source]
    most = [min(count, source.cap or count) for count, source in zip(there, sources, strict=True)]
    wanted = _wanted(most, sources, total)
    taken: set[str] = set()
    times: dict[str, float] = {}
    noted = list(files)
    for source, own, count, want in zip(sources, of_source, most, wanted, strict=True):
        chosen = _chosen([one for name in own for one in parts[name]], min(count, want) * each, seed)
        taken |= chosen
        often = want / count if want > count else 1.0
        times |= dict.fromkeys(chosen, often) if often > 1 else {}
        for name in own:
            here = sum(one.where in chosen for one in parts[name]) // each
            noted[name] = replace(files[name], share=source.share, cap=source.cap, taken=here, times=round(often, 4))
    kept = tuple(example for example in examples if example.where in taken)
    return Mixture(examples=kept, files=tuple(noted), times=times)


def _file_count(source: DataSource) -> int:
    return 1 if source.path.startswith(HUB) else len(files_of(source.path))


def _wanted(most: Sequence[int], sources: Sequence[DataSource], total: int) -> list[int]:
    shares = [source.share for source in sources if source.share is not None]
    if not shares:
        return list(most)
    size = total or int(min(count / share for count, share in zip(most, shares, strict=True)) + _ROUNDING)
    wanted = [round(share * size) for share in shares]
    for source, count, want in zip(sources, most, wanted, strict=True):
        if not want or not count:
            raise TrainingDataError(
                tr("The share of {path} comes to no sample ({there:,} usable).", path=source.path, there=count),
                hint=tr("Leave it out, give it a larger share, or ask for more: --set mixture_samples=N"),
            )
    return wanted


def _chosen(examples: Sequence[Example], count: int, seed: int) -> set[str]:
    """Return where ``count`` of the examples stand, those of one conversation together; fewer where none fits."""
    groups: dict[str, list[str]] = {}
    for example in examples:
        groups.setdefault(example.opening, []).append(example.where)
    chosen: set[str] = set()
    for opening in sorted(groups, key=lambda opening: digest([seed, "mixture", opening])):
        if len(groups[opening]) <= count:
            chosen.update(groups[opening])  # both answers of a pair stand in one place
            count -= len(groups[opening])
    return chosen


def repeated(samples: Sequence[Encoded], times: Mapping[str, float], *, each: int, seed: int) -> tuple[Encoded, ...]:
    """Return samples with those that are to be learnt several times again behind them, whole items at a time."""
    again: dict[float, list[tuple[Encoded, ...]]] = {}
    for item in items_of(samples, each):
        if (often := times.get(item[0].where, 1.0)) > 1:
            again.setdefault(often, []).append(item)
    found = list(samples)
    for often, items in again.items():
        left = round(len(items) * often) - len(items)
        order = sorted(items, key=lambda item: digest([seed, "again", item[0].where]))
        for start in range(0, left, len(order)):
            found += [sample for item in order[: left - start] for sample in item]
    return tuple(found)


def said_of_mixture(files: Sequence[DataFile]) -> Text | None:
    """Return the mixture in one line, None where all was taken."""
    taken = [file for file in files if file.taken is not None]
    if not taken:
        return None
    parts = []
    for file in taken:
        part = tr("{name}: {taken:,} of {n:,}", name=file.name, taken=file.taken, n=file.rows - file.bad - file.refused)
        parts.append(part if file.share is None else tr("{part} ({share:.1%})", part=part, share=file.share))
    return tr("Mixture: {parts}", parts=listing(parts))
