"""Scores of several sets of tasks in one file, each set on a scale of its own: brought to one, as declared."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.errors import UsageError
from harness.human.ratings import number_in, rating_scale
from harness.locale import tr
from harness.tables import Row, Table, id_text, name_text
from harness.types import Scale


def set_scales(given: object, where: str) -> dict[str, Scale]:
    """Return the scales of ``scales = { SET = [LOW, HIGH] }``, by set.

    >>> set_scales({"rakuda": [1, 10]}, "[judges.scores]")["rakuda"].high
    10

    Raises:
        UsageError: something else is there.
    """
    if not isinstance(given, Mapping):
        raise UsageError(
            tr("{where} scales is {given!r}.", where=where, given=given),
            hint=tr("Give the scale of each set: scales = { rakuda = [1, 10] }."),
        )
    return {str(name): rating_scale({"scale": ends}, f"{where} scales.{name}") for name, ends in given.items()}


def on_one_scale(table: Table, scales: Mapping[str, Scale], scale: Scale) -> Table:
    """Return a table whose scores are all on ``scale``: those of a set with a scale of its own are mapped linearly.

    A row is of the set that its ``task`` names, or its task id before the slash. What is off its set's scale is off
    ``scale`` then, and what is no number stays as it is.
    """
    return replace(table, rows=tuple(_mapped(row, scales, scale) for row in table.rows)) if scales else table


def _mapped(row: Row, scales: Mapping[str, Scale], scale: Scale) -> Row:
    own = next((scales[name] for name in _sets(row.values) if name in scales), None)
    score = number_in(row.values.get("score"))
    if own is None or score is None:
        return row
    mapped = scale.low + (score - own.low) * (scale.high - scale.low) / (own.high - own.low)
    return replace(row, values={**row.values, "score": mapped})


def _sets(values: Mapping[str, Any]) -> list[str]:
    task = name_text(values.get("task"))
    given = next((found for name in ("task_id", "id") if (found := id_text(values.get(name)))), "")
    return [name for name in (task, given.partition("/")[0]) if name]
