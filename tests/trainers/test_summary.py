"""What is said before a training begins; more of it in test_prepare, beside what it is about."""

import pytest

from tests.trainers.test_prepare import ROWS, Prepare, ready  # noqa: F401 - ready is a fixture
from trainers.summary import previews, summary


def test_previews_are_of_the_first_samples(ready: Prepare) -> None:  # noqa: F811 - the fixture
    """As many as asked for, or as there are."""
    prepared = ready(ROWS[:3])
    assert [1, 3, 3] == [len(previews(prepared, count)) for count in (1, 3, 99)]
    assert "row 1: " in previews(prepared, 1)[0]


@pytest.mark.parametrize(("recipe", "one"), [("cpu-demo", "samples"), ("dpo", "pairs")])
def test_what_is_counted(ready: Prepare, recipe: str, one: str) -> None:  # noqa: F811 - the fixture
    """Of a preference training, pairs, each with both its answers."""
    rows = [
        {"text": row["text"], "output": row["output"], "chosen": row["output"], "rejected": f"別の答え{number}"}
        for number, row in enumerate(ROWS)
    ]
    line = summary(ready(rows, recipe=recipe))[2]
    assert f"20 {one} of " in line
    assert line.endswith(one)
