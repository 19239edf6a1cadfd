"""What is declared before looking: read from options, joined with what a run has on record."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from harness.analysis.primary import primary_of
from harness.analysis.verdict import margin_on
from harness.engine.looks import Looks
from harness.engine.plan import PlannedJudge
from harness.errors import UnknownNameError, UsageError
from harness.locale import Text, tr
from harness.specs import Config
from harness.types import Declaration, Estimand

PANEL = "panel:"
"""What the names of panels begin with."""
_FIELDS = tuple(field.name for field in fields(Declaration) if field.name != "late")


def declaration(config: Config, **options: Any) -> Declaration:  # noqa: ANN401 - click's values, or a caller's
    """Return what is declared for an evaluation: each option, else what the ``[eval]`` table says.

    >>> declaration(Config(), margin=0.2).margin
    0.2
    """
    table = asdict(config.eval)
    return Declaration(**{name: table[name] if options.get(name) is None else options[name] for name in _FIELDS})


def asked_declaration(**options: Any) -> Declaration:  # noqa: ANN401 - as above
    """Return what options alone declare: for a run that exists, which keeps what it was made with."""
    return declaration(Config(), **options)


def check_declared(asked: Declaration, judges: Sequence[PlannedJudge], tasks: Sequence[str]) -> None:
    """Refuse a primary judge or task set that is not there, and a margin that makes all rows equal.

    Raises:
        UnknownNameError: the run has no judge, or no task set, of this name.
        UsageError: the margin is as wide as the scale of the primary judge.
    """
    names = list(dict.fromkeys(judge.name for judge in judges))
    if asked.primary is not None and asked.primary not in names:
        raise UnknownNameError(tr("judge in this run"), asked.primary, names)
    if asked.primary_task is not None and asked.primary_task not in tasks:
        raise UnknownNameError(tr("task set in this run"), asked.primary_task, tasks)
    check_margin(asked, judges, tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the verdicts of an evaluation will rest on: the primary judge, the margin in its points, and the estimand.

    ``task``: the task set that they are about, None: each.
    """

    judge: str
    task: str | None
    margin: float
    estimand: Estimand

    @property
    def sentence(self) -> Text:
        """The claims in words."""
        about = tr("about exactly these tasks") if self.estimand == "these" else tr("about new tasks like these")
        return tr(
            "Declared before looking: verdicts by {judge}, {about}; within ±{margin:g} points rows count as equal.",
            judge=self.judge,
            about=about,
            margin=self.margin,
        )


def claims_of(declared: Declaration, judges: Sequence[PlannedJudge], tasks: Sequence[str]) -> Claims | None:
    """Return what verdicts will rest on, with the defaults where nothing was declared; None without judges."""
    primary = primary_of(declared, judges, tasks)
    scale = next((judge.scale for judge in judges if primary is not None and judge.name == primary.judge), None)
    if primary is None or scale is None:
        return None
    return Claims(
        judge=primary.judge,
        task=primary.task,
        margin=margin_on(scale, declared.margin, scale),
        estimand=declared.estimand or "new",
    )


def check_margin(declared: Declaration, judges: Sequence[PlannedJudge], tasks: Sequence[str]) -> None:
    """Refuse a margin as wide as the scale of the primary judge: every row would be equal to every other.

    Raises:
        UsageError: the margin is that wide.
    """
    primary = primary_of(declared, judges, tasks)
    scale = next((judge.scale for judge in judges if primary is not None and judge.name == primary.judge), None)
    if declared.margin is not None and scale is not None and declared.margin >= scale.high - scale.low:
        raise UsageError(
            tr("The margin is {margin:g}, and the whole scale of {judge!r} is {scale}.",
               margin=declared.margin, judge=primary.judge if primary else "", scale=str(scale)),
            hint=tr("Declare less than {width:g} points.", width=scale.high - scale.low),
        )  # fmt: skip


def check_estimand(
    declared: Declaration, judges: Sequence[PlannedJudge], tasks: Sequence[str], *, looks: Looks | None = None
) -> None:
    """Refuse a claim about exactly these tasks where what it rests on is about new ones: a panel, or planned looks.

    Raises:
        UsageError: verdicts about exactly these tasks would come from a panel, or from boards that were looked at.
    """
    if declared.estimand != "these":
        return
    primary = primary_of(declared, judges, tasks)
    if primary is not None and primary.judge.startswith(PANEL):
        raise UsageError(
            tr("--estimand these has no interval for {judge}: a panel's error is how judges differ on new tasks.",
               judge=primary.judge),
            hint=tr("Name one judge for the verdicts with --primary, or leave --estimand out."),
        )  # fmt: skip
    if looks is not None and looks.kind != "grown":
        raise UsageError(
            tr("--estimand these does not go with {option}: a look stops where new tasks would say the same, and of "
               "exactly these tasks all count.", option="--halving" if looks.kind == "halving" else "--looks"),
            hint=tr("Leave one of them out."),
        )  # fmt: skip


def declared_on(before: Declaration | None, asked: Declaration, *, new_judges: Collection[str] = ()) -> Declaration:
    """Return what holds for a run that had ``before`` when its figures were made (None: it has none yet).

    What is not asked stays. What is asked otherwise holds from now on and counts as late, with what held before
    looking; going back to that makes it none. A primary judge among ``new_judges``, whose scores nobody has seen, is
    not late.

    >>> first = Declaration(margin=0.3)
    >>> dict(declared_on(first, Declaration(margin=0.5)).late)
    {'margin': 0.3}
    >>> declared_on(declared_on(first, Declaration(margin=0.5)), Declaration(margin=0.3)) == first
    True
    """
    if before is None:
        return asked
    late, changed = dict(before.late), {}
    wanted, known = asdict(asked), asdict(before)
    for name in _FIELDS:
        now, then = wanted[name], known[name]
        if now is None or now == then:
            continue
        changed[name] = now
        if name in late and late[name] == now:
            del late[name]
        elif not (name == "primary" and now in new_judges):
            late.setdefault(name, then)
    return replace(before, **changed, late=late)
