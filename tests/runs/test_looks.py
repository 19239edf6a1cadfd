"""An evaluation in looks: when there may be any, and that what is decided is asked no more."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.execute import execute
from harness.engine.job import Job, Outcome, Progress
from harness.errors import UsageError
from harness.runs.asking import evaluation_spec
from harness.runs.assemble import Evaluation, assemble
from harness.runs.looks import carried_out, look_by_look, looks_again, looks_for
from harness.specs import Config
from harness.store.store import Store
from tests.runs.conftest import LATER
from tests.runs.test_asking import PLAIN


def evaluation(workplace: Path, *models: str) -> Evaluation:
    """Models whose answers are as good as their name: `good` is right on every task, `bad` on none."""
    (workplace / "t.csv").write_text("input,output\n" + "".join(f"q{n},答え{n}\n" for n in range(40)), encoding="utf-8")
    rows = [f"{model},{n},{f'答え{n}' if model != 'bad' else 'x'}\n" for model in models for n in range(40)]
    (workplace / "a.csv").write_text("model,task_id,output\n" + "".join(rows), encoding="utf-8")
    options = {"models": ("outputs:a.csv",), "tasks": ("t=t.csv",), "judges": ("reference",)}
    return assemble(evaluation_spec(Config(), **PLAIN | options), "r")


@pytest.mark.parametrize(
    ("models", "looks", "halving", "message"),
    [
        (("good", "bad"), 2, True, "--looks and --halving were both given"),
        (("good",), 2, False, "nothing to compare"),
        (("good", "bad"), 20, False, "too few to look at them 20 times"),
        (("good", "bad"), None, True, "halving"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(
    workplace: Path,
    models: tuple[str, ...],
    looks: int | None,
    halving: bool,
    message: str,
) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageError, match=message):
        looks_for(evaluation(workplace, *models), looks=looks, halving=halving)


def test_nothing_asked_is_no_look(workplace: Path) -> None:
    """The usual evaluation."""
    assert None is looks_for(evaluation(workplace, "good", "bad"), looks=None, halving=False)


def looked(made: Evaluation, store: Store, *, out_of_budget: bool = False) -> tuple[object, list[int], list[str]]:
    """What four looks come to, how many requests each had, and what was said."""
    looks = looks_for(made, looks=4, halving=False)
    assert looks is not None
    sizes: list[int] = []
    said: list[str] = []

    def carry_out(job: Job, left: float | None) -> list[Outcome]:
        sizes.append(len(job.requests))
        return [replace(execute(job, store, Progress(), max_cost=left), out_of_budget=out_of_budget)]

    found = look_by_look(made, looks, store, carry_out, invocation=LATER, max_cost=None, tell=said.append)
    return found, sizes, said


def test_a_settled_comparison_is_asked_no_more(workplace: Path) -> None:
    """Every task right against none: after the second look nothing is left to ask, and all that was asked is kept."""
    with Store(str(workplace / "s.sqlite")) as store:
        found, sizes, said = looked(evaluation(workplace, "good", "bad"), store)
        again, *_ = looked(evaluation(workplace, "good", "bad"), store)
    assert [20, 20] == sizes[:2]
    assert sum(sizes) < 80
    assert sum(sizes) == len(found.evaluation.job.requests) == len(found.outcome.answers)  # type: ignore[attr-defined]
    assert any("settled and asked no more" in note for note in said)
    assert again.evaluation.plan_digest == found.evaluation.plan_digest  # type: ignore[attr-defined]


def test_equal_rows_are_asked_to_the_end(workplace: Path) -> None:
    """Nothing is settled between them."""
    with Store(str(workplace / "s.sqlite")) as store:
        _, sizes, said = looked(evaluation(workplace, "good", "same"), store)
    assert ([20, 20, 20, 20], []) == (sizes, said)


def test_nothing_is_decided_where_money_ended_a_look(workplace: Path) -> None:
    """The same command goes on there."""
    with Store(str(workplace / "s.sqlite")) as store:
        _, sizes, said = looked(evaluation(workplace, "good", "bad"), store, out_of_budget=True)
    assert ([20], []) == (sizes, said)


def test_without_looks_all_is_asked_at_once(workplace: Path) -> None:
    """Each round of it is told, and the plan is in the store."""
    made = evaluation(workplace, "good", "bad")
    with Store(str(workplace / "s.sqlite")) as store:
        found = list(
            carried_out(
                made,
                store,
                None,
                lambda job, left: [execute(job, store, Progress(), max_cost=left)] * 2,
                invocation=LATER,
                max_cost=None,
                tell=print,
            )
        )
        assert store.has_plan(made.plan_digest)
    assert [made, made] == [one for one, _ in found]
    assert 80 == len(found[0][1].answers)


def test_a_run_is_looked_at_again_as_it_was(workplace: Path) -> None:
    """Not where a limit was grown, which nobody planned."""
    made = evaluation(workplace, "good", "bad")
    looks = looks_for(made, looks=4, halving=False)
    assert looks is not None
    assert looks == looks_again(replace(looks, reached=2), made)
    assert looks_again(None, made) is None
    assert looks_again(replace(looks, kind="grown"), made) is None
