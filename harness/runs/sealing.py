"""Which tasks an evaluation sees: of a sealed set the open part, or, for the final claim, the sealed one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.codec import digest, sample_digest
from harness.engine.plan import task_hash
from harness.errors import UsageError
from harness.ledger import Ledger, Seal, item_keys, task_set
from harness.locale import tr, trn
from harness.notices import Notice
from harness.runs.assemble import Evaluation
from harness.store.ledger import add_seal, read_ledger
from harness.store.mirror import read_mirrored_ledger
from harness.store.store import Store
from harness.tasks.seal import split_samples
from harness.types import Sample

OPEN, SEALED = "open", "sealed"


class Sealing:
    """Decides for one evaluation which tasks of each set it sees, and remembers what is to be written and said."""

    def __init__(
        self, ledger: Ledger, *, date: str, shares: Mapping[str, float], opens: bool = False, limit: int | None = None
    ) -> None:
        """``shares``: how much to seal of each set that is to be sealed, by its name; ``limit``: as asked for.

        ``opens``: whether the sealed parts are judged instead of the open ones.
        """
        self.ledger = ledger
        self.date = date
        self.shares = shares
        self.opens = opens
        self.limit = limit
        self.new: list[tuple[Sequence[Sample], Seal]] = []
        self.notices: list[Notice] = []
        self.parts: dict[str, dict[str, Any]] = {}

    def choose(self, task: str, samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        """Return the tasks of a set that the evaluation sees, in their order.

        Raises:
            UsageError: there is nothing to open or nothing left, or the set is too small to be sealed.
        """
        seals = self._seals_of(samples)
        if self.opens:
            return self._opened(task, samples, seals)
        if seals:
            return self._left_open(task, samples, seals)
        if task in self.shares:
            return self._sealed_now(task, samples, self.shares[task])
        return samples

    def noted(self, evaluation: Evaluation) -> Evaluation:
        """Return an evaluation with what is to be said of seals.

        Raises:
            UsageError: sealed tasks were to be opened without a candidate and a baseline.
        """
        rows = {(request.model, request.prompt) for request in evaluation.job.requests}
        if self.opens and len(rows) < 2:  # noqa: PLR2004 - a candidate and its baseline
            raise UsageError(
                tr("--open-seal compares a declared candidate with its baseline, and only one model was given."),
                hint=tr("Name both: --model base --model tuned=adapter:DIR"),
            )
        return replace(evaluation, notices=(*evaluation.notices, *self.notices), seals=dict(self.parts))

    def write(self, store: Store) -> None:
        """Write the seals that are new.

        Raises:
            StoreError: the store cannot be written.
            UsageError: another process sealed the set meanwhile, and otherwise.
        """
        for samples, seal in self.new:
            inside = {*seal.sealed}
            kept = [sample for sample in samples if sample_digest(sample) in inside]
            store.save_samples(sealed_plan(seal), {seal.name: kept})
            if add_seal(store, task_set(seal.name, samples, seal.date), seal).sealed != seal.sealed:
                raise UsageError(
                    tr("Another command sealed task set {name!r} meanwhile, with another share.", name=seal.name),
                    hint=tr("Run the same command again without --seal."),
                )

    def _seals_of(self, samples: Sequence[Sample]) -> list[Seal]:
        contents = {sample_digest(sample) for sample in samples}
        return [seal for seal in self.ledger.seals if contents & {*seal.sealed}]

    def _sealed_now(self, task: str, samples: tuple[Sample, ...], share: float) -> tuple[Sample, ...]:
        split = split_samples(task, samples, share)
        whole = task_set(task, samples, self.date)
        tried = len(self.ledger.tried(self.ledger.related(whole.items)))
        seal = Seal(
            taskset=whole.digest,
            name=task,
            date=self.date,
            share=share,
            sealed=split.sealed,
            opened=split.opened,
            tries_before=tried,
        )
        self.new.append((samples, seal))
        inside = {*split.sealed}
        left = tuple(sample for sample in samples if sample_digest(sample) not in inside)
        self.parts[task] = {"part": OPEN, "share": share}
        self.notices.append(
            Notice(
                "sealed_now",
                tr(
                    "Task set {task!r} is sealed from now on: {n_sealed} of its {n} tasks are kept for the final claim "
                    "(--open-seal), and every other board in this store uses the {n_open} open ones.",
                    task=task,
                    n_sealed=len(samples) - len(left),
                    n=len(samples),
                    n_open=len(left),
                ),
            )
        )
        if tried:
            self.notices.append(_seen_before(task, tried))
        return left

    def _left_open(self, task: str, samples: tuple[Sample, ...], seals: Sequence[Seal]) -> tuple[Sample, ...]:
        inside = {item for seal in seals for item in seal.sealed}
        left = tuple(sample for sample in samples if sample_digest(sample) not in inside)
        if not left:
            raise UsageError(
                tr("All {n} tasks of {task!r} are sealed since {date}.", n=len(samples), task=task, date=_day(seals)),
                hint=tr("Use the whole set: its open tasks are taken. The final claim: --open-seal."),
            )
        self.parts[task] = {"part": OPEN, "share": seals[0].share}
        self.notices.append(
            Notice(
                "sealed_left_out",
                tr(
                    "Task set {task!r} is sealed since {date}: this board uses its {n_open} open tasks, and {n_sealed} "
                    "are kept for the final claim (--open-seal).",
                    task=task,
                    date=_day(seals),
                    n_open=len(left),
                    n_sealed=len(samples) - len(left),
                ),
            )
        )
        asked = self.shares.get(task)
        if asked is not None and asked != seals[0].share:
            self.notices.append(
                Notice(
                    "sealed_share_kept",
                    tr(
                        "Task set {task!r} was sealed with a share of {share:g}, and a set is sealed once: {asked:g} "
                        "changes nothing.",
                        task=task,
                        share=seals[0].share,
                        asked=asked,
                    ),
                )
            )
        return left

    def _opened(self, task: str, samples: tuple[Sample, ...], seals: Sequence[Seal]) -> tuple[Sample, ...]:
        if not seals:
            raise UsageError(
                tr("Task set {task!r} is not sealed in this store: there is nothing to open.", task=task),
                hint=tr("Seal it first, before you try adapters on it: harness eval --seal …"),
            )
        if self.limit is not None:
            raise UsageError(
                tr("--open-seal judges the sealed tasks as a whole, so it takes no --limit."),
                hint=tr("Leave --limit out."),
            )
        inside = {item for seal in seals for item in seal.sealed}
        opened = tuple(sample for sample in samples if sample_digest(sample) in inside)
        self.parts[task] = {"part": SEALED, "share": seals[0].share}
        self.notices.append(
            Notice(
                "seal_opened",
                tr(
                    "This is the claim: the {n} tasks of {task!r} that were sealed on {date} are judged for the "
                    "declared candidates. Every opening is counted and corrected over.",
                    n=len(opened),
                    task=task,
                    date=_day(seals),
                ),
            )
        )
        if before := max(seal.tries_before for seal in seals):
            self.notices.append(_seen_before(task, before))
        missing = len(inside) - len(set(item_keys(opened)) & inside)
        if missing:
            self.notices.append(
                Notice(
                    "seal_tasks_missing",
                    trn(
                        "{n} sealed task of {task!r} is not in this file.",
                        "{n} sealed tasks of {task!r} are not in this file.",
                        missing,
                        task=task,
                    ),
                )
            )
        return opened


def read_sealing(
    url: str,
    *,
    date: str,
    mirror: str | None = None,
    shares: Mapping[str, float] | None = None,
    opens: bool = False,
    limit: int | None = None,
) -> Sealing:
    """Return how an evaluation with this store chooses tasks; nothing is made or written.

    ``mirror``: the folder that keeps a copy of the store, whose seals hold too.

    Raises:
        StoreError: the store cannot be read.
    """
    ledger = read_mirrored_ledger(url, mirror)
    return Sealing(ledger, date=date, shares=shares or {}, opens=opens, limit=limit)


def sealed_plan(seal: Seal) -> str:
    """Return the name under which the tasks of a seal are stored, so that training data that hold them are found.

    It says which tasks they are: of two commands that seal one set otherwise, each writes its own.
    """
    return f"seal/{digest([seal.taskset, seal.sealed])}"


def sealed_samples(store: Store) -> dict[str, tuple[Sample, ...]]:
    """Return the sealed tasks of each set that a store knows; those that an earlier version sealed are not kept.

    Raises:
        StoreError: the store cannot be read.
    """
    found: dict[str, tuple[Sample, ...]] = {}
    for seal in read_ledger(store).seals:
        for samples in store.load_samples(sealed_plan(seal)).values():
            found[seal.name] = (*found.get(seal.name, ()), *samples)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBefore:
    """Chooses as a run did: ``tasks`` are its hashes, ``seals`` its parts and shares, by the name of the task set."""

    tasks: Mapping[str, str]
    seals: Mapping[str, Mapping[str, Any]]
    limit: int | None

    def choose(self, task: str, samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        """Return the tasks that the run saw, or all if they are not as they were."""
        if task not in self.seals or task_hash(samples[: self.limit]) == self.tasks.get(task):
            return samples
        try:
            inside = {*split_samples(task, samples, float(self.seals[task]["share"])).sealed}
        except (UsageError, KeyError, TypeError, ValueError):
            return samples
        is_sealed = self.seals[task].get("part") == SEALED
        return tuple(sample for sample in samples if (sample_digest(sample) in inside) is is_sealed)


def _seen_before(task: str, tries: int) -> Notice:
    return Notice(
        "seal_seen_before",
        trn(
            "{n} candidate had been tried on all tasks of {task!r} before it was sealed: the sealed tasks are not "
            "fresh for what was learnt from it.",
            "{n} candidates had been tried on all tasks of {task!r} before it was sealed: the sealed tasks are not "
            "fresh for what was learnt from them.",
            tries,
            task=task,
        ),
    )


def _day(seals: Sequence[Seal]) -> str:
    return min(seal.date for seal in seals)[:10]
