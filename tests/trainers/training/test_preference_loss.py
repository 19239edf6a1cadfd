"""The losses of pairs against the formulas of the papers, written with numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainers.training.preference_loss import PreferenceSettings, pair_losses

Number = st.floats(-60, 0, allow_nan=False)


def settings(**changes: object) -> PreferenceSettings:
    values = {"beta": 0.1, "loss_type": "sigmoid", "sft_weight": 0.0, "label_smoothing": 0.0} | changes
    return PreferenceSettings(**values)  # type: ignore[arg-type]


@given(st.tuples(Number, Number, Number, Number), st.floats(0.01, 2), st.floats(0, 0.49))
def test_sigmoid(numbers: tuple[float, float, float, float], beta: float, smoothing: float) -> None:
    """-(1 - e) log s(b m) - e log s(-b m), with m by hand."""
    better, worse, better_then, worse_then = numbers
    found = pair_losses(
        torch.tensor([[better, worse]], dtype=torch.float64),
        torch.tensor([[better_then, worse_then]], dtype=torch.float64),
        torch.tensor([[3, 5]]),
        settings(beta=beta, label_smoothing=smoothing),
    )
    margin = (better - better_then) - (worse - worse_then)
    expected = (1 - smoothing) * np.logaddexp(0, -beta * margin) + smoothing * np.logaddexp(0, beta * margin)
    assert float(found.loss) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert float(found.margin) == pytest.approx(margin, abs=1e-9)


def test_ipo() -> None:
    """((-2+3)/2 - (-8+4)/4 - 1/0.4)^2 = (0.5 + 1 - 2.5)^2 = 1, per pair of several."""
    found = pair_losses(
        torch.tensor([[-2.0, -8.0], [0.0, 0.0]]),
        torch.tensor([[-3.0, -4.0], [0.0, 0.0]]),
        torch.tensor([[2, 4], [1, 1]]),
        settings(beta=0.2, loss_type="ipo"),
    )
    assert [1.0, 6.25] == pytest.approx(found.loss.tolist())
    assert [5.0, 0.0] == pytest.approx(found.margin.tolist())
