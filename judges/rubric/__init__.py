"""What a rubric judge sends and how its reply is read. Pure: no clock, network, environment or randomness.

A verdict is read only in the form that the rubric asked for (``reply:`` in its front matter).

1. *Thoughts.* Thinking blocks (``<think>…</think>`` and the like) at the front of a reply are no part of it; such a
   tag anywhere else cuts nothing. (A closing tag alone may end a thought that the prompt opened: see `reply`.)
2. *json*: the reply holds one JSON object with a score, wherever it stands and whatever prose surrounds it. The key is
   one of `LABELS`, at the top of the object or one level deeper; the value is a number in its dress (``4``,
   ``"4/5"``, ``"４点"``). Two objects that differ are refused, and so is an object that names another scale
   (``"max": 10``), holds several scores, is broken, or is not the judge's own: quoted, negated, shown as an example
   (`objects`, `quotation`).
3. *number*: the reply as a whole is one number in its dress (``４``, ``**4**``, ``[[4]]``, ``4/5``, ``【評価】④``,
   ``5点満点中4点です``). The words of the dress are a closed list, so that no negation, bound, range or count can be
   read as a verdict (`dress`).
4. *label*: a declared label and its number, in that same dress, alone on a line (``スコア：4``). The label stands once,
   or says the same twice, and is the judge's own; no number that could be a second verdict follows it (`lines`).
5. Where nobody said which form was asked for, the reply may be in any one of them; two that differ are refused.

A number is on the scale and on its steps. Everything else is refused with the reason: a refused reply has no score,
and nothing is ever guessed.
"""

from judges.rubric.dress import LABELS
from judges.rubric.prompt import fence, variables
from judges.rubric.reply import Form, parse

__all__ = ["LABELS", "PARSER_VERSION", "Form", "fence", "parse", "variables"]

PARSER_VERSION = 3
"""Part of every rubric judge's fingerprint: a change of the grammar must not serve scores read by the old one."""
