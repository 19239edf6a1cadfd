"""Where a plugin's object comes from: nothing for our own, code and settings for a stranger's."""

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from harness.plugins.origins import each, identity, origin, remember_origins, unread
from harness.types import UNIT, JudgeSpec, Verdict
from judges.rules import open_rules

POINT = EntryPoint(name="mine", value=f"{__name__}:Mine", group="harness.judges")


class Mine:
    scale, fingerprint = UNIT, "mine.v1"

    def __init__(self, name: str) -> None:
        self.name = name

    def judge(self, sample: Any, generation: Any) -> Verdict:
        return Verdict.scored(1)


def spec(option: str | None = None, text: str = "mine", **settings: Any) -> JudgeSpec:
    return JudgeSpec(text=text, name="mine", option=option, settings=settings)


def identity_of(given: JudgeSpec, name: str = "mine") -> str:
    judge = Mine(name)
    remember_origins(POINT, given, judge)
    return identity(judge)


def test_our_own_are_known_by_their_fingerprint() -> None:
    """Which carries a version."""
    rules = open_rules(JudgeSpec(text="rules", name="rules"))
    assert origin(rules) is None
    assert rules.fingerprint == identity(rules)


def test_a_strangers_key_holds_name_code_and_what_it_was_given() -> None:
    """Not the spec as typed: a label is no part of any key."""
    assert identity_of(spec("a")) == identity_of(spec("a", text="another text"))
    assert identity_of(spec("a")).startswith("mine.v1 plugin=mine code=")
    assert 3 == len({identity_of(spec("a")), identity_of(spec("b")), identity_of(spec("a", most=3))})


def test_several_objects_of_one_factory_are_several() -> None:
    """Told apart by their names, or by their labels."""
    pair = [Mine("mine:one"), Mine("mine:two")]
    remember_origins(POINT, spec(), pair)
    assert 2 == len({identity(one) for one in pair})
    labelled = {"x": Mine(""), "y": Mine("")}
    remember_origins(POINT, spec(), labelled)
    assert 2 == len({identity(one) for one in labelled.values()})


def test_one_without_an_entry_point_is_known_by_its_class_and_name() -> None:
    """As in a notebook."""
    assert identity(Mine("a")) == identity(Mine("a")) != identity(Mine("b"))
    assert f"plugin={__name__}:Mine" in identity(Mine("a"))


def test_code_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each plugin."""
    monkeypatch.setattr("harness.plugins.origins.code_hash", lambda *_: None)
    pair = [Mine("a"), Mine("a")]
    remember_origins(POINT, spec(), pair)
    assert ["The code of plugin mine cannot be read, so a change of it is noticed only by its fingerprint."] == unread(
        pair
    )


def test_what_a_factory_made_is_one_or_several() -> None:
    """A mapping of labels, a sequence, or one object."""
    assert [[1], [1, 2], [1, 2]] == [each(1), each([1, 2]), each({"x": 1, "y": 2})]
