"""Files of what people said of pairs."""

import pytest

from harness.errors import InputError
from harness.human.pair_ratings import holds_pairs, pair_ratings_text, pairs_of, read_pair_ratings
from harness.pairs.planned import PairRating
from harness.tables import Row, Table
from harness.types import PlannedTask, RowKey, Sample

BASE, A, B = (RowKey(model=name, prompt=None) for name in ("base", "a", "b"))
TASKS = [PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": "x"}) for n in range(3)))]


def table(*rows: dict[str, object]) -> Table:
    return Table(path="p.csv", sha256="", rows=tuple(Row(line=n + 2, values=row) for n, row in enumerate(rows)))


def line(**changed: object) -> dict[str, object]:
    return {"model_a": "a", "model_b": "base", "task_id": 0, "verdict": "A", **changed}


def read(*rows: dict[str, object], known: tuple[RowKey, ...] = (BASE, A, B)) -> list[PairRating]:
    return list(read_pair_ratings(table(*rows), TASKS, known, baseline="base").ratings)


def test_a_verdict_is_about_the_models_of_its_line() -> None:
    """A was shown first, unless the order says that B was."""
    found = read(line(), line(task_id=1, verdict="b", rater="1"), line(task_id=2, verdict="A", order="BA"))
    assert [(one.first, one.second, one.share, one.rater) for one in found] == [
        (A, BASE, 1.0, None), (A, BASE, 0.0, "1"), (BASE, A, 0.0, None),
    ]  # fmt: skip
    assert [one.task for one in found] == ["t"] * 3


def test_a_tie_is_one_in_either_order() -> None:
    """And an empty verdict is a skip, with its reason if the file has one."""
    found = read(line(verdict="Tie", order="BA"), line(task_id=1, verdict="", skip="unclear_task"))
    assert [(one.share, one.skip) for one in found] == [(0.5, None), (None, "unclear_task")]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"verdict": "C"}, "verdict 'C' is none of A, B and tie"),
        ({"verdict": "A or B"}, "none of A, B and tie"),
        ({"order": "AA"}, "order 'AA' is neither"),
        ({"model_b": "a"}, "meets itself"),
    ],
)
def test_what_is_no_verdict_is_named_with_its_line(changed: dict[str, object], said: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InputError, match=said) as refused:
        read(line(), line(**changed))
    assert "p.csv:3" in str(refused.value)


def test_a_prompt_is_needed_where_a_model_has_several() -> None:
    """Else its one row is meant."""
    rows = tuple(RowKey(model="a", prompt=prompt) for prompt in ("p", "q"))
    with pytest.raises(InputError, match="several prompts"):
        read(line(), known=(BASE, *rows))
    (found,) = read(line(prompt_a="q"), known=(BASE, *rows))
    assert found.first == rows[1]


def test_others_models_and_tasks_are_left_out_and_told() -> None:
    """With their lines; a file with nothing else is an error."""
    found = read_pair_ratings(
        table(line(), line(model_a="stranger"), line(task_id=99)), TASKS, (BASE, A), baseline="base"
    )
    assert len(found.ratings) == 1
    assert "lines 3, 4" in found.notices[0]
    with pytest.raises(InputError, match="no verdict is about two models"):
        read(line(model_a="stranger"))


def test_a_missing_column_is_named() -> None:
    """Before anything is read."""
    with pytest.raises(InputError, match="no column 'verdict'"):
        read({"model_a": "a", "model_b": "b", "task_id": 0})
    assert not holds_pairs(table({"model": "a", "score": 1}))
    assert holds_pairs(table(line()))


def test_what_is_written_is_read_again() -> None:
    """In the order in which it was shown."""
    ratings = [
        PairRating(task="t", task_id="0", first=BASE, second=A, share=0.0, rater="2", comment="短い, でも正確"),
        PairRating(task="t", task_id="1", first=A, second=B, share=None, rater="1", skip="other"),
    ]
    text = pair_ratings_text(ratings)
    head, *lines = text.splitlines()
    rows = [dict(zip(head.split(","), row.split(",", 10), strict=True)) for row in lines]
    rows[0]["comment"] = rows[0]["comment"].strip('"')
    assert read(*rows) == ratings


def test_pairs_have_the_baseline_as_opponent() -> None:
    """Whoever was shown first."""
    ratings = [
        PairRating(task="t", task_id="0", first=first, second=second, share=1.0)
        for first, second in ((BASE, A), (A, BASE), (B, A))
    ]
    assert [(pair.candidate, pair.opponent) for pair in pairs_of(ratings, "base")] == [(A, BASE), (A, B)]
