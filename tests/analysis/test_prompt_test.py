"""A/B tests on synthetic judged data, where the truth is known, and on small tables worked out by hand."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from harness.analysis.prompt_plan import ASSUMED_SPREAD
from harness.analysis.prompt_test import Experiment, run_experiment
from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.errors import StatisticsError
from harness.stats import holm, t_test_power
from harness.types import LIKERT_5, PASS_FAIL, UNIT, RowKey, Sample, Scale

# Marginals P(1..5): "mid" and, 0.30 points above it, "lifted".
MID = (0.12, 0.18, 0.22, 0.26, 0.22)
LIFTED = (0.08, 0.13, 0.21, 0.29, 0.29)
CORRELATION = 0.655  # of the latent scores; their thresholded ones then correlate by about 0.6


def table(
    cells: np.ndarray, models: Sequence[str], prompts: Sequence[str], *, scale: Scale = LIKERT_5,
    clusters: Sequence[str] | None = None,
) -> ScoreTable:  # fmt: skip
    """Return a table of scores of shape (models, prompts, tasks)."""
    rows = tuple(RowKey(model=model, prompt=prompt) for model in models for prompt in prompts)
    flat = np.asarray(cells, dtype=float).reshape(len(rows), -1)
    names = clusters or [None] * flat.shape[1]
    return ScoreTable(
        task="set",
        judge=PlannedJudge(name="judge", fingerprint="f", scale=scale),
        rows=rows,
        samples=tuple(Sample(id=str(i), inputs={"input": f"問{i}"}, cluster=name) for i, name in enumerate(names)),
        cells=flat[:, :, None, None],
        reasons={row: Counter() for row in rows},
        versions=frozenset(),
    )


def judged(random: np.random.Generator, marginals: Sequence[Sequence[float]], n: int) -> np.ndarray:
    """Return ordinal scores 1-5 of shape (rows, n): thresholded latent Gaussians that share a part per task."""
    shared = random.standard_normal(n)
    own = random.standard_normal((len(marginals), n))
    latent = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * own
    steps = [np.searchsorted(ndtri(np.cumsum(row)[:-1]), values) for row, values in zip(marginals, latent, strict=True)]
    return 1.0 + np.array(steps)


def test_the_synthetic_data_is_what_it_claims() -> None:
    """Correlation about 0.6, and a lift of 0.30 points."""
    scores = judged(np.random.default_rng(0), [MID, LIFTED], 200_000)
    assert pytest.approx(0.6, abs=0.02) == np.corrcoef(scores)[0, 1]
    assert pytest.approx(0.30, abs=0.015) == scores[1].mean() - scores[0].mean()


def rejections(marginals: Sequence[Sequence[float]], *, models: int, replicates: int) -> tuple[float, float]:
    """Return the share of replicates that find prompt B different, and the mean spread of the differences."""
    random = np.random.default_rng(7)
    found, spreads = 0, []
    for _ in range(replicates):
        cells = judged(random, [row for _ in range(models) for row in marginals], 100)
        names = [f"m{i}" for i in range(models)]
        [effect] = run_experiment(table(cells, names, "AB"), most_apart=0).effects
        found += effect.result.p_adjusted <= 0.05
        spreads.append(effect.result.spread.sd)
    return found / replicates, float(np.mean(spreads))


@pytest.mark.slow
def test_without_an_effect_one_in_twenty_is_rejected() -> None:
    """2,000 experiments on 100 tasks in which A and B are equal: between 3.5 and 6.5 %."""
    share, _ = rejections([MID, MID], models=2, replicates=2000)
    assert 0.035 <= share <= 0.065


@pytest.mark.slow
def test_an_effect_is_found_as_often_as_planned() -> None:
    """A lift of 0.30 is found as often as the noncentral t says for the spread of the differences, within 3 %."""
    share, spread = rejections([MID, LIFTED], models=1, replicates=2000)
    assert pytest.approx(t_test_power(0.30 / spread, 100), abs=0.03) == share


def test_the_spread_assumed_beforehand_is_that_of_such_scores() -> None:
    """The plan before any data assumes what two sets of scores with correlation 0.6 have."""
    scores = judged(np.random.default_rng(1), [MID, MID], 200_000)
    assert pytest.approx(ASSUMED_SPREAD * 4, abs=0.06) == (scores[1] - scores[0]).std()


def test_effects_are_one_sample_tests_of_one_contrast_per_task() -> None:
    """Against scipy: average over models, each model, and the interaction of two models and of three."""
    cells = judged(np.random.default_rng(5), [MID, LIFTED] * 3, 60).reshape(3, 2, 60)
    effect = cells[:, 1] - cells[:, 0]
    experiment = run_experiment(table(cells, ["a", "b", "c"], ["A", "B"]))
    for contrast, per_task in [
        (experiment.effects[0], effect.mean(axis=0)),
        *zip(experiment.by_model, effect, strict=True),
        *(
            (row, effect[i] - np.delete(effect, i, axis=0).mean(axis=0))
            for i, row in enumerate(experiment.interactions)
        ),
    ]:
        interval = stats.ttest_1samp(per_task, 0).confidence_interval(0.95)
        assert pytest.approx((per_task.mean(), interval.low, interval.high)) == (
            contrast.result.difference.value, contrast.result.difference.low, contrast.result.difference.high,
        )  # fmt: skip
        assert (per_task > 1e-9).sum() == contrast.result.wins
    assert [("a", ("b", "c")), ("b", ("a", "c")), ("c", ("a", "b"))] == [
        (row.model, row.others) for row in experiment.interactions
    ]
    two = run_experiment(table(cells[:2], ["a", "b"], ["A", "B"]))
    [interaction] = two.interactions
    assert ("b", ("a",)) == (interaction.model, interaction.others)
    assert pytest.approx((effect[1] - effect[0]).mean()) == interaction.result.difference.value


def test_p_values_are_adjusted_over_each_family_alone() -> None:
    """Three prompts make three comparisons: Holm by hand."""
    cells = judged(np.random.default_rng(2), [MID, LIFTED, MID], 80).reshape(1, 3, 80)
    effects = run_experiment(table(cells, ["m"], "ABC")).effects
    assert [("B", "A"), ("C", "A"), ("C", "B")] == [(row.candidate, row.baseline) for row in effects]
    raw = sorted((row.result.p_value, index) for index, row in enumerate(effects))
    expected, highest = {}, 0.0
    for rank, (value, index) in enumerate(raw):
        highest = max(highest, min(1.0, value * (3 - rank)))
        expected[index] = highest
    assert [pytest.approx(expected[index]) for index in range(3)] == [row.result.p_adjusted for row in effects]


def lifted(*lifts: float, models: int = 1, n: int = 60) -> Experiment:
    """Return an experiment in which prompt i is better by ``lifts[i]`` on every task, give or take one point."""
    noise = np.random.default_rng(4).integers(0, 2, (models, len(lifts), n))
    cells = 1 + np.array(lifts)[None, :, None] + noise
    return run_experiment(table(cells, [f"m{i}" for i in range(models)], "ABCDE"[: len(lifts)]))


def test_a_winner_beats_every_other_prompt() -> None:
    """C is better than both; without C neither of two equal prompts wins; a prompt that only beats one does not."""
    assert "C" == lifted(0, 0, 2).winner
    assert (None, ()) == (lifted(0, 0).winner, lifted(0, 0).beats)
    tied = lifted(0, 2, 2)
    assert (None, {("B", "A"), ("C", "A")}) == (tied.winner, set(tied.beats))
    assert "A" == lifted(2, 0).winner


def test_against_a_control_only_what_was_compared_is_claimed() -> None:
    """B and C beat the control, but were not compared with each other: no winner. The control can win."""
    cells = np.array([[[1.0, 2.0] * 15, [3, 4, 4] * 10, [4, 3, 3] * 10]])
    experiment = run_experiment(table(cells, ["m"], "ABC"), control="A")
    assert [("B", "A"), ("C", "A")] == [(row.candidate, row.baseline) for row in experiment.effects]
    assert None is experiment.winner
    down = run_experiment(table(6.0 - cells, ["m"], "ABC"), control="A")
    assert "A" == down.winner


def test_a_task_without_a_score_in_one_cell_leaves_the_average() -> None:
    """It still counts for the model that has both scores."""
    cells = judged(np.random.default_rng(6), [MID] * 4, 20).reshape(2, 2, 20)
    cells[1, 0, 3] = np.nan
    experiment = run_experiment(table(cells, ["a", "b"], "AB"))
    assert (19, [20, 19]) == (experiment.effects[0].result.n_pairs, [row.result.n_pairs for row in experiment.by_model])
    assert 1 == experiment.effects[0].result.n_missing


def test_the_tasks_that_differ_most_come_first() -> None:
    """By the spread of the averages over models; tasks without a difference are left out."""
    cells = np.array([[[1, 2, 3, 4], [1, 4, 4, 4]], [[1, 2, 3, 4], [1, 5, 4, 4]]], dtype=float)
    apart = run_experiment(table(cells, ["a", "b"], "AB")).apart
    assert [("1", 2.5), ("2", 1.0)] == [(row.sample.id, row.spread) for row in apart]
    assert (("A", 2.0), ("B", 4.5)) == apart[0].scores


@pytest.mark.parametrize("scale", [UNIT, PASS_FAIL, LIKERT_5])
def test_equal_answers_are_no_result(scale: Scale) -> None:
    """Where no task differs there is no winner, no spread, and nothing is NaN."""
    experiment = run_experiment(table(np.ones((2, 2, 12)), ["a", "b"], "AB", scale=scale))
    assert (None, (), None, 0.0) == (
        experiment.winner, experiment.apart, experiment.plan.minimum_detectable, experiment.choice.cross_fitted
    )  # fmt: skip
    assert ("0 of 12 differ", 1.0) == (
        experiment.effects[0].result.difference.method, experiment.effects[0].result.p_value
    )  # fmt: skip
    assert "nan" not in repr(experiment)


def test_what_cannot_be_an_experiment_is_refused() -> None:
    """One prompt, a control that is not there."""
    cells = np.ones((1, 2, 4))
    with pytest.raises(StatisticsError, match="needs two prompts"):
        run_experiment(table(cells[:, :1], ["m"], "A"))
    with pytest.raises(StatisticsError, match=r"'C' is not among those compared: A, B"):
        run_experiment(table(cells, ["m"], "AB"), control="C")


def test_the_thresholds_give_the_marginals() -> None:
    """The generator's cut points are the normal quantiles of the cumulated marginals."""
    cuts = ndtri(np.cumsum(MID)[:-1])
    assert pytest.approx(MID) == np.diff([0.0, *ndtr(cuts), 1.0])


