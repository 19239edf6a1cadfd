"""What a report says of the best checkpoint of a training: what it looks like, and what it is worth. Pure."""

from typing import Any

from harness.analysis.board import BestCheckpoint, Board
from reports.formatting import interval, number, percent, row_name, score_digits, signed
from reports.wording import Words


def best_note(board: Board, say: Words) -> str:
    """Return a sentence for each training whose checkpoints stand on a board, "" where there is none. Plain text."""
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    return say("space").join(_said(one, digits, say) for one in board.best)


def best_section(boards: tuple[Board, ...]) -> list[dict[str, Any]]:
    """Return the best checkpoints of results.json, one entry for each training, prompt and board."""
    return [
        {
            "task": board.task,
            "judge": board.judge.name,
            "training": one.training,
            "model": one.row.model,
            "prompt": one.row.prompt,
            "over": None if one.over is None else {"model": one.over.model, "prompt": one.over.prompt},
            "naive": one.best.naive,
            "honest": one.best.honest.value,
            "low": one.best.honest.low,
            "high": one.best.honest.high,
            "confidence": one.best.honest.confidence,
            "n": one.best.honest.n,
            "n_unscored": one.best.honest.n_unscored,
            "method": one.best.honest.method,
            "agreement": one.best.agreement,
            "candidates": one.best.n_candidates,
            "folds": one.best.n_folds,
        }
        for board in boards
        for one in board.best
    ]


def _said(one: BestCheckpoint, digits: int, say: Words) -> str:
    show, best = (number if one.over is None else signed), one.best
    known = {
        "training": one.training,
        "row": row_name(one.row),
        "over": "" if one.over is None else row_name(one.over),
        "count": best.n_candidates,
        "naive": show(best.naive, digits),
        "honest": show(best.honest.value, digits),
        "interval": interval(best.honest, digits, with_sign=one.over is not None),
        "agreement": percent(best.agreement),
    }
    what = "mean" if one.over is None else "gain"
    said = [say(f"best.{what}", **known)]
    if best.honest.value is None:
        said.append(say("best.unknown"))
    else:
        said.append(say(f"best.honest_{what}" if best.honest.low is not None else "best.no_interval", **known))
    return say("space").join((*said, *map(say.sentence, best.cautions)))
