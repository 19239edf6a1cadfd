"""``--dry-run``: what a command would do, and what the judges' calls would take."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.cli.machine import machine_needs
from harness.cli.say import said
from harness.cli.table import table
from harness.engine.job import Job
from harness.engine.plan import JudgementItem, items_of, sample_keys
from harness.locale import tr
from harness.plugins import judge_info, model_info
from harness.protocols import (
    FREE,
    CallEstimate,
    CallLimits,
    EstimatesCost,
    Judge,
    JudgeInfo,
    MachineNeeds,
    ModelInfo,
    Served,
    is_free,
)
from harness.remote.pricing import rough_tokens
from harness.runs.assemble import Evaluation
from harness.runs.declared import Claims, claims_of
from harness.runs.panels import with_panels
from harness.store.store import Store, store_exists
from harness.types import Generation

_SECONDS_PER_CALL = 2.0  # of a judge without a pace: what a call to a served model usually takes
_MINUTE = 60
_GIB = 2**30
_DAY = 24 * 60 * _MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the calls to one judge or model would take; ``cost`` None: no price is known."""

    calls: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    seconds: float
    pace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairWork:
    """What a judge of pairs would do: ``planned`` verdicts, ``known`` of them, with so many ``calls``."""

    judge: str
    pairs: int
    planned: int
    known: int
    calls: int
    expected: Expected | None


def dry_run_report(evaluation: Evaluation, url: str, *, as_json: bool, pairs: Sequence[PairWork] = ()) -> str:
    """Return the plan of an evaluation as a table, or as JSON: nothing is generated, judged or written."""
    needs = machine_needs(evaluation.job, url)
    claims = claims_of(
        evaluation.declared,
        with_panels(evaluation.job.planned_judges, evaluation.panels),
        [task.name for task in evaluation.job.tasks],
    )
    return _report(evaluation.name, evaluation.job, url, as_json=as_json, needs=needs, claims=claims, pairs=pairs)