def test_without_any_score_nothing_is_said() -> None:
    """A judge that scored nothing: no figures, no winner, no NaN, no choice, and no exception."""
    experiment = run_experiment(table(np.full((2, 2, 12), np.nan), ["a", "b"], "AB"))
    assert (None, None, None, ()) == (
        experiment.winner, experiment.choice, experiment.effects[0].result.difference.value, experiment.apart
    )  # fmt: skip
    assert "nan" not in repr(experiment)


def test_missing_scores_are_bounded_in_every_contrast() -> None:
    """Effects, effects by model and interactions: each holds what any completion of the missing scores would give."""
    cells = judged(np.random.default_rng(5), [MID] * 4, 30).reshape(2, 2, 30)
    gaps = cells.copy()
    gaps[0, 1, :4], gaps[1, 0, 2:5] = np.nan, np.nan
    found = run_experiment(table(gaps, ["m", "n"], ["a", "b"]))
    low, high = (np.where(np.isnan(gaps), end, gaps) for end in (1, 5))
    effects = {
        "least": low[:, 1] - high[:, 0],
        "most": high[:, 1] - low[:, 0],
    }
    [overall] = found.effects
    assert overall.result.missing.worst == pytest.approx(effects["least"].mean())
    assert overall.result.missing.best == pytest.approx(effects["most"].mean())
    for contrast, least, most in zip(found.by_model, effects["least"], effects["most"], strict=True):
        assert (contrast.result.missing.worst, contrast.result.missing.best) == pytest.approx(
            (least.mean(), most.mean())
        )
    [interaction] = found.interactions
    assert interaction.result.missing.worst == pytest.approx((effects["least"][1] - effects["most"][0]).mean())
    assert interaction.result.missing.best == pytest.approx((effects["most"][1] - effects["least"][0]).mean())
    for contrast in (overall, *found.by_model, interaction):
        assert contrast.result.missing.caution in contrast.result.cautions
        assert contrast.result.missing.low < contrast.result.missing.worst < contrast.result.missing.high
    whole = run_experiment(table(cells, ["m", "n"], ["a", "b"]))
    for contrast in (*whole.effects, *whole.by_model, *whole.interactions):
        assert contrast.result.missing.caution is None
        assert contrast.result.missing.worst == pytest.approx(contrast.result.difference.value)


