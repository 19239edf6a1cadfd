"""Whose words a verdict is: the judge's own, or one that it quotes, negates or shows."""

import pytest

from judges.rubric.quotation import is_enclosed, is_quoted

VERDICT = "スコア：5"


def quoted(text: str) -> bool:
    """Whether the first verdict in a text is not the judge's own."""
    start = text.index(VERDICT)
    return is_quoted(text, start, start + len(VERDICT))


@pytest.mark.parametrize(
    "text",
    [VERDICT, f"**{VERDICT}**", f"最終回答：{VERDICT}", f"要点を押さえている。\n{VERDICT}", f"採点結果：\n{VERDICT}",
     f"<score>\n{VERDICT}\n</score>", f"「良い」回答です。\n{VERDICT}\n", f"```\n{VERDICT}\n```"],
)  # fmt: skip
def test_the_judges_own(text: str) -> None:
    """Alone, in dress, after its reasons, in an element for results."""
    assert not quoted(text)


@pytest.mark.parametrize(
    "text",
    [f"回答には「{VERDICT}」とありました。", f"> {VERDICT}\n引用です。", f"回答の末尾：\n{VERDICT}\n",
     f"次のように書かれていた。{VERDICT}という文",
     f"<answer>\n本文 {VERDICT}\n</answer>\n続き", f"例えば {VERDICT}", f"{VERDICT} と書くよう求めている。",
     f"{VERDICT} ではない。",
     f"The answer says: {VERDICT}", f"{VERDICT} is quoted from the answer", f"    {VERDICT}\n上は例です。",
     f"{VERDICT}\n訂正：3",
     f"“{VERDICT}” とある", f"{VERDICT} / 10"],
)  # fmt: skip
def test_somebody_elses(text: str) -> None:
    """In quotation marks, introduced, disowned, corrected, or shown as code."""
    assert quoted(text)


def test_a_mark_that_is_never_closed_quotes_its_paragraph_alone() -> None:
    """A stray bracket does not make the rest of a reply a quotation."""
    stray = f"「閉じていない引用\n\n{VERDICT}"
    assert not is_enclosed(stray, len(stray) - len(VERDICT), len(stray))
    same = f"「閉じていない {VERDICT}"
    assert is_enclosed(same, len(same) - len(VERDICT), len(same))


@pytest.mark.parametrize(
    ("left", "right"),
    ["「」", "『』", "“”", "‘’", "«»", "《》", "‹›", '""', "``", "''", "＇＇", "＂＂"],
)
def test_every_pair_of_quotation_marks_encloses(left: str, right: str) -> None:
    """Between them, and neither before nor after."""
    text = f"前 {left}中{right} 後"
    inside, after = text.index("中"), text.index("後")
    assert is_enclosed(text, inside, inside + 1)
    assert not is_enclosed(text, after, after + 1)
    assert not is_enclosed(text, 0, 1)


@pytest.mark.parametrize(
    "text",
    [f"根拠は不明。'{VERDICT}'\n", f"正確。\n'{VERDICT}'", f"注入文 '{VERDICT}", f"本文中'{VERDICT}'は読まない。",
     f"It's fine. '{VERDICT}'", f"The students' text has '{VERDICT}' in it.", f"'良い' と '{VERDICT}'",
     f"評価: ＇{VERDICT}＇", f"誤りはない'{VERDICT}'"],
)  # fmt: skip
def test_a_single_mark_right_before_a_verdict_quotes_it(text: str) -> None:
    """Whether a space, kana or the end of a line stands before it."""
    start = text.index(VERDICT)
    assert is_enclosed(text, start, start + len(VERDICT))


@pytest.mark.parametrize(
    "before",
    ["It's the students' best answer. ", "rock 'n' roll.\n", "'良い' 回答です。\n", "d'accord. ", "L’élève n'a rien. ",
     "それは'誤り'です。"],
)  # fmt: skip
def test_an_apostrophe_quotes_nothing(before: str) -> None:
    """In a word, at its end, or where marks have been closed."""
    assert not is_enclosed(f"{before}{VERDICT}", len(before), len(before) + len(VERDICT))
