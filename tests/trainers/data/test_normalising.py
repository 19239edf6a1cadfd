"""Copies of a text, as other editors leave them, are one text after normalising."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.data.normalising import in_hiragana, normalise, without_numbers


class TestNormalise:
    @given(st.text())
    def test_idempotent(self, text: str) -> None:
        """What is normalised stays as it is."""
        assert normalise(text) == normalise(normalise(text))

    @given(st.text())
    def test_same_for_all_forms(self, text: str) -> None:
        """The composed, decomposed and compatible forms of a text are one."""
        forms = {normalise(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
        assert {normalise(text)} == forms

    @given(st.text(st.characters(categories=["Lo", "Nd"])), st.text(" \t\r\n\u3000。、！？「」・…〜～-—*#\u200b\ufe0f"))
    def test_spaces_and_punctuation_are_nothing(self, text: str, noise: str) -> None:
        """Punctuation, spaces, invisible characters and variation selectors change nothing at either end."""
        assert normalise(text) == normalise(noise + text + noise)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("ｶﾞｷﾞ", "ガギ"),
            ("ＡＢＣ　１２３", "abc123"),
            ("か・\u3099", "が"),
            ("葛\U000e0100", "葛"),
            ("コーヒー", "コーヒー"),
            ("Straße", "strasse"),
            ("。、！〜～-−", ""),
            ("（Ａ＋Ｂ）", "(a+b)"),
        ],
    )
    def test_known(self, text: str, expected: str) -> None:
        """Width, case, marks and variants as Unicode has them; the long vowel mark is a letter, and + a symbol."""
        assert expected == normalise(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("第１２３回", "第0回"), ("二〇二六年十一月", "0年0月"), ("①②③", "0"), ("3.14", "0"), ("なし", "なし")],
)
def test_numbers_are_one(text: str, expected: str) -> None:
    """Digits of any kind and kanji numerals."""
    assert expected == without_numbers(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("コーヒーとケーキ", "こーひーとけーき"),
        ("ヴァイオリン", "ゔぁいおりん"),
        ("ヽヾヶ", "ゝゞゖ"),
        ("漢字 kana ー・", "漢字 kana ー・"),
    ],
)
def test_kana_are_one(text: str, expected: str) -> None:
    """Every katakana that has a hiragana, by Unicode's two tables, and nothing else."""
    assert expected == in_hiragana(text)
