"""What a judge by rubric asks and how it reads the reply: of one answer here, of two in `pair_question`."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from harness.errors import UsageError
from harness.locale import tr
from harness.notices import Notice
from harness.templates import Template
from harness.types import LIKERT_5, Message, Sample, Scale, Verdict
from judges.rubric import LABELS, PARSER_VERSION, Form, parse
from judges.rubric.asking import rubric_messages, rubric_notices

USUAL_ANSWER = 215  # characters: the median of 6,000 answers of 60 models to ELYZA-tasks-100
EMPTY_ANSWER = tr("empty answer: lowest score without a call")
_USUAL_REPLY: dict[Form, int] = {"json": 100, "number": 2, "label": 100}  # tokens, without thinking
_HALVES = Scale(low=LIKERT_5.low, high=LIKERT_5.high, step=0.5)
_ASK_AGAIN: dict[Form, str] = {
    "json": "いまの返答からは点数を読み取れませんでした。採点の基準はそのままに、"
    '{"reason": "採点の理由", "score": 点数} という形の JSON だけを返してください。点数は一つの数字にしてください。',
    "number": "いまの返答からは点数を読み取れませんでした。採点の基準はそのままに、"
    "点数の数字一つだけを返してください。",
    "label": "いまの返答からは点数を読み取れませんでした。採点の基準はそのままに、"
    "「LABEL：点数」という一行だけを返してください。点数は一つの数字にしてください。",
}
_CUT: dict[Form, str] = {
    "json": "理由は MOST 文字以内の一文にして、点数まで書いてください。",
    "number": "点数の数字一つだけを返してください。",
    "label": "「LABEL：点数」という一行だけを返してください。",
}


class Question(Protocol):
    """A rubric with the form in which it asks.

    ``scale``: of the verdicts that a reply may hold · ``form``: in which it is asked for · ``ask_again``: what follows
    a reply that holds no verdict · ``usual_reply``: its tokens · ``usual_text``: what is judged, of usual length ·
    ``version``: of what reads replies.
    """

    rubric: Template
    scale: Scale
    form: Form
    ask_again: str
    usual_reply: int
    usual_text: str
    version: object

    def known(self, text: str) -> Verdict | None:
        """Return the verdict that needs no call, if there is one."""

    def messages(self, sample: Sample, text: str) -> tuple[Message, ...]:
        """Return what is sent."""

    def read(self, reply: str) -> Verdict:
        """Return the verdict that a reply holds, or an unscored one."""

    def schema(self, most: int | None = None) -> Mapping[str, Any] | None:
        """Return the schema of a JSON reply whose reason has at most so many characters, None for another form."""

    def ask_shorter(self, most: int) -> str:
        """Return what follows the question where the first reply had no end: a reason of so many characters."""

    def notices(self, name: str, task: str, samples: Sequence[Sample]) -> list[Notice]:
        """Return what the user should know beforehand; ``name`` is the judge's."""


class AnswerQuestion:
    """The score of one answer."""

    version: object = PARSER_VERSION

    def __init__(self, rubric: Template) -> None:
        """``rubric`` is one for single answers.

        Raises:
            UsageError: it is one for pairs.
        """
        if shows_pairs(rubric):
            raise UsageError(
                tr("Rubric {rubric} compares two answers.", rubric=rubric.name),
                hint=tr(
                    "It is for judges of pairs: --judge pairwise:SPEC. Take one for single answers, such as tv.v1."
                ),
            )
        self.rubric = rubric
        self.scale = _HALVES if rubric.meta.get("halves") else LIKERT_5
        self.form = cast("Form", rubric.meta.get("reply", "json"))
        self._labels = tuple(rubric.meta.get("labels", LABELS))
        self.ask_again = _ASK_AGAIN[self.form].replace("LABEL", self._labels[0])
        self.usual_reply = _USUAL_REPLY[self.form]
        self.usual_text = "あ" * USUAL_ANSWER

    def known(self, text: str) -> Verdict | None:
        """Return the lowest score for an empty answer."""
        return None if text.strip() else Verdict.scored(self.scale.low, rationale=EMPTY_ANSWER)

    def messages(self, sample: Sample, text: str) -> tuple[Message, ...]:
        """Return the rubric with the answer in it."""
        return rubric_messages(self.rubric, sample, text, self.scale)

    def read(self, reply: str) -> Verdict:
        """Return the score in a reply."""
        return parse(reply, self.scale, self.form, self._labels)

    def schema(self, most: int | None = None) -> Mapping[str, Any] | None:
        """Return the schema of a reason and a score."""
        return _schema(self.scale, most) if self.form == "json" else None

    def ask_shorter(self, most: int) -> str:
        """Return the wish for a short reason, or for none."""
        return _CUT[self.form].replace("MOST", str(most)).replace("LABEL", self._labels[0])

    def notices(self, name: str, task: str, samples: Sequence[Sample]) -> list[Notice]:
        """Return notices if answers are shown without a fence, or a reference is shown that some samples lack."""
        return rubric_notices(name, self.rubric, self.scale, task, samples)


def shows_pairs(rubric: Template) -> bool:
    """Return whether a rubric shows two answers."""
    return bool({"answer_a", "answer_b"} & rubric.variables)


def _schema(scale: Scale, most: int | None = None) -> dict[str, Any]:
    """Return the JSON schema of a reply: the reason first, so that the score follows from it.

    ``most``: the characters of the longest reason.
    """
    kind = "integer" if scale.step == 1 else "number"
    return {
        "type": "object",
        "properties": {
            "reason": {"type": "string", **({"maxLength": most} if most else {})},
            "score": {"type": kind, "minimum": int(scale.low), "maximum": int(scale.high)},
        },
        "required": ["reason", "score"],
    }
