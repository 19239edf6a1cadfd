"""What a generation and a verdict refuse to be, since everything behind them relies on it."""

import pytest

from harness.types import Generation, Verdict


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf")])
def test_a_score_is_a_number(score: float) -> None:
    """Nothing that a mean could be lost in."""
    with pytest.raises(ValueError, match="a score is a finite number"):
        Verdict.scored(score)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"status": "scored"}, "if and only if it is scored"),
        ({"status": "unscored", "score": 1.0, "reason": "x"}, "if and only if it is scored"),
        ({"status": "error"}, "says why"),
        ({"status": "unscored", "reason": ""}, "says why"),
        ({"status": "unscored", "reason": ["a"]}, "reason is text or None"),
        ({"status": "scored", "score": 1.0, "rationale": 3}, "rationale is text or None"),
    ],
)
def test_a_verdict_has_a_score_or_a_reason(fields: dict, message: str) -> None:
    """Never both, never neither."""
    with pytest.raises(ValueError, match=message):
        Verdict(**fields)


def test_the_three_constructors_keep_what_came_with_a_verdict() -> None:
    """The reply, the version and the cost of a failed call are as real as those of a good one."""
    about = {"raw": "4", "version": "m-1", "cost": 0.25}
    for verdict, status in (
        (Verdict.scored(4, **about), "scored"),  # type: ignore[arg-type]
        (Verdict.unscored("why", **about), "unscored"),  # type: ignore[arg-type]
        (Verdict.failed("why", **about), "error"),  # type: ignore[arg-type]
    ):
        assert (status, "4", "m-1", 0.25) == (verdict.status, verdict.raw, verdict.version, verdict.cost)
    assert isinstance(Verdict.scored(4).score, float)


@pytest.mark.parametrize("count", [-1, 2**63, 1.5, "3"])
def test_tokens_are_counted_or_unknown(count: object) -> None:
    """A count that no column holds, or that is none, is refused at once."""
    with pytest.raises(ValueError, match="tokens_out is a number of tokens or None"):
        Generation(request_key="k", text="x", tokens_out=count)  # type: ignore[arg-type]
    assert 0 == Generation(request_key="k", text="", tokens_in=0).tokens_in
