"""What is to be known of a run: a code that programs can tell apart, and the words that people read.

The codes are stable and short, and a message may be reworded without one changing; what differs from run to run is in
its values. docs/notices.md lists them all.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from harness.locale import Text
from harness.locale.coded import Coded, is_code
from harness.locale.facts import fact_of, text_of

Code = Literal[
    # tasks and seals
    "task_set_part",
    "task_ids_by_row",
    "sealed_now",
    "sealed_left_out",
    "sealed_share_kept",
    "seal_opened",
    "seal_seen_before",
    "seal_tasks_missing",
    # models
    "base_of_adapter",
    "chat_template_of_adapter",
    "base_not_recorded",
    "base_by_name",
    "base_as_given",
    "prompt_unknown",
    "prompt_mismatch",
    "adapter_partly_used",
    "adapter_tokenizer",
    "adapter_hardly_acts",
    "weights_dequantized",
    "no_bos_token",
    "no_chat_template",
    "end_token_differs",
    "batch_plan",
    "batch_halved",
    "graphs_unused",
    "graphs_given_up",
    "model_retires",
    "engine_chosen",
    # files of other tools
    "file_recognised",
    "file_caution",
    "answers_by_text",
    "metric_left_out",
    "metric_scale",
    "scores_averaged",
    # judges
    "only_checks",
    "nothing_to_judge",
    "no_reference",
    "judged_without_reference",
    "no_rules",
    "rubric_without_fence",
    # ratings
    "ratings_for_all_prompts",
    "ratings_unusable",
    "ratings_elsewhere",
    "ratings_nameless",
    "ratings_of_other_tasks",
    "ratings_missing",
    # looks and the ledger
    "looked_before",
    "looks_not_merged",
    "ledger_not_written",
    "ledger_overlap",
    # intervals of a board
    "clusters_too_few",
    "clusters_few",
    "clusters_unlike",
    "these_no_repeats",
    "these_answered_once",
    "these_drawn",
    "these_panel",
    "these_equated",
    # one comparison
    "pair_no_common_task",
    "pair_all_equal",
    "pair_few_differ",
    "pair_skewed",
    "pair_scores_missing",
    # plugins
    "plugin_unread",
    "other",
]
CODES: tuple[str, ...] = get_args(Code)


class Notice(Coded):
    """What a reader should know: a message with its ``code``, one of `CODES` or a plugin's own.

    >>> from harness.locale import tr
    >>> Notice("no_reference", tr("{name}: no reference", name="chrf")).code
    'no_reference'

    Raises:
        ValueError: the code is no short word.
    """

    __slots__ = ()


def as_notice(text: str) -> Notice:
    """Return a notice, whoever gave it: a text without a code is "other".

    >>> as_notice("as a plugin said it"), as_notice("as a plugin said it").code
    ('as a plugin said it', 'other')
    """
    return text if isinstance(text, Notice) else Notice("other", text)


def about(label: str, notice: str) -> Notice:
    """Return a notice that opens with whom it is about, with its code.

    >>> said = about("tuned", Notice("no_bos_token", "no token"))
    >>> said, said.code
    ('tuned: no token', 'no_bos_token')
    """
    known = as_notice(notice)
    return Notice(known.code, Text("{label}: {notice}", {"label": label, "notice": known}))


def notice_fact(notice: str) -> dict[str, Any]:
    """Return a notice as plain values: the code and the message, so that it can be said in any language later."""
    return fact_of(known := as_notice(notice)) | {"notice": known.code}


def notice_facts(notices: Iterable[str]) -> list[dict[str, Any]]:
    """Return several notices as plain values."""
    return [notice_fact(notice) for notice in notices]


def notice_of(fact: object) -> Notice:
    """Return the notice of a fact; that of an older file, which had no codes, is "other".

    >>> again = notice_of(notice_fact(Notice("no_rules", "no rules")))
    >>> again, again.code, notice_of("as it stands").code
    ('no rules', 'no_rules', 'other')
    """
    code = str(fact.get("notice")) if isinstance(fact, Mapping) else ""
    return Notice(code if is_code(code) else "other", text_of(fact))


def notices_of(facts: Sequence[object]) -> tuple[Notice, ...]:
    """Return the notices of several facts.

    Raises:
        TypeError: they are one text, or nothing that holds several.
    """
    if isinstance(facts, str):
        raise TypeError(f"several messages, not the text {facts!r}")
    return tuple(notice_of(fact) for fact in facts)
