"""Cautions: what a reader must know is said, and nothing where there is nothing to say."""

from dataclasses import replace

import numpy as np
import pytest

from harness.protocols import Kind
from harness.types import LIKERT_5, RowKey, Sampling
from reports.cautions import cautions
from reports.run_view import Report
from reports.wording import words
from tests.reports.conftest import small_report

EN = words("en")


def said(report: Report, **provenance: object) -> list[str]:
    """Return the cautions beyond the one that the small report has of itself (an answer cut at the limit)."""
    return cautions(replace(report, provenance={**report.provenance, **provenance}), EN)[1:]


def test_a_row_with_cut_answers_is_named() -> None:
    """One of eight answers stopped at the limit."""
    [caution] = cautions(small_report(), EN)
    assert caution.startswith("1 of 8 answers of base / course.v1 on eight stopped at the length limit")


def test_a_few_cut_answers_in_many_rows_are_one_caution() -> None:
    """Where several rows were cut, one sentence names them with their counts."""
    report = small_report()
    cut = [
        replace(answer, generation=replace(answer.generation, finish_reason="length"))
        if answer.sample_id in "01" and answer.generation is not None
        else answer
        for answer in report.answers
    ]
    [caution] = cautions(replace(report, answers=tuple(cut)), EN)
    assert "In 3 rows more than 5 % of the answers on eight stopped at the length limit" in caution
    assert "base / course.v1 3/8" in caution


def test_unlike_prompts_are_said() -> None:
    """Two templates on one board."""
    report = small_report()
    other = [
        replace(answer, row=RowKey(model=answer.row.model, prompt="plain.v1")) if answer.row.model == "base" else answer
        for answer in report.answers
    ]
    [caution] = said(replace(report, answers=tuple(other)))
    assert caution.startswith("Rows were made under different prompts (plain.v1, course.v1)")


def test_answers_from_a_file_beside_generated_ones_are_said() -> None:
    """Rows without a prompt were sampled nobody knows how."""
    report = small_report()
    other = [
        replace(answer, row=RowKey(model="base", prompt=None), sampling=None) if answer.row.model == "base" else answer
        for answer in report.answers
    ]
    [caution] = said(replace(report, answers=tuple(other)))
    assert caution.startswith("The answers of base were read from a file")


def test_unlike_sampling_is_said_with_what_differs() -> None:
    """Only the settings that differ are named."""
    report = small_report()
    other = [
        replace(answer, sampling=Sampling(temperature=0.7)) if answer.row.model == "base" else answer
        for answer in report.answers
    ]
    [caution] = said(replace(report, answers=tuple(other)))
    assert "base: temperature 0.7" in caution
    assert "temperature 0.0" in caution
    assert "max_new_tokens" not in caution


def test_unlike_precision_is_said() -> None:
    """A 4-bit row beside a 16-bit one."""
    details = {
        "a": {"quantization": "nf4", "dtype": "bfloat16", "base": "x"},
        "b": {"quantization": None, "dtype": "bfloat16", "base": "y"},
    }
    [caution] = said(small_report(), model_details=details)
    assert "a: quantization nf4; b: quantization none" in caution
    assert [] == said(small_report(), model_details={"a": details["a"]})


def test_rows_of_several_engines_are_said_with_what_is_known_of_them() -> None:
    """Measured to be equal or not; one engine alone is nothing to say."""
    hf, other = {"route": "plain"}, {"route": "plain", "engine": "vllm 0.27.1"}
    certified = {"b": {"verdict": "equal"}}
    [caution] = said(small_report(), model_details={"a": hf, "b": other}, parity=certified)
    assert "a: engine hf; b: engine vllm 0.27.1. Each was measured" in caution
    [caution] = said(small_report(), model_details={"a": hf, "b": other})
    assert "Nobody has measured" in caution
    assert [] == said(small_report(), model_details={"a": other, "b": other}, parity=certified)


def test_runs_of_unlike_versions_or_templates_are_said() -> None:
    """Merged runs that another library, or another text under one template name, may have moved."""
    runs = {
        "one": {"versions": {"torch": "2.6"}, "templates": {"mine": {"sha256": "a"}}},
        "two": {"versions": {"torch": "2.7"}, "templates": {"mine": {"sha256": "b"}}},
    }
    template, version = said(small_report(), runs=runs)
    assert "Prompt mine is another text in each run" in template
    assert "The runs were made with different versions of torch." == version


@pytest.mark.parametrize(("score", "other", "kind", "named"), [
    (1.0, 1.0, "quality", True), (5.0, 5.0, "human", True), (1.0, 2.0, "quality", False), (1.0, 1.0, "checks", False),
])  # fmt: skip
def test_one_score_throughout_is_said(score: float, other: float, kind: Kind, named: bool) -> None:
    """Twelve tasks with one score of a judge of quality; one that differs, or a check, is no reason."""
    report = small_report()
    [table, *_] = report.tables
    cells = np.full((1, 12, 1, 1), score)
    cells[0, 7] = other
    samples = tuple(replace(table.samples[0], id=str(n)) for n in range(12))
    judge = replace(table.judge, kind=kind, scale=LIKERT_5, name="j")
    made = replace(table, judge=judge, rows=table.rows[:1], samples=samples, cells=cells, planned=None)
    found = [caution for caution in cautions(replace(report, tables=(made,)), EN) if caution.startswith("j gave ")]
    assert ([f"j gave base / course.v1 the score {score:g} on every task of {table.task}."] if named else []) == [
        caution.split(" Look")[0] for caution in found
    ]
