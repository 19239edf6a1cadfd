"""A run: what was asked, what was answered and what judges said of it, as one frozen value.

What needs statistics, charts or Arrow is behind a lazy door (`EntryPoint.load`): a command that finds everything done
never opens it.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.codec import digest
from harness.engine.pairing import JudgedPairs
from harness.engine.plan import JudgementItem, PlannedJudge, verdict_on
from harness.errors import PlanMismatchError
from harness.locale import tr
from harness.runs.folder import RunFolder
from harness.runs.manifest import SCHEMA, JudgeSwap, Manifest
from harness.runs.provenance import versions
from harness.types import Generation, PlannedTask, Request, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

    from harness.analysis.leaderboard import Leaderboard
    from harness.analysis.scores import ScoreTable
    from harness.stats import Family


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Run:
    """A run with all its rows: nothing is generated, judged or changed by having it.

    ``answers`` is by request key and holds failed answers too. ``items`` are the verdicts that the run asked for, in
    plan order; ``verdicts``, by judgement key, are those that were given. ``verdict`` says what became of an item.
    ``pairwise``: what judges of pairs say, beside all that.
    """

    name: str
    manifest: Manifest
    tasks: tuple[PlannedTask, ...]
    requests: tuple[Request, ...]
    judges: tuple[PlannedJudge, ...]
    answers: Mapping[str, Generation]
    items: tuple[JudgementItem, ...]
    verdicts: Mapping[str, Verdict]
    pairwise: tuple[JudgedPairs, ...] = ()
    _digests: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        tasks = sum(len(task.samples) for task in self.tasks)
        return f"<Run {self.name!r}: {len(self.models)} models, {tasks} tasks, {len(self.judges)} judges>"

    def verdict(self, item: JudgementItem) -> Verdict:
        """Return the verdict on one item, or why there is none."""
        return verdict_on(item, self.verdicts)

    @property
    def models(self) -> tuple[str, ...]:
        """The labels of its models, in plan order."""
        return tuple(dict.fromkeys(request.model for request in self.requests))

    @property
    def scored(self) -> dict[str, int]:
        """How many verdicts have a score, by judge: a store in which there are fewer has lost some."""
        counts = Counter(item.judge for item in self.items if self.verdict(item).status == "scored")
        return {judge.name: counts[judge.name] for judge in self.judges}

    def anchors(self, swap: JudgeSwap) -> list[tuple[JudgementItem, Verdict, Verdict]]:
        """Return the answers that two versions of a judge have scored, each with its first and its second verdict."""
        by_key = {item.key: item for item in self.items if item.judge == swap.judge}
        return [
            (by_key[first], self.verdicts[first], self.verdicts[again])
            for first, again in swap.anchors
            if first in by_key and first in self.verdicts and again in self.verdicts
        ]

    def lost(self, before: Mapping[str, int], judges: Collection[str]) -> dict[str, int]:
        """Return how many scores of ``judges`` the run had by an earlier `scored` and has no more."""
        now = self.scored
        return {
            judge: before[judge] - now.get(judge, 0) for judge in judges if now.get(judge, 0) < before.get(judge, 0)
        }

    @property
    def content(self) -> str:
        """The digest of all that the run's files are made of: equal as long as they need not be written anew."""
        if "content" not in self._digests:  # of tens of thousands of verdicts: made once
            self._digests["content"] = self._content()
        return self._digests["content"]

    def _content(self) -> str:
        verdicts = ((item.key, verdict_on(item, self.verdicts)) for item in self.items)
        asked = self.manifest
        return digest(
            [
                SCHEMA,
                asked.plan,
                asked.baseline,
                asked.confidence,
                versions(),
                [(judge.name, judge.fingerprint, judge.repeats) for judge in self.judges],
                [(key, verdict.status, verdict.score, verdict.reason) for key, verdict in verdicts],
                [asked.own_notices, [joined.notices for joined in asked.joined]],
                asked.ab,
                asked.declared,
                asked.language,
                *([asked.panels] if asked.panels else ()),
                *([asked.ledger] if asked.ledger else ()),
                *([asked.looks] if asked.looks is not None else ()),
                *([(swap, [again.score for _, _, again in self.anchors(swap)]) for swap in asked.swaps]),
                *([asked.trainings] if asked.trainings else ()),
                *([asked.pairs, pair_verdicts(self.pairwise)] if asked.pairs else ()),
            ]
        )

    def tables(self, judges: tuple[str, ...] = ()) -> "list[ScoreTable]":
        """Return the run's score tables, of all judges or of some.

        Raises:
            UnknownNameError: the run has no judge of this name.
        """
        found: list[ScoreTable] = _open("boards:tables_of")(self, judges)
        return found

    def leaderboard(
        self,
        *,
        judge: str | None = None,
        baseline: str | None = None,
        family: "Family" = "baseline",
        judges: tuple[str, ...] = (),
    ) -> "Leaderboard":
        """Return the run's leaderboard, against its own baseline or another of its models.

        ``judge`` is the only judge whose boards are wanted, ``judges`` are several; all if none is named.

        Raises:
            UnknownNameError: the run has no model or judge of this name.
        """
        named = judges if judge is None else (judge,)
        found: Leaderboard = _open("boards:leaderboard_of")(self, baseline=baseline, family=family, judges=named)
        return found

    def scores(self) -> "pa.Table":
        """Return one line for each answer, judge and repeat, as an Arrow table."""
        return _open("export:scores_table")(self)

    def save(self, path: str | Path | RunFolder, *, overwrite: bool = False) -> None:
        """Write the run's files into a folder, unless they are there already.

        Whoever shares the folder with other processes holds its `RunFolder.lock`, and passes it as the path: what it
        holds may then be replaced.

        Raises:
            PlanMismatchError: the folder holds another run, or judges that this one lacks, and ``overwrite`` is false.
            UnwritableError: the folder cannot be written.
        """
        if isinstance(path, RunFolder):
            self._write(path)
            return
        folder = RunFolder("", str(Path(path).expanduser().absolute()))
        if not overwrite:
            self._refuse_losing(folder)
        self._write(folder)

    def _refuse_losing(self, folder: RunFolder) -> None:
        previous = folder.previous()
        if previous is None:
            return
        own = {judge.name for judge in self.judges}
        hint = tr("Save it in another folder, or add overwrite=True.")
        if previous.plan != self.manifest.plan:
            raise PlanMismatchError(
                tr("{path} holds another run, {name!r}.", path=folder.path, name=previous.run), hint=hint
            )
        if lacking := [judge.name for judge in previous.judges if judge.name not in own]:
            raise PlanMismatchError(
                tr(
                    "{path} holds run {name!r} with the judge {judge!r}, which this one lacks.",
                    path=folder.path,
                    name=previous.run,
                    judge=lacking[0],
                ),
                hint=hint,
            )

    def _write(self, folder: RunFolder) -> None:
        previous = folder.previous()
        if (
            previous is None
            or previous.content != self.content
            or not folder.is_complete(has_test=bool(self.manifest.ab))
        ):
            folder.create()
            own = self if self.manifest.store else _open("own_store:with_own_store")(self, folder)
            _open("publish:publish")(own, folder)


def pair_verdicts(pairwise: Sequence[JudgedPairs]) -> list[tuple[str, str, float | None, str | None]]:
    """Return what judges of pairs said, for the digest of a run's content."""
    said = ((item.key, one.verdict(item)) for one in pairwise for item in one.items)
    return [(key, verdict.status, verdict.score, verdict.reason) for key, verdict in said]


def _open(door: str) -> Any:  # noqa: ANN401 - each caller says what stands behind it
    return EntryPoint(name=door, value=f"harness.runs.{door}", group="harness.runs").load()
