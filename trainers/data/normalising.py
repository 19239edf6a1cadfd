"""One text for all that editors, spreadsheets and web pages make of it, so that copies of a task can be found."""

import unicodedata

import regex

# Two kinds of tilde and a minus, mathematical symbols to Unicode, are punctuation in Japanese text.
_LEFT_OUT = regex.compile(r"(?:[^\p{L}\p{M}\p{N}\p{Sm}()\[\]{}]|[~∼−]|\p{Variation_Selector})+")
_IN_HIRAGANA = {code: code - 0x60 for code in (*range(ord("ァ"), ord("ヶ") + 1), ord("ヽ"), ord("ヾ"))}
_NUMBER = regex.compile(r"[\p{N}〇零一二三四五六七八九十百千万億兆]+")


def normalise(text: str) -> str:
    r"""Return a text without spaces and punctuation, in one width and one case.

    Copies of a task differ in what editors, spreadsheets and web pages change: full and half width (NFKC makes them
    one), case, spaces and line ends, stops, quotes, bullets, dashes, the two kinds of 〜. None of that makes another
    task, so only letters, marks, numbers, mathematical symbols and the brackets ()[]{} stay, without variation
    selectors. Symbols and brackets stay because tasks can be about them: ELYZA-tasks-100 and its TV set ask for the end
    of two bracket sequences in the same words. The price: 3-2 and 32 are one.

    >>> normalise("Ｑ１．　次の文を\r\n要約してください。"), normalise("q1: 次の文を要約してください")
    ('q1次の文を要約してください', 'q1次の文を要約してください')
    """
    before = None
    while text != before:  # what is left may compose anew: the two marks around a removed one, for example
        before = text
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = _LEFT_OUT.sub("", folded)
    return text


def without_numbers(text: str) -> str:
    """Return a normalised text in which every number, in digits or in kanji, is 0.

    >>> without_numbers("みかんを12個、りんごを三百個買いました。")
    'みかんを0個りんごを0個買いました'
    """
    replaced: str = _NUMBER.sub("0", normalise(text))
    return replaced


def in_hiragana(text: str) -> str:
    """Return a text with hiragana in place of katakana.

    >>> in_hiragana("リンゴとバナナのチーズ")
    'りんごとばななのちーず'
    """
    return text.translate(_IN_HIRAGANA)
