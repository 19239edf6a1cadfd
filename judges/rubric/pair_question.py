"""What a judge of pairs asks: which of two answers to a task is better, A or B, or neither."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.locale import tr
from harness.notices import Notice
from harness.pairs.answer_pair import FIRST, PAIR_SCALE, SECOND, TIE, AnswerPair
from harness.templates import Template
from harness.types import Message, Role, Sample, Verdict
from judges.rubric import PARSER_VERSION, Form
from judges.rubric.asking import reference_notice
from judges.rubric.pair_reply import PAIR_PARSER_VERSION, parse_pair
from judges.rubric.prompt import fence
from judges.rubric.question import USUAL_ANSWER, shows_pairs

DEFAULT_PAIR_RUBRIC = "pair.v1"
WORDS = ("A", "B", "tie")
_SHARES = {"A": FIRST, "B": SECOND, "tie": TIE}
_SAME = tr("the two answers are the same: a tie without a call")
_EMPTY = tr("one of the answers is empty: the other is better, without a call")
_BOTH_EMPTY = tr("both answers are empty: a tie without a call")


class PairQuestion:
    """Which of two answers is better; what is judged is the text of an `AnswerPair`."""

    version: object = ("pair", PAIR_PARSER_VERSION, PARSER_VERSION)
    scale = PAIR_SCALE
    form: Form = "json"
    usual_reply = 100
    ask_again = (
        "いまの返答からは判定を読み取れませんでした。比べ方の基準はそのままに、"
        '{"reason": "判定の理由", "verdict": "A" か "B" か "tie"} という形の JSON だけを返してください。'
    )

    def __init__(self, rubric: Template) -> None:
        """``rubric`` shows both answers and asks for JSON.

        Raises:
            UsageError: it shows one answer, or asks for another form.
        """
        if not {"answer_a", "answer_b"} <= rubric.variables:
            raise UsageError(
                tr("Rubric {rubric} does not show two answers.", rubric=rubric.name),
                hint=tr("A rubric for pairs has {{ answer_a }} and {{ answer_b }}, as pair.v1 has."),
            )
        if rubric.meta.get("reply", "json") != "json":
            raise UsageError(
                tr("Rubric {rubric} does not ask for JSON.", rubric=rubric.name),
                hint=tr("A verdict on a pair is read from JSON alone: reply: json."),
            )
        self.rubric = rubric
        self.usual_text = AnswerPair(first="あ" * USUAL_ANSWER, second="い" * USUAL_ANSWER).text

    def schema(self, most: int | None = None) -> Mapping[str, Any]:
        """Return the schema of a reason and a verdict."""
        return {
            "type": "object",
            "properties": {
                "reason": {"type": "string", **({"maxLength": most} if most else {})},
                "verdict": {"type": "string", "enum": list(WORDS)},
            },
            "required": ["reason", "verdict"],
        }

    def ask_shorter(self, most: int) -> str:
        """Return the wish for a short reason."""
        return f"理由は {most} 文字以内の一文にして、判定まで書いてください。"

    def known(self, text: str) -> Verdict | None:
        """Return a tie for two equal answers, and that an answer is better than none."""
        pair = AnswerPair.of(text)
        empty = [not answer.strip() for answer in (pair.first, pair.second)]
        if all(empty):
            return Verdict.scored(TIE, rationale=_BOTH_EMPTY)
        if any(empty):
            return Verdict.scored(SECOND if empty[0] else FIRST, rationale=_EMPTY)
        return Verdict.scored(TIE, rationale=_SAME) if pair.first == pair.second else None

    def messages(self, sample: Sample, text: str) -> tuple[Message, ...]:
        """Return the rubric with both answers in it."""
        rendered = self.rubric.render_text(**pair_variables(sample, AnswerPair.of(text)))
        system = self.rubric.meta.get("system")
        turns: list[tuple[Role, str]] = [("system", str(system))] if system else []
        return tuple(Message(role=role, content=said) for role, said in [*turns, ("user", rendered)])

    def read(self, reply: str) -> Verdict:
        """Return the verdict in a reply."""
        return parse_pair(reply)

    def notices(self, name: str, task: str, samples: Sequence[Sample]) -> list[Notice]:
        """Return notices if answers are shown without a fence, or a reference is shown that some samples lack."""
        notices: list[Notice] = []
        if not _fences_both(self.rubric):
            notices.append(
                Notice(
                    "rubric_without_fence",
                    tr(
                        "{judge}: rubric {rubric} shows an answer without {{{{ fence }}}} before and after it, so that "
                        "an answer can pass for the rubric's own words; see docs/templates.md.",
                        judge=name,
                        rubric=self.rubric.name,
                    ),
                )
            )
        return [*notices, *reference_notice(name, self.rubric, task, samples)]


def share_of(word: str) -> float:
    """Return what the first answer gets by one of `WORDS`."""
    return _SHARES[word]


def pair_variables(sample: Sample, pair: AnswerPair) -> dict[str, Any]:
    """Return what a rubric for pairs may use; the fence is a word that neither answer contains.

    >>> both = AnswerPair(first="2", second="3")
    >>> sorted(pair_variables(Sample(id="0", inputs={"input": "1+1は？"}), both))
    ['answer_a', 'answer_b', 'criteria', 'fence', 'input', 'reference']
    """
    return {
        "input": sample.input,
        "reference": sample.reference,
        "criteria": sample.criteria,
        "answer_a": pair.first,
        "answer_b": pair.second,
        "fence": fence(f"{pair.first}\0{pair.second}"),
    }


def _fences_both(rubric: Template) -> bool:
    pair = AnswerPair(first="比べる回答その一", second="比べる回答その二")
    values = pair_variables(Sample(id="0", inputs={"input": "課題"}, reference="正解", criteria="基準"), pair)
    try:
        rendered = rubric.render_text(**values)
    except HarnessError:
        return True  # it cannot be rendered at all, which its first use says better
    first, second = rendered.find(pair.first), rendered.find(pair.second)
    if min(first, second) < 0:
        return True
    parts = (rendered[: min(first, second)], rendered[min(first, second) : max(first, second)])
    return all(values["fence"] in part for part in (*parts, rendered[max(first, second) :]))


__all__ = ["DEFAULT_PAIR_RUBRIC", "WORDS", "PairQuestion", "pair_variables", "share_of", "shows_pairs"]
