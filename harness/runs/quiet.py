"""Progress for whoever wants none."""

from datetime import datetime

from harness.protocols import Delay
from harness.types import Generation, Request, Verdict


class Quiet:
    """Progress that says nothing; a base for one that says something."""

    def planned(self, *, answers: int, answers_stored: int, verdicts: int) -> None:
        """Work begins."""

    def answered(self, request: Request, generation: Generation) -> None:
        """One answer was generated."""

    def judged(self, verdict: Verdict, *, stored: bool) -> None:
        """One verdict was given, or found in the store."""

    def model_failed(self, model: str, reason: str) -> None:
        """A model stopped."""

    def judge_stopped(self, judge: str, reason: str) -> None:
        """A judge is asked no more."""

    def quota_ended(self, name: str, until: datetime) -> None:
        """A quota is used up."""

    def delayed(self, delay: Delay) -> None:
        """A call is made again."""

    def waiting(self, what: str, count: int) -> None:
        """Only work is left that other runs are at."""
