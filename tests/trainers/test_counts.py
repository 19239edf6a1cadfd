"""Numbers of samples and steps in words."""

from trainers.counts import samples_said, steps_said


def test_one_and_several() -> None:
    """Answers, pairs and steps."""
    assert ["1 sample", "1,200 samples"] == [str(samples_said(count)) for count in (1, 1200)]
    assert ["1 pair", "2 pairs"] == [str(samples_said(count, 2)) for count in (1, 2)]
    assert ["1 optimizer step", "9 optimizer steps"] == [str(steps_said(count)) for count in (1, 9)]
