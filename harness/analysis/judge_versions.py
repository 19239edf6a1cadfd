"""What was made of the scores of several versions of one judge: held apart, or put on one scale. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.stats.equating import Equating
from harness.types import RowKey, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """How scores of one version of a judge are put on the scale of another.

    ``old``: the version whose scale holds · ``new``: the one whose scores are equated · ``other``: by the other method,
    None where it does not work.
    """

    old: str
    new: str
    equating: Equating
    other: Equating | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSplit:
    """What a table holds where several versions of its judge gave scores.

    ``shown``: the version whose scale it is on · ``counts``: scores by version, as they were given · ``held``: scores
    held apart, by row · ``equated``: which cells hold equated scores, ``given``: all as they were given, shapes as the
    table's cells, and ``swap`` how; None where none are · ``scale``: the judge's own, which equated scores may leave.
    """

    shown: str
    counts: Mapping[str, int]
    held: Mapping[RowKey, int]
    scale: Scale
    equated: npt.NDArray[np.bool_] | None = None
    given: npt.NDArray[np.float64] | None = None
    swap: Swap | None = None

    @property
    def n_held(self) -> int:
        """How many scores are held apart."""
        return sum(self.held.values())

    def of_tasks(self, kept: npt.NDArray[np.bool_]) -> "VersionSplit":
        """Return the same for some of the tasks."""
        return replace(
            self,
            equated=None if self.equated is None else self.equated[:, kept],
            given=None if self.given is None else self.given[:, kept],
        )

    def n_equated(self, row: int) -> int:
        """How many scores of a row, by its place, are equated."""
        return 0 if self.equated is None else int(self.equated[row].sum())
