"""The links: secrets of their own, the same after a restart, readable by their owner alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UnwritableError
from harness.served.links import read_links, write_links


def test_links_are_unlike_and_stay(tmp_path: Path) -> None:
    """Three tokens of 144 bits; read again they are the same; a rater who is new gets a new one."""
    path = tmp_path / "links.json"
    links = read_links(path, ["sato", "tanaka"])
    tokens = [links.host, *links.raters.values()]
    assert 3 == len({*tokens})
    assert all(len(token) == 24 for token in tokens)
    write_links(path, replace(links, port=8642))
    assert 0o600 == path.stat().st_mode & 0o777
    again = read_links(path, ["sato", "suzuki"])
    assert (links.host, links.raters["sato"], 8642) == (again.host, again.raters["sato"], again.port)
    assert again.raters["suzuki"] not in tokens
    anew = read_links(path, ["sato"], anew=True)
    assert not {anew.host, *anew.raters.values()} & {*tokens}


def test_only_a_whole_token_opens(tmp_path: Path) -> None:
    """Not a part of one, not another's, not one with letters that no link has."""
    links = read_links(tmp_path / "none.json", ["1", "2"])
    assert ["1", "2"] == [links.rater(links.raters[name]) for name in ("1", "2")]
    for wrong in ("", links.raters["1"][:-1], links.raters["1"] + "x", links.host, "é\udcff"[:1]):
        assert links.rater(wrong) is None
    assert [True, False] == [links.is_host(token) for token in (links.host, links.raters["1"])]


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", '{"host": "", "raters": {"1": ""}, "port": 99999}', '{"host": 3, "raters": [], "port": "x"}'],
)
def test_a_file_that_somebody_has_changed_makes_no_weak_link(tmp_path: Path, text: str) -> None:
    """An empty token would open to everybody."""
    path = tmp_path / "links.json"
    path.write_text(text)
    links = read_links(path, ["1"])
    assert (24, 24, 0) == (len(links.host), len(links.raters["1"]), links.port)
    assert links.rater("") is None


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnwritableError, match="Cannot write"):
        write_links(tmp_path / "gone" / "links.json", read_links(tmp_path / "x", ["1"]))
    assert [] == list(tmp_path.iterdir())
