"""The drift of a judge as a table, a chart and values."""

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from harness.analysis.drift import Drift, drift
from harness.stats.equating import equate
from harness.types import LIKERT_5
from reports.drift import drift_document, drift_markdown, drift_svg


@pytest.fixture
def found() -> list[Drift]:
    """Twice: half a point down and equated, then nothing and held apart."""
    old = np.tile([2.0, 3.0, 4.0, 5.0], 10)
    moved = np.clip(old - np.tile([1, 0, 1, 0], 10), 1, 5)
    made = []
    for place, (new, equating) in enumerate(((moved, equate(moved, old)), (old, None))):
        before, after, difference = drift(old.tolist(), new.tolist(), list(range(40)), LIKERT_5)
        made.append(
            Drift(
                judge="j|x", old=f"m-{place}", new=f"m-{place + 1}", shown=f"m-{place}", date=f"2026-1{place}-01T00:00",
                old_mean=before, new_mean=after, difference=difference, equating=equating,
            )
        )  # fmt: skip
    return made


@pytest.mark.parametrize(("language", "linear"), [("en", "linear"), ("ja", "線形等化")])
def test_as_a_table(found: list[Drift], language: str, linear: str) -> None:
    """By date, with both means, the difference and its interval; names cannot break the table."""
    text = drift_markdown(found, language=language)
    assert "| 2026-10-01 | j\\|x" in text
    assert "3.50" in text
    assert "-0.50 (" in text
    assert linear in text
    assert "" == drift_markdown([], language=language)


def test_as_a_chart(found: list[Drift]) -> None:
    """Well-formed, with each change by name, and nothing that loads."""
    chart = drift_svg(found)
    ET.fromstring(chart)
    assert "2026-10-01 m-0" in chart
    assert "href" not in chart.replace("http://www.w3.org/2000/svg", "")


def test_as_values(found: list[Drift]) -> None:
    """Equating score by score, with standard errors; JSON without NaN."""
    first, second = json.loads(json.dumps(drift_document(found), allow_nan=False))
    assert ([1, 2, 3, 4, 5], 5) == (first["equating"]["scores"], len(first["equating"]["standard_errors"]))
    assert (None, -0.5) == (second["equating"], first["difference"]["value"])


def test_means_and_a_difference_that_do_not_add_up_are_explained(found: list[Drift]) -> None:
    """Thirds never do; nothing is said where they do."""
    assert "rounded for itself" not in drift_markdown(found)
    thirds = [replace(one, old_mean=10 / 3, new_mean=11 / 3, difference=replace(one.difference, value=1 / 3))
              for one in found]  # fmt: skip
    assert "rounded for itself" in drift_markdown(thirds)
