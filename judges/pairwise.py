"""The judge ``pairwise:SPEC``: a judge by rubric that compares two answers instead of scoring one.

SPEC is any judge that a model answers for: ``pairwise:gemini:MODEL``, ``pairwise:openai:MODEL``,
``pairwise:local:SPEC``. Its own table gives the settings, and ``[judges.pairwise]`` the rubric, if it is not pair.v1.
"""

from typing import Any, Protocol, runtime_checkable

from harness import plugins
from harness.codec import decode
from harness.errors import UsageError
from harness.locale import tr
from harness.pairs.settings import OF_THE_JUDGE, PairSettings
from harness.protocols import Judge, JudgesPairs
from harness.templates import load_template
from harness.types import JudgeSpec
from judges.rubric.question import shows_pairs


@runtime_checkable
class Compares(Protocol):
    """A judge of single answers that knows how to compare two."""

    def comparing(self, name: str, rubric: str | None) -> Judge:
        """Return the judge of pairs of this name, by a rubric for pairs (None: the usual one)."""


def open_pairwise(spec: JudgeSpec) -> Judge:
    """Return the judge ``pairwise:SPEC``. A rubric for single answers is for the other judges, and left aside.

    Raises:
        UsageError: SPEC is missing, or is a judge that compares nothing.
        HarnessError: SPEC cannot be opened, or the rubric is none for pairs.
    """
    given = dict(spec.settings)
    own: Any = given.pop(OF_THE_JUDGE, {})
    settings = decode(PairSettings, given, where="[judges.pairwise]")
    name, _, option = (spec.option or "").partition(":")
    if not name:
        raise UsageError(
            tr("--judge pairwise names no judge."),
            hint=tr("Write --judge pairwise:SPEC, for example pairwise:gemini or pairwise:local:hf:REPO_OR_DIR."),
        )
    made = plugins.make("judges", name, JudgeSpec(text=f"{name}:{option}" if option else name, name=name,
                                                  option=option or None, settings=own))  # fmt: skip
    if not isinstance(made, Compares) or isinstance(made, JudgesPairs):
        raise UsageError(
            tr("The judge {name!r} cannot compare two answers.", name=name),
            hint=tr("A judge by rubric can: gemini, openai or local."),
        )
    rubric = settings.rubric or (spec.rubric if _is_for_pairs(spec.rubric) else None)
    return made.comparing(spec.text, rubric)


def _is_for_pairs(rubric: str | None) -> bool:
    return rubric is not None and shows_pairs(load_template(rubric, kind="judges"))
