"""Several scores from one judge: each metric is a judge of its own on the board, and one call serves them all."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Protocol, SupportsFloat, runtime_checkable

from harness.codec import sample_digest
from harness.locale import tr
from harness.plugins.info import judge_info
from harness.plugins.origins import identity
from harness.protocols import (
    CallEstimate,
    ChecksRows,
    ChecksSamples,
    Closes,
    EstimatesCost,
    Judge,
    JudgeInfo,
)
from harness.types import Generation, Sample, Scale, Verdict
from harness.unscored import Unscored

_Answer = tuple[str, str, str | None]
"""What one call is about: the sample's digest, the request and the answer's text."""


@runtime_checkable
class _ByModel(Protocol):
    """What makes ratings of a judge whose scales are those of its metrics."""

    def for_model(self, label: str) -> Judge:
        """Return the judge that holds the ratings of one model."""


@runtime_checkable
class _ByPrompt(_ByModel, Protocol):
    """Ratings that name the prompt as well."""

    names_prompts: bool

    def rates_alike(self, label: str) -> bool:
        """Return whether the ratings of one model name no prompt all the same."""


def _names_prompts(judge: object) -> bool:
    return isinstance(judge, _ByPrompt) and bool(judge.names_prompts)


def expanded(judge: Judge) -> list[Judge]:
    """Return a judge alone, or one for each of the metrics that it declares, in their order."""
    info = judge_info(judge)
    if not info.metrics:
        return [judge]
    calls = _Calls(judge, info.metrics)
    if isinstance(judge, _ByModel):
        return [_RatedMetric(calls, name, scale) for name, scale in info.metrics.items()]
    first = _PaidMetric if isinstance(judge, EstimatesCost) else Metric
    kinds = [first, *[Metric] * (len(info.metrics) - 1)]  # the first metric is told the price of the call
    return [kind(calls, name, scale) for kind, (name, scale) in zip(kinds, info.metrics.items(), strict=True)]


def as_verdict(given: object) -> Verdict:
    """Return a verdict from itself or from a number; None is no score.

    >>> as_verdict(True).score, as_verdict(None).status
    (1.0, 'unscored')

    Raises:
        TypeError: it is neither.
    """
    if isinstance(given, Verdict):
        return given
    if given is None:
        return Verdict.unscored(Unscored("no_score", tr("the judge gave no score")))
    if not isinstance(given, SupportsFloat):
        raise TypeError(f"a score is a number, true, false, None or a Verdict, not {type(given).__name__}")
    return Verdict.scored(float(given))


class _Calls:
    """The calls of one judge: whichever metric asks first makes one, and the others wait for it. Thread-safe."""

    def __init__(self, judge: Judge, metrics: Mapping[str, Scale]) -> None:
        self.judge = judge
        self.metrics = metrics
        self._lock = threading.Lock()
        self._given: dict[tuple[_Answer, int], Future[object]] = {}
        self._by_row: dict[tuple[str, str | None], _Calls] = {}
        self._reads: Counter[tuple[_Answer, int]] = Counter()

    def of(self, label: str, prompt: str | None) -> "_Calls":
        """Return the calls of the judge that holds one model's ratings, the same ones for every metric."""
        judge: Any = self.judge
        with self._lock:
            if (label, prompt) not in self._by_row:
                own = judge.for_model(label, prompt) if _names_prompts(judge) else judge.for_model(label)
                self._by_row[label, prompt] = _Calls(own, self.metrics)
            return self._by_row[label, prompt]

    def result(self, answer: _Answer, repeat: int, sample: Sample, generation: Generation) -> object:
        """Return what the judge gave for an answer, the ``repeat``-th time that it was asked."""
        key = answer, repeat
        with self._lock:
            is_mine = key not in self._given
            call = self._given.setdefault(key, Future())
            self._reads[key] += 1
            if self._reads[key] == len(self.metrics):  # nobody else will ask
                del self._given[key], self._reads[key]
        if is_mine:
            try:
                call.set_result(self.judge.judge(sample, generation))
            except BaseException as error:  # noqa: BLE001 - raised again for every metric
                call.set_exception(error)
        return call.result()


class Metric:
    """One of the scores that a judge gives, as a judge of its own, named NAME/METRIC."""

    def __init__(self, calls: _Calls, metric: str, scale: Scale) -> None:
        self.metric = metric
        self.name = f"{calls.judge.name}/{metric}"
        self.scale = scale
        self._calls = calls
        self._asked: Counter[_Answer] = Counter()
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """The judge's own, its code where it is a stranger's, and the metric."""
        return f"{identity(self._calls.judge)} metric={self.metric}"

    @property
    def info(self) -> JudgeInfo:
        """What the judge declares, of this metric."""
        whole = judge_info(self._calls.judge)
        return replace(whole, name=self.name, scale=self.scale, fingerprint=self.fingerprint, metrics={})

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        """Return this metric of what the judge says of an answer.

        Raises:
            TypeError: it says something else than scores of the metrics that it declares.
        """
        answer = sample_digest(sample), generation.request_key, generation.text
        with self._lock:
            repeat = self._asked[answer]
            self._asked[answer] += 1
        return self._of(self._calls.result(answer, repeat, sample, generation))

    def _of(self, given: object) -> Verdict:
        if isinstance(given, Verdict) and given.status != "scored":  # of the answer as a whole
            return given
        declared = self._calls.metrics
        if not isinstance(given, Mapping):
            raise TypeError(f"a judge with metrics returns a mapping of them to scores, not {type(given).__name__}")
        if unknown := [str(name) for name in given if name not in declared]:
            raise TypeError(f"{unknown[0]!r} is no metric that the judge declares ({', '.join(declared)})")
        if self.metric not in given:
            left_out = tr("the judge left {metric!r} out", metric=self.metric)
            return Verdict.unscored(Unscored("metric_left_out", left_out))
        return as_verdict(given[self.metric])

    def check_rows(self, rows: Sequence[tuple[str, str | None]], tasks: Sequence[str]) -> Sequence[str]:
        """Return what the judge has to say of the run's rows."""
        judge: Any = self._calls.judge
        return judge.check_rows(rows, tasks) if isinstance(judge, ChecksRows) else ()

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> Sequence[str]:
        """Return what the judge has to say of the samples."""
        judge: Any = self._calls.judge
        return judge.check_samples(task, samples, models) if isinstance(judge, ChecksSamples) else ()

    def close(self) -> None:
        """End the judge's waits."""
        if isinstance(self._calls.judge, Closes):
            self._calls.judge.close()


class _PaidMetric(Metric):
    """The metric that stands for the cost of the calls."""

    def estimate(self, sample: Sample, generation: Generation | None) -> CallEstimate:
        """Return what one call will take."""
        judge: Any = self._calls.judge
        estimate: CallEstimate = judge.estimate(sample, generation)
        return estimate


class _RatedMetric(Metric):
    """One of the scores that ratings hold, looked up by model, and by prompt where they name it."""

    @property
    def names_prompts(self) -> bool:
        """Whether the ratings name prompts."""
        return _names_prompts(self._calls.judge)

    def rates_alike(self, label: str) -> bool:
        """Return whether the ratings of one model name no prompt, so that all its prompts share them."""
        judge = self._calls.judge
        return isinstance(judge, _ByPrompt) and judge.rates_alike(label)

    def for_model(self, label: str, prompt: str | None = None) -> Metric:
        """Return this metric of one model's ratings."""
        return Metric(self._calls.of(label, prompt), self.metric, self.scale)
