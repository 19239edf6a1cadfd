"""Two answers as one text, in the order in which they are shown: what is judged, and what its key is made of."""

import json
from dataclasses import dataclass

from harness.types import Scale

PAIR_SCALE = Scale(low=0, high=1, step=0.5)
"""What the first answer of a pair gets: 1 if it is better, 0.5 for a tie, 0 if the second is."""

FIRST, TIE, SECOND = 1.0, 0.5, 0.0
_LETTERS = {FIRST: "A", TIE: "tie", SECOND: "B"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPair:
    """Two answers, ``first`` and ``second``, shown as A and B.

    >>> pair = AnswerPair(first="東京", second="大阪")
    >>> AnswerPair.of(pair.text) == pair, pair.swapped.first
    (True, '大阪')
    """

    first: str
    second: str

    @property
    def text(self) -> str:
        """Both as one text, the same for the same two in the same order."""
        return json.dumps({"a": self.first, "b": self.second}, ensure_ascii=False)

    @property
    def swapped(self) -> "AnswerPair":
        """The same two in the other order."""
        return AnswerPair(first=self.second, second=self.first)

    @classmethod
    def of(cls, text: str) -> "AnswerPair":
        """Return the pair of a `text`."""
        both = json.loads(text)
        return cls(first=both["a"], second=both["b"])


def letter_of(share: float) -> str:
    """Return a verdict as a rubric asks for it.

    >>> letter_of(1.0), letter_of(0.5), letter_of(0.0)
    ('A', 'tie', 'B')
    """
    return _LETTERS[share]
