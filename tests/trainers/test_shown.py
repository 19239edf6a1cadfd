"""What a record may say of a recipe."""

from dataclasses import asdict

import pytest

from trainers.recipe import Recipe
from trainers.shown import shown_values


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"data": ("/home/me/a.json:0.5", "hub:org/set:train:0.5")}, {"data": ["a.json:0.5", "hub:org/set:train:0.5"]}),
        ({"sample_prompts": "/home/me/few.txt"}, {"sample_prompts": "few.txt"}),
        ({"sample_prompts": 3}, {"sample_prompts": 3}),
    ],
)
def test_no_folder_of_this_machine(changes: dict[str, object], expected: dict[str, object]) -> None:
    """All else is as it stands."""
    recipe = Recipe(**changes)  # type: ignore[arg-type]
    found = shown_values(recipe)
    assert expected == {key: found[key] for key in expected}
    assert asdict(recipe).keys() == found.keys()
    assert "/home/me" not in str(found)
