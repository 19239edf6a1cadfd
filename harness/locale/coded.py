"""A message that knows which one it is: a code that stays the same however the message is worded."""

import re
from typing import Any, Self

from harness.locale import Text

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Coded(Text):
    """A message with a ``code``. What somebody else said is kept as it stands, and is never looked up.

    >>> from harness.locale import tr
    >>> made = Coded("blank", tr("line {n} is blank", n=3))
    >>> made, made.code
    ('line 3 is blank', 'blank')

    Raises:
        ValueError: the code is no short word (a plugin may have codes of its own).
    """

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, said: str) -> Self:
        """Keep the code beside the words."""
        if not is_code(code):
            raise ValueError(f"a code is a short word of a-z, 0-9 and _, not {code!r}")
        if isinstance(said, Text):
            made = super().__new__(cls, said.msgid, said.values, said.plural, said.n)
        else:
            made = super().__new__(cls, "{text}", {"text": said})  # never looked up: it may equal a message of ours
        made.code = code
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, Text(self.msgid, self.values, self.plural, self.n))


def is_code(text: str) -> bool:
    """Return whether a text is a short word that may be a code.

    >>> is_code("no_reference"), is_code("ratings.csv:7")
    (True, False)
    """
    return _CODE.fullmatch(text) is not None
