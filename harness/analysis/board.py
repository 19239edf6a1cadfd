"""A board: every figure of one judge on one task set, as reports show them and the statistics have made them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.analysis.judge_versions import VersionSplit
from harness.analysis.looks import BoardLooks
from harness.analysis.panel import Member, PanelDifference
from harness.analysis.row_gaps import TagRow
from harness.analysis.tried import BoardLedger, TriedRow
from harness.analysis.verdict import ComparisonVerdict
from harness.engine.plan import PlannedJudge
from harness.locale import tr
from harness.stats import (
    BestOf,
    BoardPlan,
    DesignOption,
    PairedComparison,
    RankSet,
    RepeatPlan,
    VarianceComponents,
    WorstCase,
)
from harness.types import Estimate, RowKey
from harness.unscored import Unscored


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One line of a board: a model under a prompt, scored by one judge on one task.

    ``rank``: the ranks that it may hold, None without a score. ``length_stop_rate``: the share of its answers that were
    cut at the length limit, None if unknown. ``reasons``: why verdicts are missing, with their number. ``components``:
    where its noise comes from, None without repeats.

    ``comparable``: what it would average over all tasks, going by the tasks that rows have in common (see
    `harness.stats.comparable_means`); its mean if it lacks no score, None if no task links it to the baseline's row.
    Rows are ordered by it. ``n_partly``: tasks that lack some of their repeats. ``worst_case``: what its mean over all
    tasks could be. ``has_gaps``: it lacks scores, and that matters on this board. ``n_not_asked``: tasks that it was
    not asked since a look had settled its comparison; they are no gaps, and nothing above counts them.
    """

    key: RowKey
    estimate: Estimate
    rank: RankSet | None
    length_stop_rate: float | None
    reasons: Mapping[Unscored, int]
    tags: tuple[TagRow, ...]
    components: VarianceComponents | None
    comparable: float | None
    n_partly: int
    worst_case: WorstCase
    has_gaps: bool
    n_not_asked: int = 0

    @property
    def not_asked(self) -> Mapping[Unscored, int]:
        """Why it was not asked some tasks, with their number: apart from ``reasons``, for nothing is missing there."""
        said = Unscored("not_asked", tr("not asked: a look had settled the comparison"))
        return {said: self.n_not_asked} if self.n_not_asked else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One candidate against one baseline: every figure of the paired comparison, and what it shows.

    ``panel``: what its members say, where the judge is a panel · ``tried``: the candidate in the ledger ·
    ``p_ledger``: its p-value over every try on these tasks · ``corrected``: the result with figures over every try,
    None where there were no earlier ones.
    """

    baseline: RowKey
    candidate: RowKey
    result: PairedComparison
    verdict: ComparisonVerdict
    panel: PanelDifference | None = None
    tried: TriedRow | None = None
    p_ledger: float | None = None
    corrected: PairedComparison | None = None

    @property
    def is_over_tries(self) -> bool:
        """Whether earlier tries are corrected for."""
        return self.corrected is not None

    @property
    def shown(self) -> PairedComparison:
        """The comparison as it is shown: p_adjusted and simultaneous over every try, if there were earlier ones."""
        return self.corrected or self.result


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatAdvice:
    """Where the noise of one comparison (of one row, if ``baseline`` is None) comes from, and what to buy next.

    ``purchases``: ways to spend as much again as the run cost, best first. ``plans``: what given gains need.
    """

    candidate: RowKey
    baseline: RowKey | None
    components: VarianceComponents
    purchases: tuple[DesignOption, ...]
    plans: tuple[RepeatPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BestCheckpoint:
    """The best of a training's checkpoints under one prompt.

    ``over``: the row from which naive and honest value are differences; None: they are means.
    """

    training: str
    row: RowKey
    over: RowKey | None
    best: BestOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All rows of one judge on one task, best first. Scores of different judges never meet in one board.

    ``comparisons`` are the declared family, ``family_method`` how it was corrected; ``plan`` is what this many tasks
    can tell apart, given the median spread of the family's differences; ``repeats``: what repeats teach, where there
    are any. ``unlike_gaps``: rows lack scores on unlike tasks, so that their own means are not comparable.
    ``is_primary``: verdicts come from this board; what others say is exploratory. ``members``: the judges of a panel.
    ``ledger``: what was tried on its tasks, None if that is not on record. ``looks``: how often it was looked at on the
    way. ``split``: what was made of scores of several versions of the judge, None where there is one. ``best``: the
    best checkpoint of each training that has several here.
    """

    task: str
    judge: PlannedJudge
    n_samples: int
    rows: tuple[BoardRow, ...]
    comparisons: tuple[Comparison, ...]
    family_method: str
    plan: BoardPlan
    repeats: RepeatAdvice | None
    unlike_gaps: bool
    cautions: tuple[str, ...]
    margin: float
    is_primary: bool
    is_fixed: bool = False
    is_about_these: bool = False
    members: tuple[Member, ...] = ()
    ledger: BoardLedger | None = None
    looks: BoardLooks | None = None
    split: VersionSplit | None = None
    best: tuple[BestCheckpoint, ...] = ()

    @property
    def has_gaps(self) -> bool:
        """Whether any row lacks scores in a way that matters."""
        return any(row.has_gaps for row in self.rows)

    @property
    def has_stops(self) -> bool:
        """Whether a look stopped any row, so that rows have means of unlike tasks."""
        return any(row.n_not_asked for row in self.rows)

    def comparison_of(self, row: RowKey) -> Comparison | None:
        """Return the comparison in which ``row`` is the only candidate, if the family has one."""
        found = [comparison for comparison in self.comparisons if comparison.candidate == row]
        return found[0] if len(found) == 1 else None

    def against_baseline(self, row: RowKey) -> PairedComparison | None:
        """Return the figures of `comparison_of` a row, as they are shown."""
        found = self.comparison_of(row)
        return None if found is None else found.shown
