"""Which of the judges that were named compare answers, with what they compare; and comparing without a screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness import plugins
from harness.engine.execute import execute
from harness.engine.job import Progress
from harness.errors import HarnessError, UsageError
from harness.human.pair_ratings import holds_pairs, read_pair_ratings
from harness.locale import tr
from harness.pairs.planned import ALL, ANCHORS, BASELINE
from harness.protocols import Judge
from harness.runs.add_pairs import pair_job, people_pairs, planned_pairs, rows_of, with_pairs
from harness.runs.anchors import anchors_of
from harness.runs.pairwise import save_anchors
from harness.runs.provenance import Invocation
from harness.runs.run import Run
from harness.specs import PAIRWISE, Config, parse_judge, split_spec
from harness.store.store import Store
from harness.tables import read_table

PEOPLE = "human"
"""What people's verdicts on pairs go by, as their ratings do."""

FORM = "rules"
"""The judge of a run whose other judges all compare: every run has a board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsAsked:
    """The judges of pairs of a command, with what they compare; ``tables``: files of people's verdicts on pairs."""

    judges: tuple[Judge, ...]
    against: str
    tables: tuple[str, ...] = ()


def split_judges(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the judges of single answers, and those of pairs.

    >>> split_judges(["rules", "pairwise:gemini"])
    (('rules',), ('pairwise:gemini',))
    """
    of_pairs = tuple(name for name in names if is_of_pairs(name))
    return tuple(name for name in names if name not in of_pairs), of_pairs


def is_of_pairs(name: str) -> bool:
    """Return whether a judge as typed compares pairs: ``pairwise:SPEC``, or ``human:FILE`` of verdicts on pairs."""
    return split_spec(name).backend == PAIRWISE or pair_table(name) is not None


def pair_table(name: str) -> str | None:
    """Return the file of ``human:FILE`` if it holds verdicts on pairs, else None."""
    parts = split_spec(name)
    if parts.backend != PEOPLE or not parts.target:
        return None
    try:
        return parts.target if holds_pairs(read_table(parts.target)) else None
    except HarnessError:
        return None  # the judge says what is wrong with it


def open_pairs(names: Sequence[str], flag: str | None, config: Config, *, rubric: str | None) -> PairsAsked | None:
    """Return the judges of pairs, opened; None if there is none. ``flag``: what ``--pairs`` says.

    Raises:
        UsageError: ``--pairs`` says what nobody knows, or stands alone.
        HarnessError: a judge cannot be opened.
    """
    against = flag or config.judges.get(PAIRWISE, {}).get("pairs") or BASELINE
    if not names:
        if flag is not None:
            raise UsageError(
                tr("--pairs is for judges of pairs, and there is none."),
                hint=tr("Add one: --judge pairwise:SPEC, for example pairwise:gemini."),
            )
        return None
    if against not in {BASELINE, ALL} and not against.startswith(f"{ANCHORS}:"):
        raise UsageError(
            tr("--pairs {against!r} is none of baseline, all and anchors:RUN_OR_FILE.", against=against),
            hint=tr("The default compares every model with the baseline."),
        )
    tables = tuple(table for name in names if (table := pair_table(name)) is not None)
    specs = [parse_judge(name, config, rubric=rubric) for name in dict.fromkeys(names) if pair_table(name) is None]
    judges = tuple(plugins.make("judges", spec.name, spec) for spec in specs)
    return PairsAsked(judges=judges, against=against, tables=tables)


def with_compared(
    run: Run,
    *,
    asked: PairsAsked | None,
    store: Store,
    progress: Progress,
    runs: str,
    invocation: Invocation,
    max_cost: float | None = None,
) -> Run:
    """Return a run with what judges of pairs say of its answers, if any are asked; nothing is written but the store.

    Raises:
        HarnessError: nothing meets, or an anchor or a table cannot be read.
    """
    if asked is None:
        return run
    rows, baseline = rows_of(run.requests), run.manifest.baseline
    for path in asked.tables:
        found = read_pair_ratings(read_table(path), run.tasks, rows, baseline=baseline)
        plan = people_pairs(found.ratings, f"{PEOPLE}:{path}", baseline=baseline, invocation=invocation)
        run = with_pairs(run, plan, None, store)
    anchors = anchors_of(asked.against, run.tasks, runs)
    if anchors is not None:
        save_anchors(anchors, store)
    for judge in asked.judges:
        plan = planned_pairs(
            rows, judge, baseline=baseline, against=asked.against, anchors=anchors, invocation=invocation
        )
        outcome = execute(pair_job(run, plan, judge, anchors), store, progress, max_cost=max_cost)
        max_cost = None if max_cost is None else max(0.0, max_cost - outcome.spent)
        run = with_pairs(run, plan, outcome, store)
    return run
