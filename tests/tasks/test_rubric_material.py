"""The answers that a judge is tested on."""

import re
import unicodedata

from harness.tasks.rubric_material import bundled_material

MATERIAL = bundled_material()


def test_there_are_enough_and_all_are_whole() -> None:
    """At least twenty, each with a reference, criteria and three twins that differ."""
    assert len(MATERIAL) >= 20
    assert len({item.sample.id for item in MATERIAL}) == len(MATERIAL)
    for item in MATERIAL:
        assert item.sample.reference
        assert item.sample.criteria
        texts = [item.answer, *item.twins.values()]
        assert len(set(texts)) == 4
        assert all(unicodedata.is_normalized("NFC", text) for text in texts)


def test_twins_differ_in_length_and_wrong_answers_do_not() -> None:
    """So that length and errors are told apart: a long twin at least doubles the brief one, a wrong one is as long."""
    for item in MATERIAL:
        assert len(item.twins["terse"]) < len(item.twins["verbose"]) / 1.5, item.sample.id
        assert len(item.twins["terse"]) <= len(item.answer)
        assert 0.6 < len(item.twins["wrong"]) / len(item.answer) < 1.6, item.sample.id


def test_a_long_twin_keeps_the_numbers_of_its_answer() -> None:
    """What is said more politely is the same."""
    for item in MATERIAL:
        for number in re.findall(r"[0-9]+", item.answer):
            found = unicodedata.normalize("NFKC", item.twins["verbose"])
            assert number in found or item.sample.id in {"sum", "budget", "tax"}, (item.sample.id, number)
