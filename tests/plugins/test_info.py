"""What plugins declare: read in one place, with defaults, and refused in a sentence where it cannot be."""

import ast
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.models.echo import Echo
from harness.plugins import judge_info, model_info
from harness.plugins.info import check, missing_attributes
from harness.protocols import FREE, JudgeInfo, ModelInfo
from harness.remote.pricing import Price
from harness.types import LIKERT_5, UNIT, Scale, Verdict
from tests.conftest import ROOT

JUDGE = EntryPoint(name="mine", value="mine:Mine", group="harness.judges")
MODEL = EntryPoint(name="mine", value="mine:Mine", group="harness.models")


async def waits(sample: object, generation: object) -> Verdict:
    return Verdict.scored(1)


def judge_with(**declared: Any) -> Any:
    plain = {"name": "mine", "scale": UNIT, "fingerprint": "mine.v1", "judge": lambda *_: Verdict.scored(1)}
    return SimpleNamespace(**plain | declared)


def test_a_judge_that_says_nothing_more_has_the_defaults() -> None:
    """As the protocol's record has them."""
    assert JudgeInfo(name="mine", scale=UNIT, fingerprint="mine.v1") == judge_info(judge_with())
    assert FREE is judge_info(judge_with()).price


def test_none_is_the_default_but_where_it_says_something() -> None:
    """A kind of None is quality; a price of None is one that nobody knows."""
    info = judge_info(judge_with(kind=None, give_up_after=None, price=None))
    assert ("quality", 10, None) == (info.kind, info.give_up_after, info.price)


def test_a_record_serves_as_well_as_attributes() -> None:
    """What only ``info`` says is given to the object, so that every reader finds it there."""
    info = JudgeInfo(name="mine", scale=LIKERT_5, fingerprint="mine.v2", kind="checks", in_flight=4)
    judge = SimpleNamespace(info=info, judge=lambda *_: Verdict.scored(1))
    assert [] == missing_attributes("judges", judge)
    check(JUDGE, "judges", judge)
    assert info == judge_info(judge)  # type: ignore[arg-type]
    assert ("mine", LIKERT_5, "mine.v2") == (judge.name, judge.scale, judge.fingerprint)
    model = SimpleNamespace(info=ModelInfo(fingerprint="f", details={"weights": "9f2c"}), generate=iter)
    check(MODEL, "models", model)
    assert ("f", {"weights": "9f2c"}) == (model.fingerprint, model_info(model).details)  # type: ignore[arg-type]


def test_an_attribute_that_changes_is_read_anew() -> None:
    """A judge whose fingerprint depends on the run is known by the one of now."""
    judge = judge_with()
    judge.fingerprint = "mine.v2"
    assert "mine.v2" == judge_info(judge).fingerprint


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"judge": 5}, "its judge is 5, but must be a plain method, not async: the engine calls it in threads."),
        ({"judge": waits}, "its judge is 'async def', but must be a plain method, not async"),
        ({"name": ""}, "its name is '', but must be a text that is not empty."),
        ({"name": 3}, "its name is 3, but must be a text that is not empty."),
        ({"scale": (5, 1)}, "its scale is (5, 1), but must be a harness.types.Scale with low below high"),
        ({"scale": Scale(low=5, high=1)}, "but must be a harness.types.Scale with low below high"),
        ({"fingerprint": None}, "its fingerprint is None, but must be a text that is not empty and changes"),
        ({"in_flight": "many"}, "its in_flight is 'many', but must be a whole number, 1 or more."),
        ({"in_flight": 0}, "its in_flight is 0, but must be a whole number, 1 or more."),
        ({"in_flight": True}, "its in_flight is True, but must be a whole number, 1 or more."),
        ({"give_up_after": 2.5}, "its give_up_after is 2.5, but must be a whole number, 1 or more."),
        ({"requests_per_minute": 0}, "its requests_per_minute is 0, but must be a number above 0"),
        ({"price": 0.3}, "its price is 0.3, but must be an object with a method cost(tokens_in, tokens_out)"),
        ({"metrics": "tone"}, "its metrics is 'tone', but must be a mapping of names to scales"),
        ({"metrics": {"tone": 5}}, "its metrics is {'tone': 5}, but must be a mapping of names to scales"),
        ({"kind": "qualty"}, "its kind is 'qualty', which is none of quality, checks, similarity, human."),
        ({"scored_by": "modell"}, "its scored_by is 'modell', which is none of model, program, file."),
    ],
)
def test_a_fault_is_told_in_a_sentence(declared: dict[str, Any], sentence: str) -> None:
    """Which attribute, what it is, what it must be, and where the plugin comes from."""
    with pytest.raises(HarnessError) as refused:
        check(JUDGE, "judges", judge_with(**declared))
    assert refused.value.message.startswith("The judge 'mine' cannot be opened: its ")
    assert sentence in refused.value.message
    assert "mine:Mine" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"details": ["weights"]}, "its details is ['weights'], but must be a mapping of names to values."),
        ({"price": "free"}, "its price is 'free', but must be an object with a method cost"),
        ({"fingerprint": ""}, "its fingerprint is '', but must be a text"),
    ],
)
def test_a_models_fault_is_told_in_a_sentence(declared: dict[str, Any], sentence: str) -> None:
    """The same holds for models."""
    with pytest.raises(HarnessError, match="The model 'mine' cannot be opened") as refused:
        check(MODEL, "models", SimpleNamespace(**{"fingerprint": "f", "generate": iter} | declared))
    assert sentence in refused.value.message


def test_a_price_is_a_price_or_none() -> None:
    """A table's price passes; so does one that nobody knows; a model that is not sold is free."""
    priced = judge_with(price=Price(input=1, output=2))
    check(JUDGE, "judges", priced)
    assert Price(input=1, output=2) == judge_info(priced).price
    assert FREE is model_info(Echo()).price
    assert 0.0 == FREE.cost(None, 10)


def test_slots_that_hold_no_name_are_told() -> None:
    """A class that can take no attribute must give them itself."""

    class Slotted:
        __slots__ = ()
        info = JudgeInfo(name="mine", scale=UNIT, fingerprint="f")

        def judge(self, sample: object, generation: object) -> Verdict:
            return Verdict.scored(1)

    with pytest.raises(HarnessError, match="its name is None, but must be given by the object"):
        check(JUDGE, "judges", Slotted())


def test_nobody_else_looks_for_attributes_of_plugins() -> None:
    """What a plugin may be is written down: engine, runs, analysis and reports find nothing by getattr or hasattr."""
    used = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("harness/engine", "harness/runs", "harness/analysis", "reports")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id in {"getattr", "hasattr"}
    ]
    assert [] == used
