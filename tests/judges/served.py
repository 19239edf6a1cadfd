"""What the tests of the two served judges share: samples whose right score the server knows, and fast retries."""

import random
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness.testing.servers.loopback import Call, Step
from harness.types import Generation, JudgeSpec, Sample, Verdict
from judges.llm import RubricJudge

FAST = {"wait_initial": 0.005, "wait_max": 0.02, "wait_jitter": 0.005, "timeout": 5.0}


def spec(name: str, url: str, *, rubric: str | None = "elyza.v1", **settings: Any) -> JudgeSpec:
    """The spec of ``NAME:test-model`` at a server."""
    table = FAST | {"base_url": url} | settings
    return JudgeSpec(text=f"{name}:test-model", name=name, option="test-model", rubric=rubric, settings=table)


def sample(number: int) -> Sample:
    """A sample that can be told from every other in the prompt."""
    return Sample(id=str(number), inputs={"input": f"課題({number})"}, reference=f"正解({number})", criteria="- 要点")


def answer(number: int, text: str | None = None) -> Generation:
    """A model's answer to it."""
    return Generation(request_key=f"r{number}", text=f"回答({number})" if text is None else text)


def number_of(prompt: str) -> int:
    """Which sample a prompt is about."""
    found = re.search(r"課題\((\d+)\)", prompt)
    assert found
    return int(found[1])


def score_of(number: int) -> int:
    """The score that the server gives to a sample."""
    return number * 7 % 5 + 1


def judge_all(judge: RubricJudge, count: int) -> list[Verdict]:
    """The verdicts on ``count`` samples, judged as the engine does: from as many threads as the judge says."""
    with ThreadPoolExecutor(judge.in_flight) as pool:
        return list(pool.map(lambda number: judge.judge(sample(number), answer(number)), range(count)))


class Faulty:
    """A script that scores each sample right, after faults at a given rate; it counts what it answered.

    ``passing`` faults hit any request; ``unreadable`` replies only a sample's first turn, because a second one is
    unscored by the rules.
    """

    def __init__(
        self,
        right: Callable[[Call], Step],
        turns: Callable[[Call], list[str]],
        *,
        passing: list[Step],
        unreadable: list[Step],
        rate: float,
    ) -> None:
        self.right = right
        self.turns = turns
        self.passing = passing
        self.unreadable = unreadable
        self.rate = rate
        self.random = random.Random(20261122)
        self.lock = threading.Lock()
        self.served: dict[int, int] = {}
        self.faulted = 0

    def __call__(self, call: Call) -> Step:
        turns = self.turns(call)
        with self.lock:
            if self.random.random() < self.rate:
                self.faulted += 1
                faults = self.passing if len(turns) > 1 else self.passing + self.unreadable
                return faults[self.faulted % len(faults)]
            number = number_of(turns[0])
            self.served[number] = self.served.get(number, 0) + 1
        return self.right(call)
