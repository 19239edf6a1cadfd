"""Text with its typographic variants folded, so that the reply grammar has to know one form of each sign only."""

import unicodedata

UNREADABLE = "\ufffd"
"""Stands for a sign that changes the number beside it (``½``, ``⁴``), and that no form of the grammar allows."""


_ENCLOSED = (
    *((0x2460, 0x249C), (0x24EA, 0x2500), (0x2776, 0x2794), (0x3220, 0x322A), (0x3280, 0x328A)),
    (0x1F100, 0x1F10D),
)
"""Where Unicode has circled numbers, and others in dress: from the first to after the last."""


def _table() -> dict[int, str]:
    wide = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    spaces = dict.fromkeys((0xA0, 0x2002, 0x2003, 0x2009, 0x202F, 0x3000), " ")
    breaks = dict.fromkeys((0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029), "\n")
    # ⓪ ④ ⑷ ⒋ ❹ ㊃ 🄅 stand apart from digits beside them: ①② is no twelve.
    enclosed = {code: f" {unicodedata.numeric(chr(code)):g} " for start, end in _ENCLOSED for code in range(start, end)}
    bold = {code: str((code - 0x1D7CE) % 10) for code in range(0x1D7CE, 0x1D800)}
    small = (0xB2, 0xB3, 0xB9, *range(0xBC, 0xBF), *range(0x2070, 0x208A), *range(0x2150, 0x2160), 0x2189)
    corners = {0xFF62: "「", 0xFF63: "」"}
    keycap = {0xFE0F: "", 0x20E3: " "}
    return wide | corners | spaces | breaks | enclosed | bold | dict.fromkeys(small, UNREADABLE) | keycap


_FOLDED = _table()


def fold(text: str) -> str:
    """Return ``text`` with ASCII digits, signs, spaces and line ends, in small letters.

    >>> fold("スコア：４／５"), fold("④"), fold("4½") == "4" + UNREADABLE
    ('スコア:4/5', ' 4 ', True)
    """
    return text.translate(_FOLDED).lower()
