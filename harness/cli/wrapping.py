"""Lines of a paragraph as Japanese is wrapped: between characters, each as wide as two letters."""

import re

from harness.cli.table import columns

# What stays together at the end of a line: a word, or a wide character with the punctuation that closes it. A bracket
# that opens takes the next character along.
_PIECES = re.compile(
    r"\s+|\[?[「『（【]*(?:[!-~]+|[^\s!-~「『（【])[\]、。」』）】：；？！ーっゃゅょッャュョぁぃぅぇぉ]*|."
)


def wrapped(text: str, width: int, *, indent: str = "") -> str:
    """Return a paragraph in lines of at most ``width`` columns; all but the first begin with ``indent``.

    >>> print(wrapped("表のどこでも折り返せますが、word は切りません。", 20))
    表のどこでも折り返せ
    ますが、word は切り
    ません。
    """
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        if line and columns(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = indent
        line += piece if line.strip() or not piece.isspace() else ""
    return "\n".join([*lines, line.rstrip()])
