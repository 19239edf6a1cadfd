"""One small report, the same every time, with everything in it that a report may have to show; and golden files."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.analysis.leaderboard import build_leaderboard, length_stop_rates
from harness.analysis.prompt_test import run_experiment
from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.types import (
    LIKERT_5,
    UNIT,
    Generation,
    Message,
    RenderedPrompt,
    Request,
    RowKey,
    Sample,
    Sampling,
    Verdict,
)
from reports.run_view import SLOT, PromptExample, Report, ShownAnswer

GOLDEN = Path(__file__).parent / "golden"

# A test may be read beside its input: eight tasks, three rows; None is a verdict that could not be read.
SCORES: dict[str, list[int | None]] = {
    "base": [3, 2, 4, 3, 2, 4, 5, 1],
    "a|b <i>x</i> `c`": [4, 3, 4, 4, 3, 5, 5, 2],
    "日本語モデル": [3, 3, 4, None, 2, 4, 5, 1],
}
HOSTILE = {
    "script": "</script><script>window.pwned = 1</script><!--",
    "image": '<img src=x onerror="window.pwned = 1">',
    "table": "| a | b |\n|---|---|\n| 1 | 2 |\n\n# heading\n```\n~~~\n[x](javascript:alert(1))",
    "ansi": "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "rtl": "abc \u202eevil\u202c \u2066x\u2069 \u200f",
    "controls": "NUL\x00 lone\ud800 sep\u2028 tab\t.",
    "entity": "&lt;b&gt; &amp; \\u003c {{ 7 * 7 }} ${x} $\\frac{1}{2}$",
    "long": "長い" * 50_000,
    "links": "[a](javascript:window.pwned=1) [b](data:text/html,<script>window.pwned=1</script>) "
    "![c](https://example.com/x.png) <javascript:window.pwned=1> [d]: javascript:window.pwned=1\n\n[d]\n\n"
    "[e](<javascript:window.pwned=1> 'x')\n\n[f](&#106;avascript:alert(1)) &#x202e; &#0; &lt;img src=x&gt;",
    "code": '```html\n</code></pre><img src=x onerror="window.pwned = 1">\n```\n\n'
    "    <script>window.pwned = 1</script>\n\n"
    "`</code><svg onload=window.pwned=1>` | <details open ontoggle=window.pwned=1> |\n|---|---|\n"
    "| <b> | </td></table> |",
    "depth": ("> " * 300) + "deep\n\n" + ("- " * 300) + "deep\n\n" + "[" * 2000 + "*_~`" * 2000 + "]" * 2000,
    "lines": "w" * 5000 + "\n" + "＝" * 3000 + "\n\n" + "a\n" * 3000,
}


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a golden file. HARNESS_WRITE_GOLDEN=1 writes it first: read it before it is committed."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("HARNESS_WRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text

    return compare


def small_report(baseline: str = "base") -> Report:
    """Return the report that golden files are made of: fixed date, fixed versions."""
    return _report(
        {model: [f"{model}の答え{place}" for place in range(8)] for model in SCORES},
        [f"問題{place}: 三つ挙げてください。" for place in range(8)],
        baseline,
    )


def hostile_report() -> Report:
    """Return a report in which every text that a model, judge or file gave tries to break out."""
    texts = list(HOSTILE.values())
    return _report(dict.fromkeys([*SCORES, *(f"m-{text[:60]}" for text in texts[:7])], texts), texts)


def ab_report(n: int = 24) -> Report:
    """Return a run of two models under three prompts, with its A/B test; ``mine`` is better, with Markdown in it."""
    rng = np.random.default_rng(5)
    models, gains = ("base", "調整|済み"), {"plain.v1": 0, "mine": 1, "x|y": 0}
    samples = tuple(
        Sample(
            id=f"t{place}",
            inputs={"input": f"問題{place}: 三つ挙げてください。"},
            tags=("list" if place % 2 else "why",),
        )
        for place in range(n)
    )
    judge = PlannedJudge(name="judge", fingerprint="f", scale=LIKERT_5, scored_by="model")
    rows = [RowKey(model=model, prompt=prompt) for model in models for prompt in gains]
    base = rng.integers(2, 4, (len(models), n))
    scores = {
        RowKey(model=model, prompt=prompt): np.clip(base[place] + gain + rng.integers(0, 2, n), 1, 5)
        for place, model in enumerate(models)
        for prompt, gain in gains.items()
    }
    verdicts = {
        (row, sample.id): Verdict.scored(
            float(scores[row][place]), rationale=f"理由{place}", raw=f'{{"score": {place}}}'
        )
        for row in rows
        for place, sample in enumerate(samples)
    }
    table = ScoreTable(
        task="two dozen",
        judge=judge,
        rows=tuple(rows),
        samples=samples,
        cells=np.array([scores[row] for row in rows], dtype=float)[:, :, None, None],
        reasons={row: Counter() for row in rows},
        versions=frozenset(),
    )
    answers = tuple(
        ShownAnswer(
            task="two dozen",
            sample_id=sample.id,
            row=row,
            repeat=0,
            generation=Generation(
                request_key=f"{row}/{sample.id}",
                text=f"# {row.prompt}\n\n- **{row.model}**の答え{place}\n- `二つ目`\n\n1. 三\n2. 四",
                finish_reason="stop",
                tokens_out=12,
            ),
            sampling=Sampling(),
            verdicts={"judge": (verdicts[row, sample.id],)},
        )
        for row in rows
        for place, sample in enumerate(samples)
    )
    return Report(
        leaderboard=build_leaderboard("prompts", [table], {}, baseline="base"),
        tables=(table,),
        answers=answers,
        prompts=(),
        provenance={
            "date": "2026-01-02T03:04:05+09:00",
            "command": "harness ab --model base",
            "tasks": {"two dozen": "ab"},
        },
        ab=(run_experiment(table, control="plain.v1"),),
        asked={"judge": {"two dozen": (f"採点: {SLOT}",) * n}},
    )


def _report(answers: dict[str, list[str]], inputs: list[str], baseline: str = "base") -> Report:
    samples = tuple(
        Sample(
            id=str(place),
            inputs={"input": text},
            reference=f"参照{place}" if place % 2 else None,
            criteria="- 三つある: +1点" if place % 3 == 0 else None,
            tags=("list",) if place % 2 else ("list", "<script>tag"),
        )
        for place, text in enumerate(inputs)
    )
    prompt = RenderedPrompt(messages=(Message(role="user", content=f"### 指示\n{inputs[0]}\n### 回答\n"),))
    rows = [RowKey(model=model, prompt="course.v1") for model in answers]
    requests = [
        Request(
            key=f"{row.model}/{sample.id}",
            task="eight",
            sample_id=sample.id,
            model=row.model,
            prompt=row.prompt,
            repeat=0,
            rendered=prompt,
            sampling=Sampling(),
        )
        for row in rows
        for sample in samples
    ]
    generations = {
        request.key: Generation(
            request_key=request.key,
            text=answers[request.model][int(request.sample_id)],
            finish_reason="length" if request.model == "base" and request.sample_id == "2" else "stop",
            tokens_out=12,
        )
        for request in requests
    }
    verdicts = {
        (row.model, sample.id): _verdicts(row.model, int(sample.id), inputs) for row in rows for sample in samples
    }
    judges = (
        PlannedJudge(name="gemini:<x>|y", fingerprint="f1", scale=LIKERT_5, scored_by="model"),
        PlannedJudge(name="rules", fingerprint="f2", scale=UNIT, kind="checks"),
    )
    tables = tuple(
        _table(judge, rows, samples, {place: given[index] for place, given in verdicts.items()})
        for index, judge in enumerate(judges)
    )
    return Report(
        leaderboard=build_leaderboard("demo|run", tables, length_stop_rates(requests, generations), baseline=baseline),
        tables=tables,
        answers=tuple(
            ShownAnswer(
                task=request.task,
                sample_id=request.sample_id,
                row=RowKey(model=request.model, prompt=request.prompt),
                repeat=0,
                generation=generations[request.key],
                sampling=request.sampling,
                verdicts={
                    judge.name: (verdicts[request.model, request.sample_id][index],)
                    for index, judge in enumerate(judges)
                },
            )
            for request in requests
        ),
        prompts=(PromptExample(name="course.v1", sha256="ab" * 32, task="eight", sample_id="0", rendered=prompt),),
        provenance={
            "date": "2026-01-02T03:04:05+09:00",
            "command": "harness eval --task eight=eight.jsonl --model base --judge 'gemini:<x>|y'",
            "tasks": {"eight": "cd" * 32},
            "models": {model: f"local/1 base={model}" for model in answers},
            "sampling": {"max_new_tokens": 512, "temperature": 0.0},
            "limit": None,
            "versions": {"python": "3.11.0", "ja-harness": "0.1.0"},
        },
        notices=("base: 学習時のプロンプトは不明です | # x",),
    )


def _verdicts(model: str, place: int, inputs: list[str]) -> tuple[Verdict, Verdict]:
    score = SCORES.get(model, [4] * 8)[place % 8]
    said = inputs[place] if inputs[0] == HOSTILE["script"] else f"理由{place}"
    quality = (
        Verdict.unscored("no score | in reply", raw="?")
        if score is None
        else Verdict.scored(score, rationale=said, version="v1" if place < 7 else "v2")
    )
    passed = 1.0 if (place + len(model)) % 3 else 0.5
    return quality, Verdict.scored(passed, rationale="2 checks passed" if passed == 1 else "1 of 2 checks failed")


def _table(
    judge: PlannedJudge, rows: list[RowKey], samples: tuple[Sample, ...], given: dict[tuple[str, str], Verdict]
) -> ScoreTable:
    cells = np.full((len(rows), len(samples), 1, 1), np.nan)
    reasons: dict[RowKey, Counter[str]] = {row: Counter() for row in rows}
    for i, row in enumerate(rows):
        for j, sample in enumerate(samples):
            verdict = given[row.model, sample.id]
            if verdict.score is None:
                reasons[row][str(verdict.reason)] += 1
            else:
                cells[i, j] = verdict.score
    return ScoreTable(
        task="eight",
        judge=judge,
        rows=tuple(rows),
        samples=samples,
        cells=cells,
        reasons=reasons,
        versions=frozenset(verdict.version for verdict in given.values() if verdict.version),
    )
