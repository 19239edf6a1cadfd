"""What can be read off an answer without a model: its script, repetition, items, sentences and numbers.

Pure functions of text, in time linear in its length for any text, however odd: NUL bytes, lone surrogates and 100,000
characters included. They measure form; none of them knows whether an answer is right.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

Script = Literal["hiragana", "katakana", "kana", "kanji", "latin"]

_HIRAGANA = "ぁ-ゖゝ-ゟ"
_KATAKANA = "ァ-ヺー-ヿㇰ-ㇿ"
_KANJI = "々〆〇㐀-䶿一-鿿\uf900-\ufaff\U00020000-\U0003ffff"
_SCRIPTS: dict[str, re.Pattern[str]] = {
    "hiragana": re.compile(f"[{_HIRAGANA}ー]+"),  # the long-vowel mark belongs to either kana
    "katakana": re.compile(f"[{_KATAKANA}]+"),
    "kana": re.compile(f"[{_HIRAGANA}{_KATAKANA}]+"),
    "kanji": re.compile(f"[{_KANJI}]+"),
    "latin": re.compile("[A-Za-zÀ-ÖØ-öø-ɏ]+"),
    "japanese": re.compile(f"[{_HIRAGANA}{_KATAKANA}{_KANJI}]+"),
}
_LETTERS = re.compile(r"[^\W\d_]+")

# Canonical ordering is quadratic in a run of combining marks, so long texts are normalised piece by piece; a piece
# never ends just before a mark that would compose with its last character.
_PIECE = re.compile("(?s).{1,1000}[\u0300-\u036f\u3099\u309a\uff9e\uff9f]{0,8}")
_DASHES = re.compile("[‐‑‒–—−]")
_CIRCLED = {
    chr(first + offset): f"({offset + 1})"
    for first, count in ((0x2460, 20), (0x2776, 10), (0x2780, 10), (0x278A, 10))
    for offset in range(count)
}
_CIRCLE = re.compile(f"[{''.join(_CIRCLED)}]")


def normalize(text: str) -> str:
    """Return ``text`` in NFKC, with dashes and wave dashes folded into ``-`` and ``~``, and ``①`` as ``(1)``.

    >>> normalize("ＡＢＣ　１２３〜４５６　②")
    'ABC 123~456 (2)'
    """
    text = _CIRCLE.sub(lambda match: _CIRCLED[match[0]], text)  # NFKC makes ① a bare 1
    pieces = (text,) if len(text) <= 1000 else _PIECE.findall(text)  # noqa: PLR2004 - the length of a piece
    return _DASHES.sub("-", "".join([unicodedata.normalize("NFKC", piece) for piece in pieces]).replace("〜", "~"))


@lru_cache(maxsize=4096)
def fold(word: str) -> str:
    """Return a search word normalised and without case, as an answer is before it is searched.

    >>> fold("Ｔｏｋｙｏ")
    'tokyo'
    """
    return normalize(word).casefold()


def is_visible(text: str) -> bool:
    r"""Return whether there is anything to read: one character that is no space, control or format character.

    >>> is_visible(" 。"), is_visible(" \u3000\u200b\x00")
    (True, False)
    """
    return any(character.isprintable() and not character.isspace() for character in text)


def count_characters(text: str) -> int:
    r"""Return the number of characters other than white space, as a Japanese word processor counts them.

    >>> count_characters("東京 と\n大阪")
    5
    """
    return sum(map(len, text.split()))


def japanese_ratio(normal: str) -> float | None:
    """Return the share of kana and kanji among the letters of a normalised text, 0 to 1, or None without a letter.

    Digits, punctuation, symbols and white space do not count. A text without any kana that holds a Chinese character
    unknown to JIS X 0213 (such as 这, 们) is taken to be Chinese: its characters count as letters and not as Japanese.

    >>> japanese_ratio("東京はcity"), japanese_ratio("42"), japanese_ratio("这是一个问题。")
    (0.42857142857142855, None, 0.0)
    """
    letters = sum(map(len, _LETTERS.findall(normal)))
    if not letters:
        return None
    found = _SCRIPTS["japanese"].findall(normal)
    if found and not _SCRIPTS["kana"].search(normal) and not _is_jis("".join(found)):
        return 0.0
    return sum(map(len, found)) / letters


def _is_jis(kanji: str) -> bool:
    try:
        kanji.encode("euc_jis_2004")
    except UnicodeEncodeError:
        return False
    return True


def script_ratio(normal: str, script: Script) -> float | None:
    """Return the share of one script among the letters of a normalised text, 0 to 1, or None without a letter.

    >>> script_ratio("こいのぼり", "hiragana"), script_ratio("東京タワー", "katakana")
    (1.0, 0.6)
    """
    letters = sum(map(len, _LETTERS.findall(normal)))
    return sum(map(len, _SCRIPTS[script].findall(normal))) / letters if letters else None


def repetition(text: str, n: int = 10) -> float:
    """Return the share of character n-grams that occurred before in the text, 0 to 1; 0 for a text shorter than ``n``.

    This is seq-rep-n (Welleck et al. 2020, "Neural Text Generation with Unlikelihood Training", section 6.1) over
    characters, runs of white space taken as one space. A loop comes near 1.

    >>> repetition("東京は日本の首都です。"), repetition("です。" * 100) > 0.98
    (0.0, True)
    """
    text = " ".join(text.split())
    total = len(text) - n + 1
    return 1 - len({text[start : start + n] for start in range(total)}) / total if total > 0 else 0.0


_ITEM = re.compile(
    r"""(?P<indent>[ ]*)
    (?:\#{1,6}[ ]+)? (?:\*\*|__)?                                    # a heading, bold
    (?:(?P<paren>\()\d{1,3}\)                                        # (1)
     | (?P<square>\[)\d{1,3}\]                                       # [1]
     | \d{1,3}(?P<number>[.)、:]|\ufe0f?\u20e3)(?!\d)                # 1. 1) 1、 1: and the keycap
     | [一二三四五六七八九十]{1,3}(?P<kanji>[、.)])                  # 一、
     | (?P<bullet>[・•●○◯◎■□◆◇▪▫‣★☆▶✓✔☑] | [*+-](?=[ ]) | -(?=[^\W\d_]))
    )[ *_]*[^ *_]""",
    re.VERBOSE,
)
_INLINE = re.compile(r"(?<![\d.(\[])[(\[]?(\d{1,2})[.)\]:](?!\d)")
_SENTENCE_TAIL = ("。", ".", "!", "?", ":", "。」", "。』", "。)")


def count_items(normal: str) -> int:
    r"""Return the number of items of the list in a normalised text, counted at its top level.

    Markers are numbers (``1.`` ``1)`` ``1、`` ``(1)`` ``[1]`` ``一、``) and bullets (``・`` ``-`` ``*``
    ``+`` ``•`` ``●`` ``■`` …), also behind ``#`` or ``**``. The top level is the style of the first item at the least
    indentation; other styles and deeper items are nested. Without markers every line is an item, except that where at
    least half of the lines are phrases, those that end like a sentence are introduction or remark. A text of one line
    counts what it numbers in a row from 1, else what it lists between 、 if it is no sentence, else 1.

    >>> count_items("三つあります。\n1. 赤\n  - 明るい\n2. 青\n3. 白"), count_items("・赤\n・青")
    (3, 2)
    >>> count_items("(1)赤(2)青"), count_items("赤\n青\n白"), count_items("赤、青、白、黒")
    (2, 3, 4)
    >>> count_items("赤と、青です。"), count_items("")
    (1, 0)
    """
    lines = [line for line in normal.expandtabs(4).splitlines() if line.strip()]
    items = [(len(match["indent"]), _style(match)) for match in map(_ITEM.match, lines) if match]
    if len(items) > 1 or (items and len(lines) > 1 and not _inline(lines)):
        top = min(indent for indent, _ in items) + 1  # one space more is no level: a first line often lost its own
        styles = [style for indent, style in items if indent <= top]
        return styles.count(styles[0])
    return _inline(lines) or _count_unmarked([line.strip() for line in lines])


def _style(match: re.Match[str]) -> str:
    return match["bullet"] or match["paren"] or match["square"] or match["kanji"] or f"1{match['number']}"


def _inline(lines: list[str]) -> int:
    """Return how far a text numbers its parts in a row from 1 within a line, 0 if it does not reach 2."""
    expected = 1
    for line in lines:
        for match in _INLINE.finditer(line):
            expected += int(match[1]) == expected
    return expected - 1 if expected > 2 else 0  # noqa: PLR2004 - a list has two items


def _count_unmarked(lines: list[str]) -> int:
    if len(lines) == 1 and "。" not in lines[0]:
        return len([part for part in re.split("[、,]", lines[0]) if part.strip()])
    phrases = sum(not line.endswith(_SENTENCE_TAIL) for line in lines)
    return phrases if phrases * 2 >= len(lines) > 1 else len(lines)


_SENTENCE_END = re.compile(r"(?<![。!?])[。!?]++(?![」』)\]}\"'])|(?<![.\d])\.(?=\s|$)")
_WORD = re.compile(r"[^\W_]")


def count_sentences(normal: str) -> int:
    r"""Return the number of sentences of a normalised text: what 。 ! ? or a line end closes and has a letter in it.

    An end before a closing bracket belongs to the quotation and closes nothing.

    >>> count_sentences("はい。そうです!"), count_sentences("彼は「行く。」と言った。"), count_sentences("題\n本文")
    (2, 1, 2)
    """
    return sum(bool(_WORD.search(part)) for line in normal.splitlines() for part in _SENTENCE_END.split(line))


_NUMBER = re.compile(r"(?<![0-9.,])([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]+)?")
_MINUS = re.compile(r"(?:^|[^A-Za-z0-9)\]])-$")
_LONGEST_NUMBER = 300  # digits; a float ends before that


def numbers(normal: str) -> list[float]:
    """Return the numbers of a normalised text in order: Arabic digits, with grouping commas, a decimal part and a sign.

    A hyphen after a digit or a Latin letter is no sign (``3-5``). Numbers written in kanji are not read.

    >>> numbers("合計は1,200円、差は-0.5%、3-5日")
    [1200.0, -0.5, 3.0, 5.0]
    """
    found = []
    for match in _NUMBER.finditer(normal):
        digits = match[1].replace(",", "") + (match[2] or "")
        if len(digits) <= _LONGEST_NUMBER:
            before = normal[max(match.start() - 2, 0) : match.start()]
            found.append(-float(digits) if _MINUS.search(before) else float(digits))
    return found
