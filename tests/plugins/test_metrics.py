"""Several scores from one judge: a column for each, and one call for an answer."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness.engine.job import planned_judge
from harness.errors import JudgeUnavailableError
from harness.plugins import identity, judge_info
from harness.plugins.metrics import as_verdict, expanded
from harness.protocols import CallEstimate, EstimatesCost, RatesPrompts, prompts_share
from harness.types import LIKERT_5, PASS_FAIL, UNIT, Generation, Sample, Scale, Verdict

SAMPLE = Sample(id="0", inputs={"input": "問い"})
ANSWER = Generation(request_key="k", text="答え")


class Tone:
    """Gives two scores, and counts its calls."""

    name, fingerprint, kind = "tone", "tone.v1", "checks"

    def __init__(self, given: object = None) -> None:
        self.metrics: Any = {"polite": LIKERT_5, "short": PASS_FAIL}
        self.given = {"polite": 4, "short": True} if given is None else given
        self.calls = 0

    def judge(self, sample: Sample, generation: Generation) -> Any:
        self.calls += 1
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given


def test_each_metric_is_a_judge_of_its_own() -> None:
    """With its own name, scale and key; what the judge declares besides holds for all."""
    polite, short = expanded(Tone())  # type: ignore[arg-type]
    assert ["tone/polite", "tone/short"] == [polite.name, short.name]
    assert [LIKERT_5, PASS_FAIL] == [polite.scale, short.scale]
    assert identity(polite) != identity(short)
    assert "checks" == judge_info(polite).kind == judge_info(short).kind
    assert {} == judge_info(polite).metrics
    assert (4, 1) == (polite.judge(SAMPLE, ANSWER).score, short.judge(SAMPLE, ANSWER).score)


def test_a_judge_without_metrics_stays_as_it_is() -> None:
    """The very object."""
    judge = Tone()
    judge.metrics, judge.scale = {}, UNIT  # type: ignore[attr-defined]
    assert [judge] == expanded(judge)  # type: ignore[arg-type,comparison-overlap]


def test_one_call_serves_all_metrics_of_an_answer_and_a_repeat() -> None:
    """Another answer, another sample with the same id, and a second verdict on one answer are other calls."""
    judge = Tone()
    polite, short = expanded(judge)  # type: ignore[arg-type]
    polite.judge(SAMPLE, ANSWER)
    polite.judge(SAMPLE, ANSWER)  # the second repeat comes before the other metric's first
    short.judge(SAMPLE, ANSWER)
    short.judge(SAMPLE, ANSWER)
    assert 2 == judge.calls
    polite.judge(SAMPLE, Generation(request_key="k", text="別の答え"))
    polite.judge(Sample(id="0", inputs={"input": "問い"}, reference="正解"), ANSWER)
    assert 4 == judge.calls


def test_threads_share_the_call() -> None:
    """Metrics that are asked at the same moment wait for the one call."""

    class Slow(Tone):
        def judge(self, sample: Sample, generation: Generation) -> Any:
            time.sleep(0.02)
            return super().judge(sample, generation)

    judge = Slow()
    metrics = expanded(judge)  # type: ignore[arg-type]
    start = threading.Barrier(len(metrics))

    def ask(metric: Any) -> float:
        start.wait(timeout=60)
        return metric.judge(SAMPLE, ANSWER).score

    with ThreadPoolExecutor(len(metrics)) as pool:
        assert [4, 1] == list(pool.map(ask, metrics))
    assert 1 == judge.calls


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "a judge with metrics returns a mapping of them to scores, not int"),
        ({"polite": 4, "tall": 1}, r"'tall' is no metric that the judge declares \(polite, short\)"),
        ({"polite": "good"}, "a score is a number, true, false, None or a Verdict, not str"),
        (JudgeUnavailableError("The key was rejected."), "The key was rejected."),
    ],
)
def test_what_is_no_mapping_of_scores_is_a_fault_for_every_metric(given: object, message: str) -> None:
    """Nothing becomes a number; a judge that cannot go on says so to each."""
    judge = Tone(given)
    for metric in expanded(judge):  # type: ignore[arg-type]
        if isinstance(given, Mapping) and metric.name == "tone/short" and "tall" not in given:
            continue
        with pytest.raises((TypeError, JudgeUnavailableError), match=message):
            metric.judge(SAMPLE, ANSWER)
    assert 1 == judge.calls


def test_a_metric_may_be_left_out_or_unscored() -> None:
    """A verdict on the whole holds for every metric; one that is missing or None says so."""
    polite, short = expanded(Tone({"polite": None}))  # type: ignore[arg-type]
    assert "the judge gave no score" == polite.judge(SAMPLE, ANSWER).reason
    assert "the judge left 'short' out" == short.judge(SAMPLE, ANSWER).reason
    whole = Verdict.failed("HTTP 500")
    assert [whole, whole] == [metric.judge(SAMPLE, ANSWER) for metric in expanded(Tone(whole))]  # type: ignore[arg-type]


def test_names_alone_share_the_judges_scale() -> None:
    """A pair of numbers is a scale as well."""
    judge = Tone()
    judge.metrics, judge.scale = ["a", "b"], UNIT  # type: ignore[attr-defined]
    assert [UNIT, UNIT] == [metric.scale for metric in expanded(judge)]  # type: ignore[arg-type]
    judge.metrics = {"a": (0, 10), "b": [1, 5, 1]}
    assert [Scale(low=0, high=10), LIKERT_5] == [metric.scale for metric in expanded(judge)]  # type: ignore[arg-type]


def test_the_cost_of_a_call_is_expected_once() -> None:
    """The first metric stands for it."""

    class Sold(Tone):
        scale = UNIT

        def estimate(self, sample: Sample, generation: Generation | None) -> CallEstimate:
            return CallEstimate(calls=1, tokens_in=10, tokens_out=1, cost=0.5)

    polite, short = expanded(Sold())  # type: ignore[arg-type]
    assert isinstance(polite, EstimatesCost)
    assert 0.5 == polite.estimate(SAMPLE, None).cost
    assert not isinstance(short, EstimatesCost)


def test_numbers_are_verdicts() -> None:
    """Numpy's too; what is no number is none."""
    import numpy as np

    assert [1, 0.25, 1, 3] == [as_verdict(one).score for one in (True, 0.25, np.bool_(True), np.float32(3))]
    with pytest.raises(ValueError, match="a score is a finite number"):
        as_verdict(float("nan"))


