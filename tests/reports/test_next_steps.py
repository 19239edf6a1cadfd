"""What to do next: the tasks, tags and rules that are named are those that a count by hand finds."""

from dataclasses import replace

from harness.locale import clauses, tr
from harness.types import LIKERT_5, UNIT
from reports.next_steps import failed_rules, leading_row, next_steps, task_score
from reports.wording import words
from tests.reports.conftest import small_report

EN = words("en")


def steps(baseline: str = "base") -> list[str]:
    report = small_report(baseline)
    return [step.sentence for step in next_steps(report.leaderboard.boards[0], report.tables[0], report.answers, EN)]


def test_the_largest_losses_are_read_first() -> None:
    """Against the best row the best of the others loses a point on four tasks, in the tasks' order."""
    found = steps("a|b <i>x</i> `c`")
    names = "日本語モデル / course.v1 is below a|b <i>x</i> `c` / course.v1"
    assert f"Read first, of 4 tasks on which {names}, the largest losses: 0 (-1), 4 (-1), 5 (-1), 7 (-1)" in found
    assert any("is below base / course.v1 on no task" in said for said in steps())


def test_weak_tags_are_below_the_rows_own_mean() -> None:
    """The best row has 3.75 on all and on the tag list, and on the other tag 15 of 4: none is weaker."""
    report = small_report()
    [board, _] = report.leaderboard.boards
    row = leading_row(board)
    assert row is not None
    weak = {tag.tag for tag in row.tags if tag.estimate.value is not None and tag.estimate.value < 3.75}
    named = [step for step in next_steps(board, report.tables[0], report.answers, EN) if step.tags]
    assert weak == {tag for step in named for tag, _ in step.tags}


def test_rules_are_counted_by_their_facts() -> None:
    """The rule that failed in two answers comes before the one that failed in one; plain text is never read."""
    said = tr(
        "{failed} of {n} checks failed. {named}",
        failed=2,
        n=3,
        named=clauses(
            [tr("{kind}: {found}", kind="non_empty", found="x"), tr("{kind}: {found}", kind="regex", found="y")]
        ),
    )
    assert ["non_empty", "regex"] == list(failed_rules(said))
    assert [] == list(failed_rules("non_empty: as a plugin wrote it"))
    report = small_report()
    [board, _] = report.leaderboard.boards
    row = leading_row(board)
    assert row is not None
    texts = {"0": said, "1": tr("{kind}: {found}", kind="regex", found="z")}
    answers = [
        replace(answer, verdicts={"rules": (replace(answer.verdicts["rules"][0], rationale=texts[answer.sample_id]),)})
        for answer in report.answers
        if answer.row == row.key and answer.sample_id in texts
    ]
    found = [step.text for step in next_steps(board, report.tables[0], answers, EN)]
    assert any("fails most: regex (2 answers), non_empty (1 answer)." in text for text in found)


def test_a_score_of_one_task_is_whole_where_points_are() -> None:
    """And has its digits where it is a share or a mean of repeats."""
    assert ("5", "4.50", "+1", "0.500") == (
        task_score(5.0, LIKERT_5), task_score(4.5, LIKERT_5), task_score(1.0, LIKERT_5, with_sign=True),
        task_score(0.5, UNIT),
    )  # fmt: skip
