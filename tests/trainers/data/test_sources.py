"""Sources as typed: paths with shares and caps, and every way to write one wrongly."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from trainers.data.sources import DataSource, parse_sources


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.json", ("a.json", None, None)),
        ("a.json:1.0", ("a.json", 1.0, None)),
        ("a.json:500", ("a.json", None, 500)),
        ("a.json:1.0:500", ("a.json", 1.0, 500)),
        ("hub:org/set@main:ja/train[:10%]", ("hub:org/set@main:ja/train[:10%]", None, None)),
        ("hub:org/set:train:20", ("hub:org/set:train", None, 20)),
        (r"C:\\data\\a.json:7", (r"C:\\data\\a.json", None, 7)),
    ],
)
def test_what_stands_behind_the_path(text: str, expected: tuple[str, float | None, int | None]) -> None:
    """A decimal is a share, a whole number a cap, and colons of other meaning stay with the name."""
    (found,) = parse_sources([text])
    assert DataSource(path=expected[0], share=expected[1], cap=expected[2]) == found


def test_a_file_of_that_name_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What exists is no path with a share."""
    monkeypatch.chdir(tmp_path)
    Path("a.json:0.7").touch()
    assert (DataSource(path="a.json:0.7"),) == parse_sources(["a.json:0.7"])


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a.json:0.7", "b.json"], "--data b.json has no share"),
        (["a.json:0.7", "b.json:0.4"], "add up to 1.1, not to 1"),
        (["a.json:0.5"], "add up to 0.5"),
        (["a.json:0.0", "b.json:1.0"], "--data a.json:0.0"),
        (["a.json:1.5"], "--data a.json:1.5"),
        (["a.json:70%"], "--data a.json:70%"),
        (["a.json:-0.5"], "neither a share nor a number of rows"),
        (["a.json:0"], "--data a.json:0"),
        (["a.json:500:0.7"], "--data a.json:500:0.7"),
        (["a.json:1e3"], "--data a.json:1e3"),
    ],
)
def test_wrong_numbers_are_named(texts: list[str], said: str) -> None:
    """With the forms that can be written."""
    with pytest.raises(UsageError) as caught:
        parse_sources(texts)
    assert said in caught.value.message
    assert "a.json" in str(caught.value.hint) or "PATH:0.7" in str(caught.value.hint)
