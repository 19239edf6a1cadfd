"""What is read off an answer: script, repetition, items, sentences, numbers, in every notation that answers use."""

import time
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges import measures
from tests.patience import PATIENCE

ANY_TEXT = st.text(st.characters(codec=None), max_size=200)  # lone surrogates and NUL included


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (3, "1. 赤\n2. 青\n3. 白"),
        (3, "１．赤\n２．青\n３．白"),
        (3, "1、赤\n2、青\n3、白"),
        (3, "1）赤\n2）青\n3）白"),
        (3, "(1) 赤\n(2) 青\n(3) 白"),
        (3, "（１）赤\n（２）青\n（３）白"),
        (3, "[1] 赤\n[2] 青\n[3] 白"),
        (3, "①赤\n②青\n③白"),
        (3, "❶ 赤\n❷ 青\n❸ 白"),
        (3, "1️⃣ 赤\n2️⃣ 青\n3️⃣ 白"),
        (3, "一、赤\n二、青\n三、白"),
        (3, "・赤\n・青\n・白"),
        (3, "･赤\n･青\n･白"),
        (3, "- 赤\n- 青\n- 白"),
        (3, "-赤\n-青\n-白"),
        (3, "* 赤\n* 青\n* 白"),
        (3, "● 赤\n● 青\n● 白"),
        (3, "1.赤\n\n2.青\n\n3.白"),
        (3, "1. 赤\r\n2. 青\r\n3. 白\r\n"),
        (3, "　・赤\n　・青\n　・白"),
        (3, " 1. 赤\n2. 青\n 3. 白"),
        (12, "\n".join(f"{number}. 項目" for number in range(1, 13))),
        # inside other text
        (2, "次の二つです。\n\n1. 赤\n2. 青\n\n以上です。"),
        (2, "1. **赤**：明るい\n2. **青**：涼しい"),
        (2, "**1. 赤**\n明るい色です。\n**2. 青**\n涼しい色です。"),
        (2, "### 1. 赤\n明るい色です。\n### 2. 青\n涼しい色です。"),
        # nested
        (2, "1. 赤\n   - 明るい\n   - 強い\n2. 青\n   - 涼しい"),
        (2, "1. 赤\n- 明るい\n- 強い\n2. 青\n- 涼しい"),
        (2, "・赤\n　　・明るい\n　　・強い\n・青"),
        (2, "- 赤\n\t- 明るい\n- 青"),
        (2, "1. 赤\n(1) 明るい\n(2) 強い\n2. 青"),
        # no item: decimals, times, dates, rules, negative numbers
        (1, "1.5倍になります。"),
        (1, "10:30に集合します。"),
        (1, "---"),
        (2, "-5度\n-3度"),  # two lines without a marker
        # one line
        (3, "1. 赤 2. 青 3. 白"),
        (3, "①赤②青③白"),
        (3, "三色は(1)赤、(2)青、(3)白です。"),
        (4, "赤、青、白、黒"),
        (1, "赤と、青が、好きです。"),
        (1, "赤"),
        # lines without markers
        (3, "赤\n青\n白"),
        (3, "次の三つです。\n赤\n青\n白"),
        (3, "赤を見る。\n青を見る。\n白を見る。"),
        (0, ""),
        (0, "\n \n"),
    ],
)
def test_items_are_counted_in_every_notation(expected: int, text: str) -> None:
    """Every usual marker counts, at the top level only, and numbers that mark nothing do not."""
    assert expected == measures.count_items(measures.normalize(text))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (1, "はい。"),
        (1, "はい"),
        (2, "はい。そうです"),
        (2, "本当ですか？はい！"),
        (1, "本当ですか！？"),
        (1, "彼は「行く。」と言った。"),
        (2, "「行く。」\n「待って。」"),
        (2, "それは…そうですね……。はい。"),
        (1, "値は3.14です。"),
        (2, "It is 3.14 now. Yes."),
        (2, "件名\n本文です。"),
        (0, "。。。\n！"),
    ],
)
def test_sentences_are_counted(expected: int, text: str) -> None:
    """Full stops, question marks and line ends close sentences; quotations and decimals do not."""
    assert expected == measures.count_sentences(measures.normalize(text))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ([1200.0], "１，２００円"),
        ([1234567.5], "1,234,567.5"),
        ([-3.0], "−3度"),
        ([3.0, 5.0], "3-5日"),
        ([1.0, 2.0, 3.0], "1、2、3"),
        ([480.0], "答え：480円。"),
        ([6.0], "6㎞"),
        ([], "五百円"),
        ([], "9" * 400),
    ],
)
def test_numbers_are_read(expected: list[float], text: str) -> None:
    """Full-width digits, grouping commas, decimals and signs are read; kanji numerals are not."""
    assert expected == measures.numbers(measures.normalize(text))


