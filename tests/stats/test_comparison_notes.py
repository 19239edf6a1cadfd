"""How comparisons say that they were made, in both languages."""

import pytest

from harness.locale import in_language
from harness.stats import Design, compare_family, paired_comparison
from harness.stats.comparison_notes import family_note
from harness.types import LIKERT_5


@pytest.mark.parametrize(
    ("scores", "english", "japanese"),
    [
        (([3, 4, 5], [3, 4, 5]), "0 of 3 differ", "3問中0問で差"),
        (
            ([3, 4, 5], [2, 3, 4]),
            "Clopper-Pearson bound (all 3 differences equal)",
            "Clopper–Pearson限界（3件の差がすべて同じ）",
        ),
        (([3], [2]), "Clopper-Pearson bound (one pair)", "Clopper–Pearson限界（1組のみ）"),
        (([3, 4, 5, 5], [2, 3, 5, 1]), "paired t", "対応のあるt"),
        (([None], [2]), "no task has both scores", "両方の点数がある問題がありません"),
    ],
)
def test_methods_have_words(scores: tuple[list[int], list[int]], english: str, japanese: str) -> None:
    """The interval's method, as results.json has it and as a Japanese page says it."""
    found = paired_comparison(*scores, LIKERT_5).difference.method
    assert english == found
    assert japanese == in_language(found, "ja")


def test_a_family_and_clusters_are_named() -> None:
    """What stands inside a method is said in the language too."""
    scores = [[1, 2, 3, 4, 5, 4] * 2, [2, 2, 4, 4, 5, 5, 1, 2, 3, 1, 2, 5], [1, 3, 3, 5, 5, 4] * 2]
    found = compare_family(scores, LIKERT_5, Design(clusters=list("aabbccddeeff"))).comparisons[0]
    assert "paired t, CR2 over 6 clusters, Sidak over 2" == found.simultaneous.method
    assert "対応のあるt（6クラスタのCR2）、2件のSidak" == in_language(found.simultaneous.method, "ja")
    assert "exact sign-flip by cluster mid-p" == found.p_method
    assert "クラスタごとの符号反転の正確なmid-p" == in_language(found.p_method, "ja")
    drawn = paired_comparison([0.123, 0.4, 2.718], [0.5, 3.14159, 0.2], design=Design(draws=99, seed=7))
    assert "sign-flip Monte Carlo, 99 draws, seed 7" == drawn.p_method
    assert "no comparison" == family_note(0)
