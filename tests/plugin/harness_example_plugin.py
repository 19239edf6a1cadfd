"""Plugins as a stranger would write them; the tests install this package and drive the harness through it.

COUNT_LOG names a file that gets one line per call, COUNT_DELAY the seconds that each call takes.
"""

import math
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.protocols import FREE, CallEstimate
from harness.remote.pricing import Price
from harness.types import (
    LIKERT_5,
    PASS_FAIL,
    UNIT,
    Generation,
    JudgeSpec,
    ModelSpec,
    Request,
    Sample,
    TaskSpec,
    Verdict,
)


def _called(what: str) -> None:
    time.sleep(float(os.environ.get("COUNT_DELAY", "0")))
    if log := os.environ.get("COUNT_LOG"):
        with Path(log).open("a") as file:
            file.write(what + "\n")


class Counting:
    def __init__(self, spec: ModelSpec) -> None:
        self.target = spec.target
        self.fingerprint = f"counting {spec.target}"
        self.price = Price(input=1, output=1) if spec.target == "paid" else FREE

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for request in requests:
            _called(f"generate {request.key}")
            yield Generation(
                request_key=request.key, text=f"{self.target} {request.rendered.text}", tokens_out=3, seconds=0.1
            )


class Noisy:
    """Answers of a length that varies from repeat to repeat."""

    def __init__(self, spec: ModelSpec) -> None:
        self.fingerprint = f"noisy {spec.target}"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for request in requests:
            length = int(request.key[:8], 16) % 80  # the key holds the repeat, and is as good as random
            yield Generation(request_key=request.key, text="あ" * length)


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


class Untidy:
    """Yields what is no generation, in the way that its target names."""

    def __init__(self, spec: ModelSpec) -> None:
        self.target = spec.target
        self.fingerprint = f"untidy {spec.target}"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for request in requests:
            match self.target:
                case "number":
                    yield Generation(request_key=request.key, text=5)
                case "tokens":
                    yield Generation(request_key=request.key, text="答え", tokens_out="many")
                case "exit":
                    sys.exit(7)
                case "twice":
                    yield Generation(request_key=request.key, text="はじめ")
                    yield Generation(request_key=request.key, text="あと")


class Careless:
    """Returns what is no verdict, in the way that its option names."""

    name = "careless"
    scale = LIKERT_5
    fingerprint = "careless.v1"

    def __init__(self, spec: JudgeSpec) -> None:
        self.option = spec.option

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        match self.option:
            case "six":
                return Verdict.scored(6)
            case "half":
                return Verdict.scored(3.5)
            case "nan":
                return Verdict.scored(math.nan)
            case "reason":
                return Verdict(status="unscored", reason=5)
            case "exit":
                sys.exit(7)
        return None


class Waiting:
    """A task set that never comes."""

    def __init__(self, spec: TaskSpec) -> None:
        pass

    def samples(self) -> Iterator[Sample]:
        _called("samples")
        time.sleep(600)
        yield Sample(id="0", inputs={"input": "問い"})


def open_faulty(spec: ModelSpec | JudgeSpec) -> list[object] | None:
    match spec.text.partition(":")[2]:
        case "crash":
            raise ZeroDivisionError("oh")
        case "empty":
            return []
    return None


class Stuck:
    """Waits for a server that never answers, two calls at once."""

    name = "stuck"
    scale = LIKERT_5
    fingerprint = "stuck.v1"
    in_flight = 2

    def __init__(self, spec: JudgeSpec) -> None:
        pass

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        _called("judge")
        time.sleep(600)
        return Verdict.scored(3)


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
            self.barrier.wait(timeout=60)
        except threading.BrokenBarrierError:
            return Verdict.scored(0)
        return Verdict.scored(1)


class Sold:
    """Costs a cent a verdict, takes a moment, and is asked by eight threads at once."""

    scale = LIKERT_5
    in_flight = 8
    requests_per_minute = 30
    price = Price(input=1, output=1)

    def __init__(self, spec: JudgeSpec) -> None:
        self.name = spec.text
        self.fingerprint = "sold.v1"

    def estimate(self, sample: Sample, generation: Generation | None) -> CallEstimate:
        return CallEstimate(calls=1, tokens_in=100, tokens_out=10, cost=0.01)

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        _called(f"judge {sample.id}")
        time.sleep(0.01)
        return Verdict.scored(3, cost=0.01)


class Broken:
    """Fails until the file ``mended`` is there."""

    name = "broken"
    scale = LIKERT_5
    fingerprint = "broken.v1"

    def __init__(self, spec: JudgeSpec) -> None:
        pass

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        _called(f"judge {sample.id}")
        return Verdict.scored(4) if Path("mended").exists() else Verdict.failed("server error: HTTP 500")


class Wavering:
    """Gives 2 and 3 in turn, so that repeats disagree."""

    name = "wavering"
    scale = LIKERT_5
    fingerprint = "wavering.v1"

    def __init__(self, spec: JudgeSpec) -> None:
        self.calls = 0

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        self.calls += 1
        return Verdict.scored(2 + self.calls % 2)
