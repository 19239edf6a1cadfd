"""Why an answer has no score: a code that programs can count, and the words that people read.

The codes are stable and short; what differs from answer to answer (a server's words, a line of a file) is in the text
alone. docs/unscored.md lists them all.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, Self, get_args

from harness.locale import tr
from harness.locale.coded import Coded, is_code
from harness.locale.facts import fact_of, text_of

Code = Literal[
    # there is no answer, or nobody was asked
    "no_answer",
    "not_generated",
    "not_asked",
    "generation_failed",
    "not_judged",
    "cost_limit",
    "quota_ended",
    # the judge as a program
    "other",
    "no_score",
    "metric_left_out",
    "judge_off_scale",
    "judge_crashed",
    "judge_unavailable",
    "judge_given_up",
    "other_version",
    "version_changed",
    # checks and similarity
    "no_checks",
    "bad_rule",
    "check_undecided",
    "no_reference",
    # panels
    "panel_member_missing",
    "panel_member_constant",
    # ratings
    "not_rated",
    "not_drawn",
    "blank_rating",
    "rating_skipped",
    "rating_not_a_number",
    "rating_off_scale",
    "no_usable_rating",
    # a served judge that gave no reply
    "call_key",
    "call_quota",
    "call_day",
    "call_model",
    "call_request",
    "call_rate",
    "call_server",
    "call_timeout",
    "call_network",
    "call_reply",
    "call_size",
    "call_context",
    "call_safety",
    "call_empty",
    "call_unfinished",
    "call_stopped",
    # a judge that tells how probable each score is
    "mass_outside",
    "local_failed",
    "no_probabilities",
    # a reply that cannot be read
    "reply_empty",
    "reply_only_thinks",
    "reply_too_long",
    "reply_no_verdict",
    "reply_no_json",
    "reply_no_number",
    "reply_no_label",
    "reply_off_scale",
    "reply_other_scale",
    "reply_not_a_number",
    "reply_not_a_verdict",
    "reply_several",
    "reply_too_many",
    "reply_quoted",
    "reply_broken_json",
    "reply_double_key",
    "reply_label_in_prose",
    "reply_number_after",
    "reply_unclear_thinking",
]
CODES: tuple[str, ...] = get_args(Code)


class Unscored(Coded):
    """Why an answer has no score: a message that knows its ``code``.

    ``detail`` says it in words, as a message of ours or as somebody else said it; ``where`` is the place in a file that
    it comes from, which no table of reasons shows.

    >>> blank = Unscored("blank_rating", tr("blank score"), where="ratings.csv:7")
    >>> blank, blank.code, blank.general
    ('blank score (ratings.csv:7)', 'blank_rating', 'blank score')

    Raises:
        ValueError: the code is no short word (a plugin may have codes of its own).
    """

    __slots__ = ()

    def __new__(cls, code: Code | str, detail: str, *, where: str | None = None) -> Self:
        """Keep the code beside the words."""
        return super().__new__(
            cls, code, detail if where is None else tr("{reason} ({where})", reason=detail, where=where)
        )

    @property
    def general(self) -> "Unscored":
        """The reason without the place that it comes from: what is alike for many answers."""
        return Unscored(self.code, self.values["reason"]) if self.values.keys() == {"reason", "where"} else self


def code_of(reason: str) -> str:
    """Return the code of a reason; a text that has none is "other".

    >>> code_of(Unscored("no_reference", tr("no reference"))), code_of("as a plugin said it")
    ('no_reference', 'other')
    """
    return reason.code if isinstance(reason, Unscored) else "other"


def as_unscored(reason: str) -> Unscored:
    """Return a reason with its code, whoever gave it."""
    return reason if isinstance(reason, Unscored) else Unscored("other", reason)


def by_code(reasons: Mapping[str, int] | Mapping[Unscored, int]) -> list[dict[str, Any]]:
    """Return how often each code occurs among counted reasons, the commonest first.

    >>> by_code({Unscored("call_rate", "HTTP 429"): 2, Unscored("no_score", "-"): 1, Unscored("call_rate", "429"): 1})
    [{'code': 'call_rate', 'count': 3}, {'code': 'no_score', 'count': 1}]
    """
    counts: Counter[str] = Counter()
    for reason, count in reasons.items():
        counts[code_of(reason)] += count
    return [{"code": code, "count": count} for code, count in counts.most_common()]


def reason_fact(reason: str) -> dict[str, Any]:
    """Return a reason as plain values: the code and the message, so that it can be said in any language later."""
    return fact_of(reason) | {"reason": code_of(reason)}


def reason_of(fact: object, text: str) -> str:
    """Return the reason of a fact; the ``text`` alone where the fact is of another one, or is damaged.

    >>> blank = Unscored("blank_rating", tr("blank score"), where="ratings.csv:7")
    >>> again = reason_of(reason_fact(blank), str(blank))
    >>> again == blank, code_of(again), code_of(reason_of(None, "blank score"))
    (True, 'blank_rating', 'other')
    """
    if not isinstance(fact, Mapping) or fact.get("text") != text:
        return text
    code = str(fact.get("reason"))
    return Unscored(code, text_of(fact)) if is_code(code) else text
