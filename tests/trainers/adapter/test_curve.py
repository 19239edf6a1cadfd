"""The loss curve: readable by a picture library, never empty by mistake, equal points where a training resumed."""

import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.image import imread

from tests.trainers.adapter_folders import LOGGED
from trainers.adapter.curve import draw_curve

BLUE, ORANGE, GREEN = (0x00, 0x63, 0xA3), (0xB2, 0x45, 0x0E), (0x00, 0x69, 0x4B)


def pixels(rows: list[dict[str, Any]], title: str = "a training") -> npt.NDArray[np.int64]:
    """Return the picture as whole numbers of shape (height, width, 3)."""
    picture = draw_curve(rows, title)
    assert picture is not None
    return (imread(io.BytesIO(picture))[:, :, :3] * 255).round().astype(np.int64)


def count(picture: npt.NDArray[np.int64], colour: tuple[int, int, int]) -> int:
    """Return how many pixels have one colour."""
    return int((np.abs(picture - np.array(colour)).max(axis=2) <= 2).sum())


def steps(first: int, last: int, **more: Any) -> list[dict[str, Any]]:
    """Return rows of a falling loss."""
    return [{"step": step, "loss": 3 - step / 100, "learning_rate": 1e-4} | more for step in range(first, last + 1)]


def test_both_losses_are_drawn() -> None:
    """1600 pixels wide; blue for training and orange for held-out samples, which are missing if there are none."""
    picture = pixels(LOGGED)
    assert 1600 == picture.shape[1]
    assert count(picture, BLUE) > 500
    assert count(picture, ORANGE) > 500
    assert 0 == count(pixels([row for row in LOGGED if "loss" in row]), ORANGE)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"step": 3, "event": "out of memory"}],
        [{"step": 1, "loss": math.nan}],
        [{"loss": 2.0}],
        [{"step": 1, "loss": None}],
    ],
)
def test_no_loss_is_no_picture(rows: list[dict[str, Any]]) -> None:
    """An empty log, events alone, a loss that is no number, rows without a step."""
    assert draw_curve(rows, "nothing") is None


def test_a_single_point_shows() -> None:
    """A training of one step has a dot, also where its learning rate is zero."""
    assert count(pixels([{"step": 1, "loss": 2.0, "learning_rate": 0.0}]), BLUE) > 20


def test_a_resumed_training_looks_like_an_uninterrupted_one() -> None:
    """Steps that were lost and done again count as they were logged last."""
    interrupted = [*steps(1, 57, loss=9.0), *steps(1, 100)]
    assert (pixels(steps(1, 100)) == pixels(interrupted)).all()


def test_every_point_is_drawn_as_logged() -> None:
    """One spike among 500 steps changes the picture: nothing is smoothed."""
    rows = steps(1, 500)
    spiked = [row | ({"loss": 1.0} if row["step"] == 250 else {}) for row in rows]
    assert (pixels(rows) != pixels(spiked)).any()


def test_a_loss_that_is_no_number_leaves_a_gap() -> None:
    """The steps around it are drawn."""
    rows = [row | ({"loss": math.nan} if 40 <= row["step"] <= 60 else {}) for row in steps(1, 100)]
    whole, gapped = (count(pixels(drawn), BLUE) for drawn in (steps(1, 100), rows))
    assert 0 < gapped < whole


def test_events_are_marked_and_told() -> None:
    """Each event makes the picture taller by its sentence, from the sixth on they are counted in one more."""
    heights = [
        pixels([*steps(1, 40), *({"step": step, "event": "out of memory"} for step in range(events))]).shape[0]
        for events in (0, 1, 5, 6, 9)
    ]
    assert heights[0] < heights[1] < heights[2] < heights[3] == heights[4]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("title", ["日本語の名前", "$x^$ \\frac{", "a\nb\x1b[31m\ud800", "long " * 200, ""])
def test_any_title_can_be_drawn(title: str) -> None:
    """What the font cannot show, what looks like a formula, and what steers a terminal does no harm."""
    event = {"step": 2, "event": title}
    assert count(pixels([*steps(1, 5), event], title), BLUE) > 100


def test_the_same_log_gives_the_same_bytes() -> None:
    """No date and no version is in the file."""
    assert draw_curve(LOGGED, "x") == draw_curve(LOGGED, "x")


def test_what_judges_saw_has_a_panel_of_its_own() -> None:
    """Green points with intervals in a taller picture; none where nobody judged; of a step that came twice the last."""
    judged = [
        {"step": step, "judged": 0.5, "judged_low": 0.4, "judged_high": 0.6, "judge": "rules"} for step in (0, 3, 6)
    ]
    picture, plain = pixels([*LOGGED, *judged]), pixels(LOGGED)
    assert count(picture, GREEN) > 500
    assert 0 == count(plain, GREEN)
    assert picture.shape[0] > plain.shape[0]
    again = [judged[0] | {"judged": 0.1}, *judged]
    assert (pixels([*LOGGED, *again]) == picture).all()
    assert draw_curve(judged, "no loss") is None
