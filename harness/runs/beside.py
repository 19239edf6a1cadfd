"""Judges that are to join a run, opened under names that the run has not given away."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness import plugins
from harness.codec import digest
from harness.engine.job import planned_judge
from harness.errors import SameJudgeError
from harness.locale import tr
from harness.notices import Notice
from harness.protocols import Judge, Ratings
from harness.runs.assemble import open_judges
from harness.runs.run import Run
from harness.runs.version_anchors import kept_like
from harness.types import JudgeSpec


def open_beside(
    stored: Run, specs: Sequence[JudgeSpec], *, tell: Callable[[str], None]
) -> tuple[tuple[Judge, ...], tuple[Notice, ...]]:
    """Return the judges of all specs, each under a name that no other judge of the run has, with their notices.

    ``tell`` hears of each that gets another name than it was typed with.

    Raises:
        SameJudgeError: the run has one of them under another name.
        HarnessError: a judge cannot be opened, or can judge nothing here.
    """
    if not specs:
        return (), ()
    rows = list(dict.fromkeys((request.model, request.prompt) for request in stored.requests))
    named = []
    for spec in specs:
        opened, _ = open_judges([spec], stored.tasks, rows)
        name = _free_name(stored, spec, opened[0])
        if name != spec.text:
            tell(
                tr(
                    "Note: this run has a judge {text!r} with another rubric or other settings; the new one is named "
                    "{name!r}.",
                    text=spec.text,
                    name=name,
                )
            )
        named.append(replace(spec, text=name))
    opened_now, notices = open_judges(named, stored.tasks, rows)
    had = {known.name: known for known in stored.judges}
    judges = tuple((kept_like(judge, had[judge.name]) or judge) if judge.name in had else judge for judge in opened_now)
    for judge in judges:
        _refuse_twice(stored, judge)
    return judges, notices


def _refuse_twice(stored: Run, judge: Judge) -> None:
    """Refuse a judge that the run has under another name: its verdicts would seem to agree with themselves."""
    identity = plugins.identity(judge)
    for known in stored.judges:
        if known.fingerprint == identity and known.name != judge.name:
            raise SameJudgeError(
                tr(
                    "The run {name!r} has the judge {name_2!r} already, as {name_3!r}.",
                    name=stored.name,
                    name_2=judge.name,
                    name_3=known.name,
                ),
                hint=tr("Leave it out. To see how far it agrees with itself: --judge-repeats 2."),
            )


def _free_name(stored: Run, spec: JudgeSpec, judge: Judge) -> str:
    """Return the name under which the run has this very judge, or one that is free; ratings replace those before."""
    if judge.name != spec.text or isinstance(judge, Ratings) or planned_judge(judge).kind != "quality":
        return spec.text
    if any(kept_like(judge, known) is not None for known in stored.judges if known.name == spec.text):
        return spec.text
    identity = plugins.identity(judge)
    had = {known.name: known.fingerprint for known in stored.judges}
    variant = plugins.judge_info(judge).variant
    suffixes = [variant] if variant else []
    names = [spec.text, *(f"{spec.text} ({suffix})" for suffix in [*suffixes, digest(identity)[:8]])]
    same = [name for name in names if had.get(name) == identity]
    return next(iter([*same, *(name for name in names if name not in had)]))
