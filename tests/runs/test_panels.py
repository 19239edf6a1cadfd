"""What may be a panel."""

import pytest

from harness.engine.plan import PlannedJudge, PlannedPanel
from harness.errors import HarnessError, InputError, UnknownNameError, UnlikeJudgesError, UsageError
from harness.runs.panels import PanelSpec, panel_specs, panels_now, parse_panel, planned_panels, with_members
from harness.specs import Config
from harness.types import LIKERT_5

NAMED = Config(judges={"panel": {"strict": {"members": ["scores:a,b.csv", "scores:c.csv"]}}})


def judge(name: str, kind: str = "quality") -> PlannedJudge:
    return PlannedJudge(name=name, fingerprint=name, scale=LIKERT_5, kind=kind)


def test_a_panel_of_the_configuration_has_its_name() -> None:
    """Its members may hold a comma."""
    members = ("scores:a,b.csv", "scores:c.csv")
    assert PanelSpec(name="panel:strict", members=members, asked=members) == parse_panel("strict", NAMED)


@pytest.mark.parametrize("text", ["rules", "rules,", "", "rules,rules", "ｒｕｌｅｓ，rules"])
def test_one_judge_is_no_panel(text: str) -> None:
    """Nor is one named twice, in letters of any width."""
    with pytest.raises(UsageError):
        parse_panel(text, Config())


def test_wrong_names_are_told() -> None:
    """A word that is no panel, a table with something else, a judge that is not there, one panel twice."""
    with pytest.raises(UnknownNameError, match="strickt"):
        parse_panel("strickt", NAMED)
    with pytest.raises(InputError, match=r"panel\.x"):
        parse_panel("x", Config(judges={"panel": {"x": {"judges": ["a", "b"]}}}))
    with pytest.raises(InputError, match=r"panel\.x"):
        parse_panel("x", Config(judges={"panel": {"x": {"members": ["rules"]}}}))
    with pytest.raises(UnknownNameError, match="gemeni"):
        parse_panel("gemeni,openai", Config())
    with pytest.raises(UsageError, match="twice"):
        panel_specs(["strict", "strict"], NAMED)


def test_members_are_asked_once() -> None:
    """A judge named by itself too is one judge."""
    panels = panel_specs(["rules,reference", "reference,scores:c.csv"], Config())
    assert ("reference", "rules", "scores:c.csv") == with_members(["reference"], panels, Config())
    assert ("ｒｕｌｅｓ", "reference", "scores:c.csv") == with_members(["ｒｕｌｅｓ"], panels, Config())
    assert ("rules",) == with_members([], panels, Config(), known=["reference", "scores:c.csv"])


def test_a_file_may_be_a_member() -> None:
    """It is found where it was typed, and named as on the board."""
    [panel] = panel_specs(["./checks/tone.py, ./style.py:polite"], Config())
    assert ("panel:./checks/tone.py,./style.py:polite", ("tone", "style:polite")) == (panel.name, panel.members)
    assert ("./checks/tone.py", "./style.py:polite") == with_members([], [panel], Config())
    assert ("checks/tone.py", "./style.py:polite") == with_members(["checks/tone.py"], [panel], Config())


def test_members_are_single_judges_of_one_kind() -> None:
    """Quality and people's ratings go together; checks and similarity do not go with them."""
    spec = PanelSpec(name="p", members=("a", "b"), asked=("a", "b"))
    assert (PlannedPanel(name="p", members=("a", "b")),) == planned_panels([spec], [judge("a"), judge("b", "human")])
    with pytest.raises(UnlikeJudgesError, match=r"a \(quality\), b \(checks\)"):
        planned_panels([spec], [judge("a"), judge("b", "checks")])
    with pytest.raises(HarnessError, match="'b' is no single judge") as error:
        planned_panels([spec], [judge("a"), judge("b/tone"), judge("b/truth")])
    assert "It gives b/tone, b/truth." == error.value.hint


def test_a_run_keeps_its_panels() -> None:
    """A command's own come first where names are the same."""
    before = (PlannedPanel(name="p", members=("a", "b")), PlannedPanel(name="q", members=("a", "c")))
    own = (PlannedPanel(name="p", members=("a", "d")),)
    assert (own[0], before[1]) == panels_now(own, before)
