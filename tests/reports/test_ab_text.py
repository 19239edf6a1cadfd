"""A test of prompts in sentences and tables: plain text, the same figures as the records."""

from reports.ab_text import effects_table, interactions_note, interactions_table, listed, means_table, verdict_sentence
from reports.wording import words
from tests.reports.test_ab import made

EN = words("en")


def test_the_means_stand_by_prompt_and_model() -> None:
    """A row for each prompt, a column for each model and their average; sorted by the unrounded mean."""
    test = made({"plain.v1": 0, "mine": 1})
    prompts, *models = means_table(test, EN).columns
    assert ["plain.v1", "mine"] == [cell.text for cell in prompts.cells]
    assert ["base", "調整|済み", "average over models"] == [column.title for column in models]
    sorts = [cell.sort for column in models[:2] for cell in column.cells]
    assert [cell.estimate.value for cell in test.cells] == sorts


def test_effects_have_a_line_each_and_a_tone_where_they_hold() -> None:
    """The prompt that is better by one is marked; interactions name whose effect is subtracted."""
    test = made({"plain.v1": 0, "mine": 1, "x|y": 0})
    table = effects_table(test.effects, test, EN)
    by_key = {column.key: column.cells for column in table.columns}
    assert ["mine", "x|y"] == [cell.text for cell in by_key["prompt"]]
    assert ["better", ""] == [cell.tone for cell in by_key["difference"]]
    assert ["base", "base"] == [cell.text for cell in interactions_table(test, EN).columns[1].cells]
    assert "No difference between models" in interactions_note(test, EN)


def test_names_are_not_escaped() -> None:
    """Each report escapes in its own way."""
    said = verdict_sentence(made({"x|y": 0, "plain.v1": 0}, models=("base",)), EN)
    assert "no winner" in said
    assert "x|y, a and <b>" == listed(["x|y", "a", "<b>"], EN)