def test_secondary_claims_wait_for_the_headline() -> None:
    """Effects on models are declared where the average is shown; three models correct over three, two over one."""
    shown, none = lifted(0, 2, models=2), lifted(0, 0, models=2)
    for experiment, is_open in ((shown, True), (none, False)):
        assert {is_open} == {one.is_declared for one in (*experiment.by_model, *experiment.interactions)}
        assert 1 == experiment.n_secondary
        for one in (*experiment.by_model, *experiment.interactions):
            assert one.result.p_adjusted == one.result.p_value
    three = lifted(0, 2, models=3)
    assert 3 == three.n_secondary
    for one in (*three.by_model, *three.interactions):
        assert one.result.p_adjusted == pytest.approx(min(1, 3 * one.result.p_value))
        assert "Sidak over 3" in one.result.simultaneous.method
    assert lifted(0, 2).by_model == ()


def test_another_judge_than_the_primary_one_declares_nothing() -> None:
    """Its figures are there, and none of them is a claim."""
    cells = 1 + np.array([0, 2])[None, :, None] + np.random.default_rng(4).integers(0, 2, (2, 2, 60))
    found = run_experiment(table(cells, ["a", "b"], "AB"), is_primary=False)
    assert found.winner == "B"
    assert {False} == {one.is_declared for one in (*found.effects, *found.by_model, *found.interactions)}


