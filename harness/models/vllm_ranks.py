"""The ranks of adapters that vLLM sets aside memory for, apart from the engine: cards name them, and load nothing."""

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""An adapter takes the next one; other numbers are refused as ``--max-lora-rank``."""

DEFAULT_RANK = 16
"""What vLLM takes without being told."""


def rank_offered(rank: int) -> int | None:
    """Return the lowest rank that vLLM offers and an adapter of ``rank`` has room in, None beyond the highest.

    >>> rank_offered(16), rank_offered(40), rank_offered(1024)
    (16, 64, None)
    """
    return next((offered for offered in RANKS if offered >= rank), None)
