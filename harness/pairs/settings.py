"""What ``[judges.pairwise]`` of harness.toml may say."""

from dataclasses import dataclass

OF_THE_JUDGE = "of the judge"
"""Under this key the settings of a judge of pairs hold those of the judge that it is made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSettings:
    """The table ``[judges.pairwise]``.

    Attributes:
        rubric: a rubric for pairs, by its name or path; unset takes pair.v1, or ``--rubric`` if it is for pairs.
        pairs: which answers meet: "baseline", "all", or "anchors:RUN" or "anchors:FILE"; ``--pairs`` wins over it.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - pydantic's
    rubric: str | None = None
    pairs: str | None = None
