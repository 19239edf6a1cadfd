"""What may reach a terminal: text, and nothing that a terminal obeys.

Answers, replies and error messages come from models and servers. One that holds an escape sequence could rename the
window, hide what stands above it, or turn the reading direction round. All output of the program passes here.
"""

import re
from typing import Any, TextIO

# C0 without tab and line ends, DEL, C1, line and paragraph separators, and what turns the reading direction; of the
# escape sequences only bold and its end, which headings are printed in, pass.
_OBEYED = re.compile(
    r"\r(?!\n)|\x1b(?!\[[01]m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069]"
)
_UPWARDS = re.compile(r"(?:\x1b\[A)+")  # how tqdm comes back to the first of several bars, in a write of its own


def printable(text: str) -> str:
    r"""Return a text in which what a terminal would obey is spelt out, as JSON spells it.

    >>> print(printable("a\x1b]0;b\x07c\nd\u202ee"))
    a\u001b]0;b\u0007c
    d\u202ee
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class PrintableStream:
    """A stream for people: what is written to it is `printable`, but for the carriage returns of progress bars.

    Everything else is the stream's own.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)

    def __iter__(self) -> Any:  # noqa: ANN401 - likewise
        return iter(self._stream)

    def write(self, text: str) -> int:
        """Write a text."""
        if _UPWARDS.fullmatch(text):
            self._stream.write(text)
            return len(text)
        lead = "\r" if text.startswith("\r") and not text.startswith("\r\n") else ""
        tail = "\r" if len(text) > 1 and text.endswith("\r") else ""
        self._stream.write(lead + printable(text[len(lead) : len(text) - len(tail)]) + tail)
        return len(text)

    def writelines(self, lines: Any) -> None:  # noqa: ANN401 - an iterable of texts
        """Write texts."""
        for line in lines:
            self.write(line)
