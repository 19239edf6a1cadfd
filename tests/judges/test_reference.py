"""Similarity to the reference, with Popović's definition of chrF, written out here, as the oracle."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from harness.errors import HarnessError, UnknownNameError
from harness.protocols import ChecksSamples
from harness.types import PERCENT, Generation, JudgeSpec, Sample, Verdict
from judges.reference import open_reference

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
JUDGE = open_reference(JudgeSpec(text="reference", name="reference"))


def sample(reference: str | None) -> Sample:
    return Sample(id="0", inputs={"input": "問い"}, reference=reference)


def score(answer: str, reference: str) -> float | None:
    return JUDGE.judge(sample(reference), Generation(request_key="k", text=answer)).score


def chrf(answer: str, reference: str, order: int = 6, beta: float = 2.0) -> float:
    """Return chrF by its definition: the F-beta of mean n-gram precision and mean recall (Popović 2015, eq. 1).

    The means run over the orders for which both texts have n-grams, as sacrebleu's default (`eff:yes`) has it.
    """
    texts = ["".join(text.split()) for text in (answer, reference)]
    precisions, recalls = [], []
    for n in range(1, order + 1):
        ours, theirs = (Counter(text[i : i + n] for i in range(len(text) - n + 1)) for text in texts)
        if ours and theirs:
            shared = (ours & theirs).total()
            precisions.append(shared / ours.total())
            recalls.append(shared / theirs.total())
    if not any(precisions):
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 100 * (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("東京です。", "東京です。", 100.0),
        ("", "東京です。", 0.0),
        ("　\n ", "東京です。", 0.0),
        ("ABC", "東京です。", 0.0),
        ("東 京 で す 。", "東京です。", 100.0),
        # By hand: unigrams 2 of 2 and 2 of 3, bigrams 1 of 1 and 1 of 2; P = 1, R = 7/12, F2 = 5PR/(4P+R).
        ("東京", "東京都", 100 * 5 * (7 / 12) / (4 + 7 / 12)),
    ],
)
def test_known_values(answer: str, reference: str, expected: float) -> None:
    """Equal texts give 100, nothing in common 0, white space does not count."""
    assert score(answer, reference) == pytest.approx(expected)


@given(st.text("あいうえおabc \n"), st.text("あいうえおabc", min_size=1))
def test_equals_the_definition(answer: str, reference: str) -> None:
    """The score is chrF2 as its paper defines it."""
    assert score(answer, reference) == pytest.approx(chrf(answer, reference))


@given(st.text(st.characters()), st.text(st.characters(), min_size=1))
def test_odd_strings_never_raise(answer: str, reference: str) -> None:
    """Any characters, lone surrogates and NUL included, give a score on the scale or no score at all."""
    verdict = JUDGE.judge(sample(reference), Generation(request_key="k", text=answer))
    assert verdict.status == ("scored" if reference.strip() else "unscored")
    assert verdict.score is None or PERCENT.covers(verdict.score)


@pytest.mark.parametrize("reference", [None, "", " \n"])
def test_no_reference(reference: str | None) -> None:
    """Without a reference there is nothing to compare with, and no number."""
    verdict = JUDGE.judge(sample(reference), Generation(request_key="k", text="答え"))
    assert verdict == Verdict.unscored("no reference")


def test_fingerprint_is_the_signature() -> None:
    """The fingerprint is what one has to state to reproduce the number, sacrebleu's version included."""
    sacrebleu = pytest.importorskip("sacrebleu")
    signature = f"nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:{sacrebleu.__version__}"
    assert JUDGE.fingerprint == f"reference.v1 chrF2|{signature}"
    assert (JUDGE.name, JUDGE.kind, JUDGE.scale) == ("reference", "similarity", PERCENT)


def test_check_samples() -> None:
    """All with references: silence; some without: a notice; none with: the run ends."""
    assert isinstance(JUDGE, ChecksSamples)
    assert JUDGE.check_samples("t", [sample("a"), sample("b")], ["m"]) == []
    assert JUDGE.check_samples("t", [sample("a"), sample(None)], ["m"]) == [
        "reference: 1 of 2 tasks of t have no reference."
    ]
    with pytest.raises(HarnessError, match="task 't' has none"):
        JUDGE.check_samples("t", [sample(None), sample("")], ["m"])


def test_settings_are_refused() -> None:
    """The metric is fixed; a setting would change what the column means."""
    with pytest.raises(UnknownNameError):
        open_reference(JudgeSpec(text="reference", name="reference", settings={"word_order": 2}))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_six_hundred_real_answers() -> None:
    """A tenth of the real answers gets the definition's scores."""
    lines = (SHARED / "elyza-tasks-100" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    references = [json.loads(line)["output"] for line in lines]
    rows = pq.read_table(SHARED / "shaberi" / "answers.parquet").to_pylist()[::10]
    found = [score(row["answer"], references[row["task_id"]]) for row in rows]
    expected = [chrf(row["answer"], references[row["task_id"]]) for row in rows]
    assert found == pytest.approx(expected)