def claims(experiment: Experiment) -> tuple[bool, set[str], bool]:
    """Return what a page declares: a headline, the models with an effect, and whether models differ."""
    found = [one for one in (*experiment.by_model, *experiment.interactions) if one.is_declared]
    significant = [one for one in found if one.result.p_adjusted is not None and one.result.p_adjusted <= 0.05]
    return bool(experiment.beats), {one.model for one in significant if not one.others}, any(
        one.others for one in significant
    )  # fmt: skip


def pages(effects: tuple[float, ...], replicates: int, seed: int, prompts: int = 2) -> list[Experiment]:
    """Return pages of two or more models; ``effects``: how much better the last prompt is on each."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(replicates):
        level = rng.normal(size=(1, 1, 100))
        cells = 3 + 0.8 * level + rng.normal(size=(len(effects), prompts, 100))
        cells[:, -1] += np.array(effects)[:, None]
        grid = np.clip(np.rint(cells), 1, 5)
        found.append(
            run_experiment(table(grid, [f"m{i}" for i in range(len(effects))], "ABCD"[:prompts]), most_apart=0)
        )
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("models", "prompts"), [(2, 2), (3, 3)])
def test_the_whole_page_is_wrong_in_at_most_one_of_twenty(models: int, prompts: int) -> None:
    """No effect anywhere: any claim at all is wrong."""
    found = [claims(page) for page in pages((0.0,) * models, 240, seed=models, prompts=prompts)]
    wrong = np.mean([headline or bool(on) or unlike for headline, on, unlike in found])
    assert wrong <= 0.05 + 3 * (0.05 * 0.95 / 240) ** 0.5


@pytest.mark.slow
def test_claims_beyond_a_true_headline_are_wrong_in_at_most_one_of_twenty() -> None:
    """The same effect on all models: that they differ is wrong. On one of two alone: that the other has one is."""
    same = [claims(page) for page in pages((0.6, 0.6, 0.6), 200, seed=7)]
    assert np.mean([headline for headline, _, _ in same]) > 0.95
    assert np.mean([unlike for _, _, unlike in same]) <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5
    one = [claims(page) for page in pages((0.0, 0.9), 200, seed=8)]
    assert np.mean(["m0" in on for _, on, _ in one]) <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5


@pytest.mark.slow
def test_the_page_finds_what_its_tables_found_alone() -> None:
    """Power of the headline, and of effects on models against Holm within their own table, as it was before."""
    found = pages((0.3, 0.5), 250, seed=9)
    holm_alone = [
        {one.model for one, p in zip(page.by_model, holm([row.result.p_value for row in page.by_model]), strict=True)
         if p <= 0.05}
        for page in found
    ]  # fmt: skip
    for model in ("m0", "m1"):
        now = np.mean([model in claims(page)[1] for page in found])
        assert now >= np.mean([model in before for before in holm_alone]) - 0.03