def judging_report(run: str, job: Job, url: str, *, as_json: bool, pairs: Sequence[PairWork] = ()) -> str:
    """Return what judging the stored answers of a run would do, as `dry_run_report`."""
    return _report(run, job, url, as_json=as_json, pairs=pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a job still has to do: the answers that are there by key, the verdicts to give and given by judge.

    ``expected``: what the calls to each judge or model on a server would take, by name.
    """

    answers: Mapping[str, Generation]
    todo: Mapping[str, Sequence[JudgementItem]]
    known: Mapping[str, int]
    expected: Mapping[str, Expected]


def work_of(job: Job, url: str) -> Work:
    """Return what a job still has to do, by what the store at ``url`` holds; nothing is written."""
    answers, todo, known = _counts(job, url)
    expected = {
        judge.name: _expected(job, judge, todo[judge.name], answers)
        for judge in job.judges
        if isinstance(judge, EstimatesCost) and todo[judge.name]
    }
    return Work(answers=answers, todo=todo, known=known, expected=expected | _expected_models(job, answers))


def _report(
    run: str,
    job: Job,
    url: str,
    *,
    as_json: bool,
    needs: Mapping[str, MachineNeeds] | None = None,
    claims: Claims | None = None,
    pairs: Sequence[PairWork] = (),
) -> str:
    """Return the report; ``needs`` are those of the models of this machine, None where nothing is generated.

    ``claims``: what verdicts will rest on, None where nothing is declared.
    """
    work = work_of(job, url)
    answers, todo, known = work.answers, work.todo, work.known
    expected = {**work.expected, **{one.judge: one.expected for one in pairs if one.expected and one.calls}}
    wanted = {request.key for request in job.requests}
    if as_json:
        plan: dict[str, Any] = {
            "run": run,
            "requests": len(wanted),
            "cached": len(answers),
            "to_generate": len(wanted) - len(answers),
            "judge_calls": {name: len(items) for name, items in todo.items()},
            "judge_cached": known,
            "expected": {name: asdict(figures) for name, figures in expected.items()},
            "machine": {label: asdict(need) for label, need in (needs or {}).items()},
            "declared": None if claims is None else asdict(claims),
            "pairs": {
                one.judge: {"pairs": one.pairs, "verdicts": one.planned, "cached": one.known, "calls": one.calls}
                for one in pairs
            },
        }
        return json.dumps(plan, ensure_ascii=False, indent=2)
    rows = [(tr("answers"), len(wanted), len(answers), len(wanted) - len(answers))] if needs is not None else []
    rows += [
        (tr("verdicts by {name}", name=name), len(items) + known[name], known[name], len(items))
        for name, items in todo.items()
    ]
    rows += [
        (tr("verdicts on pairs by {name}", name=one.judge), one.planned, one.known, one.planned - one.known)
        for one in pairs
    ]
    headers = [tr("work"), tr("planned"), tr("cached"), tr("to do")]
    parts = [
        said(tr("Run {run} would do this:", run=run)),
        table([(name, *map(str, counts)) for name, *counts in rows], headers),
    ]
    if claims is not None:
        parts.append(said(claims.sentence))
    if needs:
        parts.append(_machine_table(needs))
    if expected:
        parts.append(_expected_table(expected))
    return "\n\n".join([*parts, said(tr("Nothing was done (--dry-run)."))])


def _machine_table(needs: Mapping[str, MachineNeeds]) -> str:
    rows = [
        (
            label,
            need.device,
            f"{need.needed / _GIB:.1f} GiB",
            f"{need.available / _GIB:.1f} GiB",
            tr("at most about {time}", time=duration(need.seconds)),
        )
        for label, need in needs.items()
    ]
    headers = [tr("on this machine"), tr("device"), tr("memory"), tr("free"), tr("time")]
    return table(rows, headers)


def _expected_table(expected: Mapping[str, Expected]) -> str:
    rows = [
        (
            name,
            str(figures.calls),
            f"{figures.tokens_in:,}",
            f"{figures.tokens_out:,}",
            tr("price unknown") if figures.cost is None else f"${figures.cost:.2f}",
            duration(figures.seconds),
            figures.pace,
        )
        for name, figures in expected.items()
    ]
    headers = [tr("served by"), tr("calls"), tr("tokens in"), tr("tokens out"), tr("cost"), tr("time"), tr("at")]
    caution = tr(
        "Rough estimates; answers count with their longest length, thinking and repeated questions come on top:"
    )
    return f"{said(caution)}\n\n{table(rows, headers)}"


def _expected(
    job: Job, judge: EstimatesCost, items: Sequence[JudgementItem], answers: Mapping[str, Generation]
) -> Expected:
    samples = sample_keys(job.tasks)
    each = [
        judge.estimate(samples[item.request.task, item.request.sample_id].sample, answers.get(item.request.key))
        for item in items
    ]
    return expected_of(judge, each)


def expected_of(judge: Judge, each: Sequence[CallEstimate]) -> Expected:
    """Return what calls to a judge would take together."""
    return _total(judge_info(judge), each, judge.limits if isinstance(judge, Served) else None)


def _expected_models(job: Job, answers: Mapping[str, Generation]) -> dict[str, Expected]:
    """Return what the missing answers of models that are paid by the token would take, at their longest."""
    each: dict[str, list[CallEstimate]] = {}
    asked = set(answers)
    known = {label: model_info(backend) for label, backend in job.models.items()}
    for request in job.requests:
        price = known[request.model].price if request.model in known else FREE
        if request.key in asked or is_free(price):
            continue
        asked.add(request.key)
        tokens_in, tokens_out = rough_tokens(request.rendered.text), request.sampling.max_new_tokens
        cost = None if price is None else price.cost(tokens_in, tokens_out)
        one = CallEstimate(calls=1, tokens_in=tokens_in, tokens_out=tokens_out, cost=cost)
        each.setdefault(request.model, []).append(one)
    return {label: _total(known[label], estimates) for label, estimates in each.items()}


def _total(served: JudgeInfo | ModelInfo, each: Sequence[CallEstimate], limits: CallLimits | None = None) -> Expected:
    calls = sum(one.calls for one in each)
    per_minute = served.requests_per_minute
    in_flight = min(served.in_flight, max(1, calls))
    tokens_in = sum(one.tokens_in for one in each)
    seconds = [calls / in_flight * _SECONDS_PER_CALL]
    if per_minute:
        seconds.append(calls / per_minute * _MINUTE)
    if limits and limits.tokens_per_minute:
        seconds.append(tokens_in / limits.tokens_per_minute * _MINUTE)
    if limits and limits.requests_per_day:
        seconds.append((math.ceil(calls / limits.requests_per_day) - 1) * _DAY)
    return Expected(
        calls=calls,
        tokens_in=tokens_in,
        tokens_out=sum(one.tokens_out for one in each),
        cost=_total_cost(each),
        seconds=max(seconds),
        pace=tr("{n:g} requests a minute", n=per_minute)
        if per_minute
        else tr("{n} at once, {seconds:g} s a call", n=in_flight, seconds=_SECONDS_PER_CALL),
    )


def _total_cost(each: Sequence[CallEstimate]) -> float | None:
    costs = [one.cost for one in each if one.calls]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds >= _DAY:
        return tr("{days:.0f} days", days=seconds / _DAY + 1)
    if seconds >= _MINUTE:
        return tr("{minutes:.0f} min", minutes=seconds / _MINUTE)
    return tr("{seconds:.0f} s", seconds=seconds)


def _counts(job: Job, url: str) -> tuple[dict[str, Generation], dict[str, list[JudgementItem]], dict[str, int]]:
    """Return the stored answers, what each judge has still to do, and how many verdicts it has given."""
    keys = [key for key in {request.key: None for request in job.requests} if key not in job.given]
    # A store that does not exist yet must not be made by a dry run.
    store = Store(url, read_only=True) if store_exists(url) else None
    answers = {**job.given, **(store.generations(keys) if store else {})}
    planned = job.planned_judges
    todo: dict[str, list[JudgementItem]] = {judge.name: [] for judge in planned}
    known = dict.fromkeys(todo, 0)
    items = list(items_of(job.tasks, job.requests, answers, planned))
    given = store.judgements([item.key for item in items if item.verdict is None]) if store else {}
    for item in items:
        if item.verdict is None and item.key in given:
            known[item.judge] += 1
        else:
            todo[item.judge].append(item)
    if store:
        store.close()
    return answers, todo, known
