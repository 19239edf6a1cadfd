"""ab.md: golden files in both languages, and what it says where no prompt wins."""

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from harness.analysis.prompt_plan import plan_experiment
from harness.analysis.prompt_test import Experiment, run_experiment
from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.types import LIKERT_5, RowKey, Sample
from reports.ab import ab_markdown
from reports.ab_text import plan_sentence, verdict_sentence
from reports.wording import LANGUAGES, Language, words

MODELS = ("base", "調整|済み")


def made(gains: dict[str, float], models: tuple[str, ...] = MODELS) -> Experiment:
    """Return a test of prompts; ``gains``: how much better than the first each is, by chance plus or minus one."""
    rng, n = np.random.default_rng(5), 24
    base = rng.integers(2, 4, (len(models), n))
    rows = [RowKey(model=model, prompt=prompt) for model in models for prompt in gains]
    scores = [base[place] + gain + rng.integers(0, 2, n) for place in range(len(models)) for gain in gains.values()]
    table = ScoreTable(
        task="two dozen",
        judge=PlannedJudge(name="judge", fingerprint="f", scale=LIKERT_5, scored_by="model"),
        rows=tuple(rows),
        samples=tuple(Sample(id=str(place), inputs={"input": f"問題{place}"}) for place in range(n)),
        cells=np.clip(np.array(scores, dtype=float), 1, 5)[:, :, None, None],
        reasons={row: Counter() for row in rows},
        versions=frozenset(),
    )
    return run_experiment(table, control="plain.v1", most_apart=2)


def document(experiment: Experiment, language: Language) -> str:
    answers = {
        ("two dozen", str(place), model, prompt): None if place == 3 else f"{prompt}の答え\n{place} <b>"
        for place in range(24)
        for model in experiment.models
        for prompt in experiment.prompts
    }
    provenance = {"date": "2026-01-02T03:04:05+09:00", "command": "harness ab --model base"}
    return ab_markdown("demo|run", [experiment], answers, provenance, ["a note"], language=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_is_the_golden_one(golden: Callable[[str, str], None], language: Language) -> None:
    """A change of a figure, a table or a word shows here."""
    golden(f"ab.{language}.md", document(made({"plain.v1": 0, "mine": 1, "x|y": 0}), language))


def test_both_languages_have_the_same_figures() -> None:
    """In the same tables, in the same order."""
    experiment = made({"plain.v1": 0, "mine": 1, "x|y": 0})
    english, japanese = (
        [re.findall(r"\d+\.\d+", line) for line in document(experiment, language).split("\n") if line.startswith("|")]
        for language in LANGUAGES
    )
    assert sum(map(len, english)) > 50
    assert english == japanese


def test_no_winner_says_what_remains_possible() -> None:
    """The end of the simultaneous interval that is farther from 0, as it stands in the table."""
    experiment = made({"plain.v1": 0, "mine": 0}, models=("base",))
    [effect] = experiment.effects
    ends = effect.result.simultaneous
    assert ends.low is not None
    assert ends.high is not None
    said = verdict_sentence(experiment, words("en"))
    assert "no winner" in said
    assert said.endswith(f"Differences of up to {max(-ends.low, ends.high):.2f} points remain possible.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_test_that_no_judge_can_answer_says_so(language: Language) -> None:
    """Title and reason; nothing to look for figures in."""
    title, _, reason = ab_markdown("a", [], {}, {}, language=language).rstrip().split("\n")
    assert title.startswith("# ")
    assert words(language)("ab.no_judge") == reason


def test_a_plan_has_no_plural_of_one() -> None:
    """One task shows nothing, and is one task."""
    said = plan_sentence(plan_experiment(LIKERT_5, 1), judge="j", scale=LIKERT_5, task="t")
    assert "1 task can show nothing" in said
    assert "two prompts on 100 tasks" in plan_sentence(
        plan_experiment(LIKERT_5, 100), judge="j", scale=LIKERT_5, task="t"
    )


def test_a_plan_names_its_family_and_clusters() -> None:
    """Three pairs are corrected together; tasks in clusters are said to be assumed alike."""
    plan = plan_experiment(LIKERT_5, 100, n_comparisons=3, n_clusters=20)
    for language, said in (("en", "all 3 comparisons of prompts"), ("ja", "プロンプトの比較3件")):
        text = plan_sentence(plan, judge="j", scale=LIKERT_5, task="t", language=language, n_clusters=20)
        assert said in text
        assert "20" in text.replace("0.20", "")


def test_headline_and_choice_agree() -> None:
    """The prompt that is named best is the winner; where none is, it says what may still be better."""
    found = made({"plain.v1": 0, "mine": 2}, models=("base",))
    assert found.choice is not None
    assert "mine" == found.winner == found.choice.prompt
    text = ab_markdown("a", [found], {}, {})
    assert "Best on these 24 tasks: mine" in text
    assert "may still be better" not in text
    level = ab_markdown("a", [made({"plain.v1": 0, "mine": 0}, models=("base",))], {}, {})
    assert "Another prompt may still be better than it by up to" in level
