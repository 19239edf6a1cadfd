"""Hypothesis strategies for the records of the harness: scales, scores with gaps, samples, answers, score tables."""

from collections import Counter

import numpy as np

from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.installation import MissingExtraError
from harness.types import LIKERT_5, PASS_FAIL, PERCENT, UNIT, Generation, RowKey, Sample, Scale, Verdict
from harness.unscored import Unscored

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    raise MissingExtraError("helper harness.testing.score_tables", "testing") from error

Pairs = list[tuple[float | None, float | None]]
_NOT_JUDGED = Unscored("not_judged", "not judged")
_TAGS = ("算数", "要約", "chat")


def scales() -> st.SearchStrategy[Scale]:
    """Draw one of the usual scales, or one that starts elsewhere and has another step."""
    odd = st.builds(
        lambda low, steps, step: Scale(low=low, high=low + steps * step, step=step),
        st.integers(-3, 3),
        st.integers(1, 12),
        st.sampled_from([0.5, 1, 2]),
    )
    return st.one_of(st.sampled_from([LIKERT_5, PASS_FAIL, UNIT, PERCENT]), odd)


def scores(scale: Scale = LIKERT_5) -> st.SearchStrategy[float]:
    """Draw a score that a judge of this scale may give."""
    if scale.step is None:
        return st.floats(scale.low, scale.high, allow_subnormal=False)
    step = scale.step
    return st.integers(0, round((scale.high - scale.low) / step)).map(lambda n: scale.low + n * step)


def score_pairs(scale: Scale = LIKERT_5, *, max_size: int = 25) -> st.SearchStrategy[Pairs]:
    """Draw two models' scores on the same tasks, task by task; None where there is none."""
    one = st.none() | scores(scale)
    return st.lists(st.tuples(one, one), max_size=max_size)


def verdicts(scale: Scale = LIKERT_5) -> st.SearchStrategy[Verdict]:
    """Draw what a judge may say: a score, or the reason why there is none."""
    reason = st.text(min_size=1, max_size=20)
    return st.one_of(
        st.builds(Verdict.scored, scores(scale), rationale=st.none() | st.text(max_size=20)),
        st.builds(Verdict.unscored, reason),
        st.builds(Verdict.failed, reason),
    )


def samples(*, task_id: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Sample]:
    """Draw one task, with or without a reference, criteria, tags and a cluster."""
    maybe = st.none() | st.text(max_size=20)
    return st.builds(
        lambda identity, text, reference, criteria, tags, cluster: Sample(
            id=identity,
            inputs={"input": text},
            reference=reference,
            criteria=criteria,
            tags=tuple(tags),
            cluster=cluster,
        ),
        st.integers(0, 999).map(str) if task_id is None else task_id,
        st.text(max_size=40),
        maybe,
        maybe,
        st.lists(st.sampled_from(_TAGS), unique=True, max_size=2),
        st.none() | st.sampled_from(["a", "b"]),
    )


def generations() -> st.SearchStrategy[Generation]:
    """Draw what a model may give: an answer (an empty one is one, too), or the reason why there is none."""
    key = st.text("0123456789abcdef", min_size=8, max_size=8)
    count = st.none() | st.integers(0, 4096)
    answered = st.builds(
        lambda name, text, finish, tokens: Generation(
            request_key=name, text=text, finish_reason=finish, tokens_in=tokens, tokens_out=tokens
        ),
        key,
        st.text(max_size=60),
        st.sampled_from(["stop", "length", None]),
        count,
    )
    failed = st.builds(
        lambda name, error: Generation(request_key=name, text=None, finish_reason="error", error=error),
        key,
        st.text(min_size=1, max_size=20),
    )
    return answered | failed


@st.composite
def score_tables(
    draw: st.DrawFn,
    *,
    scale: Scale | None = None,
    models: int | None = None,
    tasks: int | None = None,
    repeats: int = 1,
    judge_repeats: int = 1,
    gaps: bool = True,
) -> ScoreTable:
    """Draw the scores of one judge on one task set: ``models`` rows, ``tasks`` columns, NaN where there is no score.

    Args:
        draw: What Hypothesis hands to a composite strategy.
        scale: The judge's; None draws one.
        models: How many rows; None draws two to four.
        tasks: How many tasks; None draws one to twelve.
        repeats: Answers to each task.
        judge_repeats: Verdicts on each answer.
        gaps: Whether scores may be missing.
    """
    chosen = draw(scales()) if scale is None else scale
    n_rows = draw(st.integers(2, 4)) if models is None else models
    n_tasks = draw(st.integers(1, 12)) if tasks is None else tasks
    shape = (n_rows, n_tasks, repeats, judge_repeats)
    one = scores(chosen) | st.just(np.nan) if gaps else scores(chosen)
    size = int(np.prod(shape))
    cells = np.array(draw(st.lists(one, min_size=size, max_size=size)), dtype=float).reshape(shape)
    rows = tuple(RowKey(model="base" if number == 0 else f"m{number}", prompt="course.v1") for number in range(n_rows))
    missing = np.isnan(cells).sum(axis=(1, 2, 3))
    return ScoreTable(
        task="drawn",
        judge=PlannedJudge(name="judge", fingerprint="drawn", scale=chosen, repeats=judge_repeats),
        rows=rows,
        samples=tuple(draw(samples(task_id=st.just(str(number)))) for number in range(n_tasks)),
        cells=cells,
        reasons={row: Counter({_NOT_JUDGED: int(n)} if n else {}) for row, n in zip(rows, missing, strict=True)},
        versions=frozenset(),
    )