@given(st.text(st.characters(codec="utf-8", categories=["L", "Nd", "P", "Z"]), max_size=100))
def test_japanese_ratio_agrees_with_unicode_names(text: str) -> None:
    """Oracle: the names of the characters in the Unicode database, for texts that have kana."""
    normal = "かな" + measures.normalize(text)
    letters = [character for character in normal if unicodedata.category(character).startswith("L")]
    names = [unicodedata.name(character, "") for character in letters]
    prefixes = ("HIRAGANA ", "KATAKANA ", "KATAKANA-HIRAGANA PROLONGED", "CJK UNIFIED ", "CJK COMPATIBILITY ")
    japanese = sum(
        name.startswith(prefixes) or character in "々〆" for name, character in zip(names, letters, strict=True)
    )
    assert measures.japanese_ratio(normal) == pytest.approx(japanese / len(letters))


def test_chinese_is_not_japanese() -> None:
    """Simplified Chinese without kana has ratio 0; a Japanese answer of kanji alone keeps 1, rare kanji included."""
    assert measures.japanese_ratio("这个问题的答案很简单。") == 0
    assert measures.japanese_ratio("東京都、大阪府、北海道") == 1
    assert measures.japanese_ratio("剝製、頰、𠮟責") == 1


@given(ANY_TEXT, st.integers(1, 12))
def test_repetition_is_the_share_of_repeated_ngrams(text: str, n: int) -> None:
    """Oracle: a count of all n-grams, each occurrence after the first being a repetition."""
    spaced = " ".join(text.split())
    grams = Counter(spaced[start : start + n] for start in range(len(spaced) - n + 1))
    repeated = sum(count - 1 for count in grams.values())
    expected = repeated / grams.total() if grams else 0
    assert measures.repetition(text, n) == pytest.approx(expected)


@given(st.text(st.characters(codec="utf-8", exclude_characters="‐‑‒–—−〜"), max_size=50))
def test_normalizing_is_nfkc_but_for_dashes_and_circled_numbers(text: str) -> None:
    """Oracle: unicodedata, on texts without the characters that are folded on purpose."""
    if not any("①" <= character <= "⑳" or "❶" <= character <= "➓" for character in text):
        expected = unicodedata.normalize("NFKC", text)
        assert expected == measures.normalize(text) or any(character in "‐‑‒–—−〜" for character in expected)


def test_long_text_is_normalized_as_a_whole() -> None:
    """Cutting a long text into pieces separates no kana from its voicing mark."""
    for shift in range(3):
        text = "あ" * shift + "か\u3099ｶﾞ" * 2000
        assert unicodedata.normalize("NFKC", text) == measures.normalize(text)


def test_combining_marks_cannot_hang_it() -> None:
    """100,000 marks in the worst order, are no more work than as many letters."""
    start = time.perf_counter()
    measures.normalize("a" + "\u0301\u0316" * 50_000)
    assert time.perf_counter() - start < PATIENCE


@pytest.mark.parametrize(
    "piece", ["!", "。", "- ", "1. ", "①", "#", "**", "\n", " ", "・", "9", "1,111", "(", "-1", "…"]
)
def test_time_is_linear(piece: str) -> None:
    """100,000 characters of what the patterns look for are soon done."""
    text = piece * (100_000 // len(piece))
    start = time.perf_counter()
    normal = measures.normalize(text)
    measures.count_items(normal)
    measures.count_sentences(normal)
    measures.numbers(normal)
    measures.japanese_ratio(normal)
    measures.repetition(text)
    assert time.perf_counter() - start < PATIENCE
