"""Tasks as text."""

import pytest

from harness.types import Sample


@pytest.mark.parametrize(("value", "text"), [("要約して。", "要約して。"), ("", ""), (42, "42")])
def test_the_instruction_is_text_whatever_the_file_held(value: object, text: str) -> None:
    """A table of numbers is a task set, too."""
    assert text == Sample(id="1", inputs={"input": value, "note": "x"}).input


def test_a_sample_without_an_instruction_has_none() -> None:
    """Nothing is made up for it."""
    with pytest.raises(KeyError):
        _ = Sample(id="1", inputs={"question": "?"}).input
