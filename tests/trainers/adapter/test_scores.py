"""Scores of an adapter from results.json: found by its digest, with their cautions."""

from collections.abc import Mapping
from typing import Any

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.errors import HarnessError, InputError
from trainers.adapter.scores import adapter_scores


def tokens(text: str) -> list[Token]:
    """Return what Markdown makes of a card's body."""
    return MarkdownIt("gfm-like", {"linkify": False}).parse(ModelCard(text).text)


def code(text: str, language: str) -> list[str]:
    """Return the code blocks in one language."""
    return [token.content for token in tokens(text) if token.type == "fence" and token.info == language]


def document(details: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a results.json with one comparison against base."""
    comparison = {
        "task": "t",
        "judge": "rules",
        "baseline": {"model": "base", "prompt": "p"},
        "candidate": {"model": "a", "prompt": "p"},
        "difference": 0.2,
        "low": 0.1,
        "high": 0.3,
        "confidence": 0.95,
        "p_adjusted": 0.01,
        "n_pairs": 5,
        "n_missing": 0,
        "method": "paired-t",
        "wins": 3,
    }
    cautions = [
        {"task": None, "judge": None, "caution": "of the run"},
        {"task": "t", "judge": "rules", "caution": "of the board"},
        {"task": "t", "judge": "other", "caution": "of another"},
    ]
    return {"schema": 1, "run": "r", "rows": rows, "comparisons": [comparison], "cautions": cautions,
            "provenance": {"date": "2026-11-22", "model_details": details, "versions": {}}}  # fmt: skip


def row(model: str, judge: str = "rules", prompt: str | None = "p") -> dict[str, Any]:
    """Return a row as results.json has it."""
    return {"task": "t", "judge": judge, "kind": "checks", "scale": [0, 1], "model": model, "prompt": prompt,
            "mean": 0.5, "low": None, "high": None, "confidence": 0.95, "n": 5, "n_unscored": 1,
            "length_stop_rate": None, "method": "wilson", "tags": [], "rank_low": 1}  # fmt: skip


def test_the_rows_of_an_adapter_are_found_by_its_digest() -> None:
    """Its own and the baseline's, not those of an older training under a name that looks the same."""
    details = {"base": {"adapter_digest": None}, "a": {"adapter_digest": "d1"}, "adapter:out": {"adapter_digest": "d0"}}
    found = adapter_scores(document(details, [row("base"), row("a"), row("adapter:out")]), "d1", where="r")
    assert [("base", True, None), ("a", False, 0.2)] == [
        (line.score.model, line.is_baseline, line.against and line.against.difference) for line in found
    ]
    assert ("of the run", "of the board") == found[1].cautions


def test_who_scored_is_guessed_from_the_name_where_a_row_does_not_say_it() -> None:
    """Older files did not; a row that says nobody did is believed, whatever its judge is called."""
    rows = [row("a", "gemini:x"), row("a", "openai:y") | {"scored_by": None}, row("a", "rules")]
    found = adapter_scores(document({"a": {"adapter_digest": "d1"}}, rows), "d1", where="r")
    assert {"gemini:x": "model", "openai:y": None, "rules": None} == {
        line.score.judge: line.score.scored_by for line in found
    }


def test_the_cautions_of_schema_2_are_read_as_well() -> None:
    """They are among the notices, whose notes are no cautions; of another board's none is taken."""
    one = document({"a": {"adapter_digest": "d1"}}, [row("base"), row("a")])
    two = {key: value for key, value in one.items() if key != "cautions"} | {
        "schema": 2,
        "notices": [
            {"code": "x", "severity": "note", "values": {}, "text": "a note", "task": None, "judge": None},
            *(
                {"code": "c", "severity": "caution", "values": {}, "text": found["caution"],
                 "task": found["task"], "judge": found["judge"]}
                for found in one["cautions"]
            ),
        ],
    }  # fmt: skip
    assert adapter_scores(one, "d1", where="r") == adapter_scores(two, "d1", where="r")


def test_an_adapter_that_is_the_baseline_stands_alone() -> None:
    """No row is shown twice, and no comparison is turned around."""
    found = adapter_scores(document({"base": {"adapter_digest": "d1"}}, [row("base"), row("a")]), "d1", where="r")
    assert [("base", False, None)] == [(line.score.model, line.is_baseline, line.against) for line in found]


def test_a_run_without_the_adapter_names_what_it_evaluated() -> None:
    """With the digests, so that an older training of the same name is recognised; the hint says what to do."""
    details = {"base": {}, "adapter:out": {"adapter_digest": "d0" * 32}}
    with pytest.raises(HarnessError) as refused:
        adapter_scores(document(details, [row("base"), row("adapter:out")]), "d1" * 32, where="r")
    assert (
        "Run 'r' did not evaluate this adapter (d1d1d1d1d1d1); it evaluated base, adapter:out (adapter d0d0d0d0d0d0)."
    ) == refused.value.message
    assert "evaluate it anew" in str(refused.value.hint)


@pytest.mark.parametrize("change", [{"rows": 5}, {"rows": [{"task": "t"}]}, {"provenance": None}, {"comparisons": [7]}])
def test_a_damaged_document_is_named(change: dict[str, Any]) -> None:
    """The file and the entry, not a traceback."""
    with pytest.raises(InputError, match=r"runs/r/results.json: (rows|provenance|comparisons)"):
        adapter_scores(document({}, []) | change, "d1", where="runs/r/results.json")
