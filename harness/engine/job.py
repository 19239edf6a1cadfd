"""A run before and after: the job that the engine carries out, what it tells on the way, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from harness.engine.plan import PlannedJudge
from harness.plugins import identity, judge_info
from harness.protocols import Delay, Judge, KeepsVersion, ModelBackend, Ratings, names_prompts
from harness.types import Generation, PlannedTask, Request, Verdict


class Progress:
    """What the engine tells about its work, from several threads. This one makes nothing of it."""

    def planned(self, *, answers: int, answers_stored: int, verdicts: int) -> None:
        """Work begins: how many answers the run has and how many are stored; how many verdicts it has."""

    def answered(self, request: Request, generation: Generation) -> None:
        """One answer was generated."""

    def judged(self, verdict: Verdict, *, stored: bool) -> None:
        """One verdict was given, or found in the store."""

    def model_failed(self, model: str, reason: str) -> None:
        """A model stopped; its remaining answers are recorded as failed."""

    def judge_stopped(self, judge: str, reason: str) -> None:
        """A judge is asked no more in this run; its remaining verdicts are missing."""

    def quota_ended(self, name: str, until: datetime) -> None:
        """A judge or model has used up its quota and goes on then; what it still had to do is missing."""

    def delayed(self, delay: Delay) -> None:
        """A call to a server failed and will be made again."""

    def waiting(self, what: str, count: int) -> None:
        """Only answers or verdicts (``what``) are left that other runs on the same store are at work on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan with the objects that carry it out. ``models`` by label, ``judges`` in order.

    ``judge_repeats``: verdicts an answer, None: as many as each judge declares.
    ``purse``: what all who are at work on one run have in common, whose money is counted together; empty: the plan.
    ``given``: answers by request key that are there already and are in no store, such as two answers as one.
    """

    tasks: tuple[PlannedTask, ...]
    requests: tuple[Request, ...]
    models: Mapping[str, ModelBackend]
    judges: tuple[Judge, ...]
    judge_repeats: int | None = 1
    given: Mapping[str, Generation] = field(default_factory=dict)
    purse: str = ""

    @property
    def planned_judges(self) -> tuple[PlannedJudge, ...]:
        """The judges as the plan sees them."""
        return tuple(planned_judge(judge, self.judge_repeats) for judge in self.judges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What carrying a job out came to: answers by request key, verdicts by judgement key, and what was newly done.

    ``spent`` is what the new verdicts and answers cost in US dollars, as far as it is known; ``out_of_budget`` says
    that the limit ended the job early. ``stopped``: the judges that were given up, with the reason. ``resumes``: what
    has used up its quota, with when it goes on.
    """

    answers: Mapping[str, Generation]
    verdicts: Mapping[str, Verdict]
    generated: int
    judged: int
    failures: Mapping[str, str] = field(default_factory=dict)
    stopped: Mapping[str, str] = field(default_factory=dict)
    resumes: Mapping[str, datetime] = field(default_factory=dict)
    spent: float = 0.0
    out_of_budget: bool = False


def planned_judge(judge: Judge, repeats: int | None = 1) -> PlannedJudge:
    """Return a judge as the plan sees it. Checks, ratings and a file's scores do not vary: only others repeat.

    ``repeats`` None: as often as the judge declares.
    """
    info = judge_info(judge)
    repeats = info.default_repeats if repeats is None else repeats
    rates_models = isinstance(judge, Ratings)
    return PlannedJudge(
        name=judge.name,
        fingerprint=identity(judge),
        scale=judge.scale,
        kind=info.kind,
        scored_by=info.scored_by,
        rates_models=rates_models,
        rates_prompts=names_prompts(judge),
        version=judge.kept_version if isinstance(judge, KeepsVersion) else None,
        repeats=repeats if info.kind == "quality" and info.scored_by != "file" and not rates_models else 1,
    )
