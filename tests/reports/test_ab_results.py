"""An A/B test as plain values: unrounded, whole, and JSON."""

import json

import pytest

from reports.ab_results import ab_document
from tests.reports.test_ab import made


def test_every_figure_of_the_test_is_there_unrounded() -> None:
    """Means, effects, plan and selection; who is better than whom."""
    test = made({"plain.v1": 0, "polite.v1": 1})
    [found] = ab_document([test])
    assert "two dozen" == json.loads(json.dumps(found, allow_nan=False))["task"]
    assert (["base", "調整|済み"], ["plain.v1", "polite.v1"], "plain.v1", [1, 5]) == (
        found["models"], found["prompts"], found["control"], found["scale"],
    )  # fmt: skip
    assert [cell.estimate.value for cell in test.cells] == [cell["mean"] for cell in found["cells"]]
    assert [one.result.p_adjusted for one in test.effects] == [one["p_adjusted"] for one in found["effects"]]
    assert test.winner == found["winner"]
    assert [{"prompt": a, "than": b} for a, b in test.beats] == found["better"]
    assert [(one.sample.id, one.spread) for one in test.apart] == [
        (one["task_id"], one["spread"]) for one in found["differ_most"]
    ]


@pytest.mark.parametrize("models", [("base",), ("base", "tuned")])
def test_differences_of_differences_name_the_models(models: tuple[str, ...]) -> None:
    """With one model there is no interaction; without a selection its entry is null."""
    test = made({"plain.v1": 0, "polite.v1": 1, "chat.v1": 1}, models)
    [found] = ab_document([test])
    assert bool(found["interactions"]) is (len(models) > 1)
    for contrast in found["interactions"]:
        assert {"model", "candidate", "baseline", "difference", "p_value", "wins"} <= set(contrast)


def test_no_test_is_no_entry() -> None:
    """And two are two, in order."""
    first, second = made({"plain.v1": 0, "a": 1}), made({"plain.v1": 0, "b": 1})
    assert [] == ab_document([])
    assert [["plain.v1", "a"], ["plain.v1", "b"]] == [one["prompts"] for one in ab_document([first, second])]
