"""What other tools wrote about answers: inspect_ai, lm-evaluation-harness, promptfoo, deepeval and flexeval."""

from harness.tables.foreign.matching import Matched, match_rows, same_text
from harness.tables.foreign.reading import read_foreign
from harness.tables.foreign.records import ForeignFile, ForeignRow, ForeignScore, recognised, told

__all__ = [
    "ForeignFile",
    "ForeignRow",
    "ForeignScore",
    "Matched",
    "match_rows",
    "read_foreign",
    "recognised",
    "same_text",
    "told",
]
