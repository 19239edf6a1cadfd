"""What is declared before looking, and what is said of it when it is declared later."""

import pytest

from harness.engine.looks import Kind, Looks
from harness.engine.plan import PlannedJudge
from harness.errors import UnknownNameError, UsageError
from harness.runs.declared import asked_declaration, check_declared, check_estimand, declaration, declared_on
from harness.specs import Config, DeclarationConfig
from harness.types import LIKERT_5, UNIT, Declaration

JUDGES = [PlannedJudge(name="j", fingerprint="", scale=LIKERT_5), PlannedJudge(name="k", fingerprint="", scale=UNIT)]


def test_options_win_over_the_configuration() -> None:
    """Field by field; what neither names is the default."""
    config = Config(eval=DeclarationConfig(primary="gemini", margin=0.2))
    assert Declaration(primary="rules", margin=0.2) == declaration(config, primary="rules", margin=None)
    assert Declaration(primary="rules") == asked_declaration(primary="rules", models=("echo",))


def test_the_first_declaration_is_never_late() -> None:
    """A run that has no figures yet takes what is asked."""
    assert Declaration(margin=0.1) == declared_on(None, Declaration(margin=0.1))


def test_a_change_is_late_and_says_what_held_before() -> None:
    """Through several changes it stays what held before looking; nothing asked changes nothing."""
    before = Declaration(primary="a", margin=0.3)
    once = declared_on(before, Declaration(primary="b"))
    assert Declaration(primary="b", margin=0.3, late={"primary": "a"}) == once
    twice = declared_on(once, Declaration(primary="c", margin=0.5))
    assert Declaration(primary="c", margin=0.5, late={"primary": "a", "margin": 0.3}) == twice
    assert twice == declared_on(twice, Declaration())
    assert Declaration(primary="a", margin=0.5, late={"margin": 0.3}) == declared_on(twice, Declaration(primary="a"))


def test_a_judge_that_joins_is_declared_in_time() -> None:
    """Its scores were not there when it was named."""
    joined = declared_on(Declaration(), Declaration(primary="new"), new_judges={"new"})
    assert Declaration(primary="new") == joined
    assert {"primary": None} == declared_on(Declaration(), Declaration(primary="old"), new_judges={"new"}).late


def test_names_that_are_not_there_are_refused() -> None:
    """A misspelt judge, a misspelt task set."""
    check_declared(Declaration(primary="j", primary_task="t"), JUDGES, ["t"])
    for wrong in (Declaration(primary="l"), Declaration(primary_task="u")):
        with pytest.raises(UnknownNameError):
            check_declared(wrong, JUDGES, ["t"])


def test_a_margin_as_wide_as_the_scale_is_refused() -> None:
    """It is in points of the primary judge's scale, whichever that is."""
    check_declared(Declaration(margin=3.9), JUDGES, ["t"])
    check_declared(Declaration(primary="k", margin=0.9), JUDGES, ["t"])
    for wrong in (Declaration(margin=4), Declaration(primary="k", margin=1)):
        with pytest.raises(UsageError, match="margin"):
            check_declared(wrong, JUDGES, ["t"])


@pytest.mark.parametrize(("kind", "option"), [("looks", "--looks"), ("halving", "--halving"), ("grown", None)])
def test_exactly_these_tasks_and_planned_looks(kind: Kind, option: str | None) -> None:
    """Looks that stop go by new tasks, and are refused by their name; a limit that was grown stops nobody."""
    looks = Looks(kind=kind, sizes={"t": (5, 10)}, order={"t": tuple("0123456789")}, reached=2)
    judges = [PlannedJudge(name="j", fingerprint="", scale=LIKERT_5)]
    check_estimand(Declaration(estimand="new"), judges, ["t"], looks=looks)
    check_estimand(Declaration(estimand="these"), judges, ["t"])
    if option is None:
        check_estimand(Declaration(estimand="these"), judges, ["t"], looks=looks)
        return
    with pytest.raises(UsageError, match=f"--estimand these does not go with {option}: .* all count"):
        check_estimand(Declaration(estimand="these"), judges, ["t"], looks=looks)


def test_exactly_these_tasks_and_a_panel() -> None:
    """Refused where verdicts come from it; beside another primary judge it is not in the way."""
    judges = [PlannedJudge(name=name, fingerprint="", scale=LIKERT_5) for name in ("j", "panel:j,k")]
    check_estimand(Declaration(estimand="these"), judges, ["t"])
    with pytest.raises(UsageError, match="no interval for panel:j,k"):
        check_estimand(Declaration(estimand="these", primary="panel:j,k"), judges, ["t"])
