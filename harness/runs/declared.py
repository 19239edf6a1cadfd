"""What is declared before looking: read from options, joined with what a run has on record."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from typing import Any

from harness.errors import UnknownNameError
from harness.locale import tr
from harness.specs import Config
from harness.types import Declaration

_FIELDS = tuple(field.name for field in fields(Declaration) if field.name != "late")


def declaration(config: Config, **options: Any) -> Declaration:  # noqa: ANN401 - click's values, or a caller's
    """Return what is declared for an evaluation: each option, else what the ``[eval]`` table says.

    >>> declaration(Config(), margin=0.2).margin
    0.2
    """
    return Declaration(
        **{name: getattr(config.eval, name) if options.get(name) is None else options[name] for name in _FIELDS}
    )


def asked_declaration(**options: Any) -> Declaration:  # noqa: ANN401 - as above
    """Return what options alone declare: for a run that exists, which keeps what it was made with."""
    return declaration(Config(), **options)


def check_declared(asked: Declaration, judges: Sequence[str], tasks: Sequence[str]) -> None:
    """Refuse a primary judge or task set that is not there.

    Raises:
        UnknownNameError: the run has no judge, or no task set, of this name.
    """
    if asked.primary is not None and asked.primary not in judges:
        raise UnknownNameError(tr("judge in this run"), asked.primary, judges)
    if asked.primary_task is not None and asked.primary_task not in tasks:
        raise UnknownNameError(tr("task set in this run"), asked.primary_task, tasks)


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
    for name in _FIELDS:
        now, then = getattr(asked, name), getattr(before, name)
        if now is None or now == then:
            continue
        changed[name] = now
        if name in late and late[name] == now:
            del late[name]
        elif not (name == "primary" and now in new_judges):
            late.setdefault(name, then)
    return replace(before, **changed, late=late)
