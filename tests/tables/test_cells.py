"""Cells for spreadsheets: nothing runs, and whatever was written is read back."""

import csv
import io
import itertools
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.human.draw import cell
from harness.tables import read_rows
from harness.tables.cells import guarded, is_ours, unguarded
from reports.results import results_csv
from tests.conftest import RunCli
from tests.reports.test_results import rows as board

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"
BLANKS = [
    "",
    " ",
    "\u3000",
    "\u00a0",
    "\ufeff",
    "\u200b",
    "\t",
    "\r",
    "\n",
    "\r\n",
    " \t",
    "\x00",
    "\x0b",
    "\u2028",
    "　 ",
]


@pytest.mark.parametrize("sign", SIGNS)
def test_no_formula_behind_whatever_blanks(sign: str) -> None:
    """Half-width, full-width and small forms, behind blanks, marks without width, controls and apostrophes."""
    for blank, quote in itertools.product(BLANKS, ("", "'", "''")):
        text = f"{quote}{blank}{sign}HYPERLINK(1)"
        assert f"'{text}" == guarded(text)
        assert text == unguarded(guarded(text))


@pytest.mark.parametrize("text", ["", "'", "''", "a=1", "1-2", "'quoted'", "−1", "–", "ー", "日本", " a", "a\t=1", "#"])
def test_other_text_stays_as_it_is(text: str) -> None:
    """Neither dashes that are no minus, nor quotes, nor signs within the text."""
    assert text == guarded(text) == unguarded(text)


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", "\t", "'\t"])
def test_a_tab_or_break_in_front_is_guarded(text: str) -> None:
    """OWASP's list: some programs drop them and look at what follows."""
    assert text == unguarded(guarded(text)) != guarded(text)


@given(st.text(st.sampled_from("'=＝ \u3000-a\t\n@+") | st.characters(codec="utf-8"), max_size=8))
@example("'=")
@example("''\t")
def test_every_text_comes_back(text: str) -> None:
    """Guarding can be undone for any text, and what is guarded begins with an apostrophe or with what is harmless."""
    assert text == unguarded(guarded(text))
    shown = guarded(text).lstrip(" \u3000\t\r\n\u00a0")
    assert shown[:1] not in set("=+-@＝＋－＠")


@pytest.mark.parametrize(
    "header",
    [
        "item,task,answer,reference,criteria,score,comment",
        "model,prompt,task,task_id,score,rater,comment,item",
        "run,task,task_id,model,answer,judge_repeat,judge_version",
    ],
)
def test_our_own_tables_are_read_back(header: str, tmp_path: Path) -> None:
    """An answer that is a list with hyphens is the same answer again; in a stranger's table an apostrophe is text."""
    texts = ["- 一つ\n- 二つ", "＝１", "'-1", "'tis", "@x", " +1"]
    names = header.split(",")
    assert is_ours(names)
    for ours, table in ((True, names), (False, ["input", *names[2:4]])):
        sheet = io.StringIO()
        csv.writer(sheet).writerows([table, *([guarded(text)] * len(table) for text in texts)])
        path = tmp_path / "x.csv"
        path.write_text(sheet.getvalue(), encoding="utf-8")
        read = [next(iter(row.values.values())) for row in read_rows(path)]
        assert read == (texts if ours else [guarded(text) for text in texts])


def test_results_hold_no_formula_in_any_width() -> None:
    """Labels of models and prompts, as a stranger may choose them."""
    for label in ("＝HYPERLINK(1)", " =1", "\u3000＠x", "＋1", "－1", "\t=1", "'=1"):
        document, _ = board()
        document["rows"][0]["model"] = label
        found = next(csv.DictReader(io.StringIO(results_csv(document))))["model"]
        assert found.startswith("'"), (label, found)


def test_a_cell_of_a_sheet_is_guarded_in_the_same_way() -> None:
    """The sheet's own rule is this one."""
    for text in (*(f"{blank}{sign}1" for blank in BLANKS for sign in SIGNS if "\x00" not in blank), "plain"):
        assert cell(text) == guarded(text.replace("\r\n", "\n"))


def test_exported_answers_can_be_evaluated_again(run_cli: RunCli, task_file: Path) -> None:
    """`harness export` to CSV and back by `outputs:`: the very same answers, hyphens and all."""
    texts = ["- 一つ\n- 二つ", "=1+1", "＝", "'-1", "plain"]
    rows = [["task_id", "output"], *([str(number), text] for number, text in enumerate(texts))]
    sheet = io.StringIO()
    csv.writer(sheet).writerows(rows)
    Path("a.csv").write_text(sheet.getvalue(), encoding="utf-8")
    common = ("--task", "five=five.jsonl", "--judge", "rules", "--model")
    ran = run_cli("eval", *common, "m=outputs:a.csv", "--run", "one")
    assert 0 == ran.code, ran.err
    ran = run_cli("export", "one", "--format", "csv", "--output", "export.csv")
    assert 0 == ran.code, ran.err
    assert "\n'- 一つ" in Path("export.csv").read_text(encoding="utf-8-sig").replace('"', "\n")
    answers = [row.values["answer"] for row in read_rows("export.csv")]
    assert texts == answers
