"""Looking into JSON of any shape."""

import pytest

from harness.tables.foreign.values import at, content_text, items, last_user_text, lenient_json, text_at, texts


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [1], {"a": 1}])
def test_what_is_not_there_is_none(value: object) -> None:
    """Whatever stands in its place."""
    assert (None, None, [], ()) == (at(value, "b", 0), text_at(value, "a"), items(value, "a"), texts(value, "a"))


def test_the_last_user_speaks() -> None:
    """In parts or whole."""
    messages = [
        {"role": "user", "content": "a"},
        {"role": "user", "content": [{"text": "b"}, 1]},
        {"role": "assistant"},
        2,
    ]
    assert ("b", None, None) == (last_user_text(messages), last_user_text([]), content_text([1]))


def test_json_of_python_and_of_mischief() -> None:
    """NaN is a text; what is nested or long beyond reason is an error or a text, never a crash."""
    assert {"a": "NaN", "b": "-Infinity"} == lenient_json('{"a": NaN, "b": -Infinity}')
    assert "9" * 5_000 == lenient_json("9" * 5_000)
    for text in ("[" * 100_000, "{", '{"a":' * 900 + "1" + "}" * 899):
        with pytest.raises(ValueError, match=r".+"):
            lenient_json(text)
