"""Numbers of samples and steps in words."""

from harness.locale import Text, trn


def samples_said(count: int, each: int = 1) -> Text:
    """Return a number of samples in words: answers, or pairs of them."""
    return trn("{n:,} sample", "{n:,} samples", count) if each == 1 else trn("{n:,} pair", "{n:,} pairs", count)


def steps_said(count: int) -> Text:
    """Return a number of optimizer steps in words."""
    return trn("{n:,} optimizer step", "{n:,} optimizer steps", count)
