"""Plugins as a stranger would write them; the tests install this package and drive the harness through it.

COUNT_LOG names a file that gets one line per call, COUNT_DELAY the seconds that each call takes.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.types import PASS_FAIL, UNIT, Generation, JudgeSpec, ModelSpec, Request, Sample, Verdict


def _called(what: str) -> None:
    time.sleep(float(os.environ.get("COUNT_DELAY", "0")))
    if log := os.environ.get("COUNT_LOG"):
        with Path(log).open("a") as file:
            file.write(what + "\n")


class Counting:
    def __init__(self, spec: ModelSpec) -> None:
        self.target = spec.target
        self.fingerprint = f"counting {spec.target}"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for request in requests:
            _called(f"generate {request.key}")
            yield Generation(request_key=request.key, text=f"{self.target} {request.rendered.text}", tokens_out=3, seconds=0.1)


class Dying:
    def __init__(self, spec: ModelSpec) -> None:
        self.fingerprint = f"dying {spec.target}"
        self.after = int(spec.target or 0)

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for request in requests[: self.after]:
            yield Generation(request_key=request.key, text="いい答え")
        raise HarnessError("The machine cannot hold this model.", hint="Use a smaller one.")


class Forgetful:
    fingerprint = "forgetful"

    def __init__(self, spec: ModelSpec) -> None:
        pass

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for request in requests[1:]:
            yield Generation(request_key=request.key, text="答え", finish_reason="length")
        yield Generation(request_key="somebody else's", text="what nobody asked for")


class Length:
    name = "length"
    scale = PASS_FAIL

    def __init__(self, spec: JudgeSpec) -> None:
        self.name = spec.text
        self.limit = int(spec.option or 10)
        self.fingerprint = f"length.v1 {self.limit}"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        _called(f"judge {sample.id}")
        return Verdict.scored(len(generation.text or "") <= self.limit)


class Crashing:
    name = "crashing"
    scale = UNIT
    fingerprint = "crashing"

    def __init__(self, spec: JudgeSpec) -> None:
        pass

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        if sample.id == "1":
            raise ZeroDivisionError("oh")
        return Verdict.scored(0.5)


class LockedOut:
    name = "locked-out"
    scale = UNIT
    fingerprint = "locked-out"

    def __init__(self, spec: JudgeSpec) -> None:
        pass

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        _called("judge")
        raise HarnessError("The key was rejected.", hint="Set GEMINI_API_KEY.")


class Parallel:
    """Scores 1 only if it saw another call at the same time."""

    name = "parallel"
    scale = PASS_FAIL
    fingerprint = "parallel"
    in_flight = 4

    def __init__(self, spec: JudgeSpec) -> None:
        self.barrier = threading.Barrier(4)

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        try:
            self.barrier.wait(timeout=5)
        except threading.BrokenBarrierError:
            return Verdict.scored(0)
        return Verdict.scored(1)