class Rated(Tone):
    """Ratings of two metrics by model, and by prompt if it is told so."""

    def __init__(self, *, names_prompts: bool) -> None:
        super().__init__()
        self.names_prompts = names_prompts
        self.given = None
        self.opened: list[tuple[str, ...]] = []
        self.asked: list[Tone] = []

    def rates_alike(self, label: str) -> bool:
        return label == "alike"

    def for_model(self, label: str, *prompt: str) -> Tone:
        self.opened.append((label, *prompt))
        own = Tone({"polite": len(label), "short": label == "ab"})
        own.fingerprint = f"tone.v1 model={label}{prompt}"
        self.asked.append(own)
        return own


def test_a_judge_has_several_metrics_and_ratings_by_model() -> None:
    """Each metric is looked up by model; one lookup of a model's answer serves them all."""
    judge = Rated(names_prompts=False)
    polite, short = expanded(judge)  # type: ignore[arg-type]
    assert [True, False] == [planned_judge(polite).rates_models, planned_judge(polite).rates_prompts]
    found = {
        label: [one.for_model(label).judge(SAMPLE, ANSWER).score for one in (polite, short)]  # type: ignore[attr-defined]
        for label in ("ab", "abc")
    }
    assert {"ab": [2, 1], "abc": [3, 0]} == found
    assert [("ab",), ("abc",)] == judge.opened
    assert [1, 1] == [one.calls for one in judge.asked]
    keys = {one.for_model(label).fingerprint for one in (polite, short) for label in found}  # type: ignore[attr-defined]
    assert 4 == len(keys)


def test_metrics_of_ratings_that_name_prompts() -> None:
    """The prompt goes along, and whoever asks learns which models' ratings name none."""
    judge = Rated(names_prompts=True)
    polite, _ = expanded(judge)  # type: ignore[arg-type]
    assert planned_judge(polite).rates_prompts
    assert isinstance(polite, RatesPrompts)
    polite.for_model("ab", "course.v1")
    assert [("ab", "course.v1")] == judge.opened
    assert (True, False) == (prompts_share(polite, "alike"), prompts_share(polite, "ab"))
