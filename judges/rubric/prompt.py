"""What a rubric judge sends: the variables of its template, among them a fence that the answer cannot hold."""

import hashlib
from typing import Any

from harness.types import LIKERT_5, Sample, Scale


def fence(answer: str) -> str:
    """Return a word that ``answer`` does not contain, to fence it with.

    It is taken from the sha256 of the answer itself, so that an answer cannot hold its own fence.

    >>> fence("東京です。")
    '12f65e5446d4'
    """
    digest = hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest()
    while digest[:12] in answer:  # practically never: it would need a fixed point of sha256
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return digest[:12]


def variables(sample: Sample, answer: str, scale: Scale = LIKERT_5) -> dict[str, Any]:
    """Return what a rubric template may use: input, reference, criteria, answer, scale and fence.

    >>> sorted(variables(Sample(id="0", inputs={"input": "1+1は？"}), "2"))
    ['answer', 'criteria', 'fence', 'input', 'reference', 'scale']
    """
    return {
        "input": sample.input,
        "reference": sample.reference,
        "criteria": sample.criteria,
        "answer": answer,
        "scale": scale,
        "fence": fence(answer),
    }
