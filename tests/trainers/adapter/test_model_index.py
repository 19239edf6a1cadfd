"""Scores in a card's metadata, read back by the Hub's own parser."""

from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from tests.trainers.adapter.cards import made
from trainers.adapter.card import update_scores
from trainers.adapter.model_index import model_index, with_model_index
from trainers.adapter.scores import Score, ScoreRow


def row(*, is_baseline: bool = False, run: str = "r", **changes: Any) -> ScoreRow:
    values: dict[str, Any] = {
        "task": "elyza-tasks-100",
        "judge": "gemini",
        "model": "adapter:out",
        "prompt": "course.v1",
        "scale": (1.0, 5.0),
        "mean": 3.4000000000000004,
        "low": 3.1,
        "high": 3.7,
        "confidence": 0.95,
        "n": 98,
        "n_unscored": 2,
        "method": "logit-t",
    }
    return ScoreRow(run=run, date="", is_baseline=is_baseline, score=Score(**values | changes))


def test_the_hubs_own_parser_reads_every_score() -> None:
    """Value, judge, n, unscored, interval and scale; the baseline's row and a mean that is none are left out."""
    rows = [
        row(is_baseline=True, model="base", mean=2.0),
        row(),
        row(judge="rules", scale=(0.0, 1.0), mean=0.5, low=None, high=None),
        row(task="bundled:ja-mini", judge="rules", mean=0.25),
        row(judge="chrf", mean=None),
    ]
    card = ModelCard(made(scores=rows))
    assert "out" == card.data.model_name
    found = {(one.dataset_name, one.metric_args["judge"]): one for one in card.data.eval_results}
    assert {("elyza-tasks-100", "gemini"), ("elyza-tasks-100", "rules"), ("bundled:ja-mini", "rules")} == set(found)
    first = found["elyza-tasks-100", "gemini"]
    assert (3.4000000000000004, "text-generation", "elyza/ELYZA-tasks-100") == (
        *(first.metric_value, first.task_type, first.dataset_type),
    )
    assert (98, 2, [3.1, 3.7], [1.0, 5.0], "r") == tuple(
        first.metric_args[key] for key in ("n", "n_unscored", "interval", "scale", "run")
    )
    assert "mean score by gemini (1-5), n = 98" == first.metric_name
    assert "bundled-ja-mini" == found["bundled:ja-mini", "rules"].dataset_type
    again = ModelCard(str(card))
    assert card.data.eval_results == again.data.eval_results


def test_without_scores_there_is_no_index() -> None:
    """Nor one of a baseline alone."""
    assert "model-index" not in made()
    assert [] == model_index("out", [row(is_baseline=True)])


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_new_scores_replace_the_old_ones_and_nothing_else(ends: str) -> None:
    """What a person added stays, before it and behind it, with the name and the line ends."""
    text = made(scores=[row(mean=1.5)]).replace("library_name: peft\n", "library_name: peft  # mine\nwidget: [a]\n", 1)
    front, rest = text.removeprefix("---\n").split("\n---\n", 1)
    text = f"---\n{front}\nlicense: cc-by-nc-sa-4.0\n\nthumbnail: x.png\n---\n{rest}".replace("\n", ends)
    changed = update_scores(text, [row(mean=4.5)])
    assert changed == update_scores(changed, [row(mean=4.5)])
    card = ModelCard(changed)
    assert [4.5] == [one.metric_value for one in card.data.eval_results]
    assert "out" == card.data.model_name
    assert 1 == changed.count("model-index:")
    assert f"library_name: peft  # mine{ends}widget: [a]{ends}" in changed
    before, after = (yaml.safe_load(one.split("---")[1]) for one in (text, changed))
    del before["model-index"], after["model-index"]
    assert before == after
    assert ("\r\n" in changed, changed.count("\n") == changed.count(ends)) == (ends == "\r\n", True)


def test_a_card_without_front_matter_gets_none() -> None:
    """Somebody took it out; a line of dashes in the text is no front matter."""
    text = "# Mine\n\n---\nby hand\n---\n"
    assert text == with_model_index(text, [row()])
