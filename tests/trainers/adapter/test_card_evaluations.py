"""What a card says of evaluations on the way: every one, what the best is worth, and why training stopped."""

from dataclasses import replace

import pytest

from harness.locale import LANGUAGES, Language
from reports.wording import words
from tests.trainers.adapter.cards import headings, made
from tests.trainers.adapter_folders import record_of
from trainers.adapter.card_evaluations import evaluations_section
from trainers.adapter.training_record import ChosenCheckpoint, Evaluated, Evaluations

FOUND = Evaluations(
    run="train-mine",
    tasks="dev|x",
    n_tasks=40,
    part="open",
    judge="rules",
    scale=(0.0, 1.0),
    margin=0.075,
    evaluated=(
        Evaluated(step=0, mean=0.5, low=0.4, high=0.6, n=40),
        Evaluated(step=50, mean=0.625, low=0.5, high=0.75, n=40, difference=0.125, difference_low=-0.02,
                  difference_high=0.27, verdict="undecided"),
        Evaluated(step=100, mean=None, low=None, high=None, n=0),
    ),
    best=ChosenCheckpoint(step=50, naive=0.125, honest=0.0625, low=-0.05, high=0.2, agreement=0.62),
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_evaluation_and_what_the_best_is_worth(language: Language) -> None:
    """In both languages, with the names of strangers escaped."""
    text = evaluations_section(FOUND, words(language))
    for part in (
        "0.500",
        "0.625",
        "+0.125",
        "-0.020 … +0.270",
        "+0.062",
        "-0.050 … +0.200",
        "62 %",
        "dev\\|x",
        "train-mine",
    ):
        assert part in text
    assert 3 == sum(line.startswith("|") for line in text.splitlines()) - 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_otherwise(language: Language) -> None:
    """A set that is not sealed, no honest value, either reason to stop."""
    chosen = words(language)
    text = evaluations_section(FOUND, chosen)
    assert text != evaluations_section(replace(FOUND, part="all"), chosen)
    bare = replace(FOUND, best=ChosenCheckpoint(step=50, naive=0.1, honest=None, low=None, high=None, agreement=None))
    assert "62 %" not in evaluations_section(bare, chosen)
    stopped = [evaluations_section(replace(FOUND, stopped=reason), chosen) for reason in ("worse", "no_gain")]
    assert stopped[0] != stopped[1]
    assert all(one.startswith(text) and "0.075" in one for one in stopped)


def test_a_section_of_its_own() -> None:
    """Only where there were evaluations."""
    record = record_of()
    assert record.outcome is not None
    judged = replace(record, outcome=replace(record.outcome, evaluations=FOUND))
    assert "Judged on the way" in headings(made(judged))
    assert "Judged on the way" not in headings(made(record))
