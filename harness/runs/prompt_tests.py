"""The A/B part of a run's files: computed anew from its rows whenever they are written, by what the manifest keeps."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis.prompt_test import Experiment, run_experiment
from harness.analysis.scores import ScoreTable
from harness.runs.publish import PromptTest, prompt_test
from harness.runs.stored import StoredRun
from harness.types import Generation, Request
from reports.ab import Answers, ab_document, ab_markdown


def experiments(tables: Sequence[ScoreTable], test: PromptTest) -> list[Experiment]:
    """Return the test of prompts for every judge that can tell them apart, on every task set."""
    return [
        run_experiment(table, control=test.control, select_seed=test.select_seed, confidence=test.confidence)
        for table in tables
        if table.judge.rates_prompts or not table.judge.rates_models  # else every prompt would get the same ratings
    ]


def prompt_test_text(
    run: str,
    found: Sequence[Experiment],
    *,
    requests: Sequence[Request],
    generations: Mapping[str, Generation],
    provenance: Mapping[str, Any],
    notices: Sequence[str],
) -> str:
    """Return ab.md; a test that no judge of the run can answer says so."""
    if not found:
        return f"# A/B test: {run}\n\nNo judge of this run can tell its prompts apart.\n"
    return ab_markdown(run, found, _answers(requests, generations), provenance, notices)


def prompt_tests_of(
    runs: Sequence[StoredRun], judges: tuple[str, ...] = ()
) -> list[tuple[StoredRun, list[Experiment]]]:
    """Return the A/B tests of finished runs, by all judges or some; runs without a test are left out."""
    return [
        (run, experiments(run.tables(tuple(name for name in judges if name in _names(run))), test))
        for run in runs
        if (test := prompt_test(run.manifest)) is not None and (not judges or set(judges) & _names(run))
    ]


def prompt_tests_document(tests: Sequence[tuple[StoredRun, Sequence[Experiment]]]) -> list[dict[str, Any]]:
    """Return the "ab" part of results.json; where several runs are on one board, each entry names its own."""
    return [
        document | ({"run": run.name} if len(tests) > 1 else {})
        for run, found in tests
        for document in ab_document(found)
    ]


def prompt_tests_text(tests: Sequence[tuple[StoredRun, Sequence[Experiment]]]) -> str:
    """Return ab.md of one run or several, one after the other."""
    return "\n".join(
        prompt_test_text(
            run.name,
            found,
            requests=run.requests,
            generations=run.generations,
            provenance=run.manifest["provenance"],
            notices=run.manifest["notices"],
        )
        for run, found in tests
    )


def _names(run: StoredRun) -> set[str]:
    return {judge.name for judge in run.judges}


def _answers(requests: Sequence[Request], generations: Mapping[str, Generation]) -> Answers:
    """Return the first answer of every cell."""
    found: dict[tuple[str, str, str, str], str | None] = {}
    for request in requests:
        generation = generations.get(request.key)
        place = (request.task, request.sample_id, request.model, str(request.prompt))
        found.setdefault(place, None if generation is None else generation.text)
    return found
