"""The judge `reference`: how much of an answer's wording is the reference's. A similarity, not a quality score."""

from collections.abc import Sequence

from sacrebleu.metrics import CHRF

from harness.errors import NothingToJudgeError, UnknownNameError, UsageError
from harness.locale import tr
from harness.notices import Notice
from harness.types import PERCENT, Generation, JudgeSpec, Sample, Verdict
from harness.unscored import Unscored


class Reference:
    """chrF2 of an answer against the sample's reference, 0 to 100 (Popović 2015; sacrebleu's defaults).

    Character n-grams of order 1 to 6 without white space, recall weighted twice. No word is segmented, so Japanese
    needs no tokenizer. An empty answer scores 0.
    """

    kind = "similarity"

    def __init__(self) -> None:
        self.name = "reference"
        self.scale = PERCENT
        # Giving sacrebleu the references beforehand was measured: 5 % less time for 8 MB per 100 references.
        self._metric = CHRF()
        self._metric.sentence_score("", [""])  # sacrebleu knows its signature once it has scored something
        self.fingerprint = f"reference.v1 chrF2|{self._metric.get_signature()}"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        """Return the chrF score, or no score where the sample has no reference."""
        if not _has_reference(sample):
            return Verdict.unscored(Unscored("no_reference", tr("no reference")))
        score = self._metric.sentence_score(generation.text or "", [sample.reference]).score
        return Verdict.scored(min(score, PERCENT.high))  # rounding can put a perfect match a hair over 100

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> list[Notice]:  # noqa: ARG002
        """Return a notice if some samples have no reference.

        Raises:
            HarnessError: none has one.
        """
        missing = [sample.id for sample in samples if not _has_reference(sample)]
        if len(missing) == len(samples):
            raise NothingToJudgeError(
                tr("The judge 'reference' compares with references, and task {task!r} has none.", task=task),
                hint=tr("Leave --judge reference out, or give the task an output or reference column."),
            )
        return (
            [
                Notice(
                    "no_reference",
                    tr(
                        "{name}: {n_missing} of {n_samples} tasks of {task} have no reference.",
                        name=self.name,
                        n_missing=len(missing),
                        n_samples=len(samples),
                        task=task,
                    ),
                )
            ]
            if missing
            else []
        )


def open_reference(spec: JudgeSpec) -> Reference:
    """Return the similarity judge; it has no settings.

    >>> judge = open_reference(JudgeSpec(text="reference", name="reference"))
    >>> sample = Sample(id="0", inputs={"input": "日本の首都は？"}, reference="東京です。")
    >>> round(judge.judge(sample, Generation(request_key="", text="東京です。")).score)
    100

    Raises:
        UsageError: an option was given.
        UnknownNameError: a setting was given.
    """
    if spec.option is not None:
        raise UsageError(
            tr("Judge 'reference' takes no option, got {option!r}.", option=spec.option),
            hint=tr("Write --judge reference."),
        )
    for key in spec.settings:
        raise UnknownNameError(tr("setting of [judges.reference]"), key, [], hint=tr("This judge has no settings."))
    return Reference()


def _has_reference(sample: Sample) -> bool:
    return bool(sample.reference and sample.reference.strip())
