# ruff: noqa: SLF001 - looks inside what it measures
"""What the benchmarks of generation share: answers of unlike length, and the loop with and without refilled places."""

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness.models.hf import backend
from harness.models.hf.forward_cuda_graph import GraphSteps
from harness.models.hf.forward_eager import EagerSteps
from harness.models.hf.progress import TokenMeter
from harness.models.hf.refilling import Waiting
from harness.types import Request


def uneven(requests: Sequence[Request]) -> list[Request]:
    """Return requests whose answers end at unlike lengths: a third of the most on average, some at the most."""
    draw = random.Random(1)  # noqa: S311 - a benchmark's lengths
    most = [one.sampling.max_new_tokens for one in requests]
    ends = [min(longest, 8 + int(draw.expovariate(3 / longest))) for longest in most]
    return [
        replace(one, sampling=replace(one.sampling, max_new_tokens=end))
        for one, end in zip(requests, ends, strict=True)
    ]


class Counting(TokenMeter):
    """Counts the passes after which a token was chosen, and the rows that they were for."""

    def __init__(self, label: str, rows: int, tokens: int) -> None:
        super().__init__(label, rows, tokens)
        self.live: list[int] = []

    def passed(self, rows: int) -> None:
        """Count one token for each of ``rows`` rows."""
        self.live.append(rows)
        super().passed(rows)


@contextlib.contextmanager
def counted(*, refilling: bool = True) -> Iterator[dict[str, Any]]:
    """Have what happens inside be counted into a dictionary, whose figures are there afterwards.

    Without ``refilling``, the next batch begins when the last row of this one has ended, as it did before 2026-11-26.
    """
    meters: list[Counting] = []
    found: dict[str, Any] = {"refilling": refilling, "refills": 0, "entered": 0, "captures": 0, "places": []}
    saved = backend.TokenMeter, GraphSteps.admit, EagerSteps.admit, GraphSteps._capture, Waiting.__init__
    any_fits = Waiting._any_fits

    def meter(*given: Any) -> Counting:
        meters.append(Counting(*given))
        return meters[-1]

    def admitting(kind: Any) -> Callable[..., Any]:
        admit = kind.admit

        def counting(self: Any, places: Sequence[int], prompts: Sequence[Sequence[int]]) -> Any:
            found["refills"] += 1
            found["entered"] += len(places)
            return admit(self, places, prompts)

        return counting

    def capture(self: GraphSteps) -> Any:
        found["captures"] += 1
        return saved[3](self)

    def begin(self: Waiting, batch: Any, *behind: Any) -> None:
        found["places"].append(len(batch))
        saved[4](self, batch, *behind)

    backend.TokenMeter = meter  # type: ignore[misc, assignment]
    GraphSteps.admit, EagerSteps.admit = admitting(GraphSteps), admitting(EagerSteps)  # type: ignore[method-assign]
    GraphSteps._capture = capture  # type: ignore[method-assign]
    Waiting.__init__ = begin  # type: ignore[method-assign, assignment]
    if not refilling:
        Waiting._any_fits = lambda _: False  # type: ignore[method-assign]
    try:
        yield found
    finally:
        backend.TokenMeter, GraphSteps.admit, EagerSteps.admit, GraphSteps._capture, Waiting.__init__ = saved  # type: ignore[misc, method-assign]
        Waiting._any_fits = any_fits  # type: ignore[method-assign]
        live = [rows for one in meters for rows in one.live]
        found["passes"] = len(live)
        found["rows_a_pass"] = round(sum(live) / max(1, len(live)), 2)
