"""The A/B part of a run's files: computed anew from its rows whenever they are written, by what the manifest keeps."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis.primary import Primary, primary_of
from harness.analysis.prompt_test import Experiment, run_experiment
from harness.analysis.scores import ScoreTable
from harness.locale import Language
from harness.runs.boards import run_primary, set_sizes, tables_of
from harness.runs.manifest import PromptTest
from harness.runs.run import Run
from harness.types import Declaration
from reports.ab import Answers, ab_markdown
from reports.ab_results import ab_document


def prompt_tests(
    tables: Sequence[ScoreTable],
    test: PromptTest,
    primary: Primary | None = None,
    *,
    sizes: Mapping[str, int] | None = None,
) -> list[Experiment]:
    """Return the test of prompts for every judge that can tell them apart, on every task set.

    ``sizes``: how many tasks each set has, where the test is about exactly those (None: about new ones).

    Claims come from the ``primary`` judge; one that cannot tell prompts apart leaves them to the first that can.
    """
    # else every prompt would get the same ratings
    usable = [table for table in tables if table.judge.rates_prompts or not table.judge.rates_models]
    names = {table.judge.name for table in usable}
    if primary is None or primary.judge not in names:
        only = Declaration(primary_task=None if primary is None else primary.task)
        primary = primary_of(
            only, [table.judge for table in usable], list(dict.fromkeys(table.task for table in usable))
        )
    return [
        run_experiment(
            table,
            control=test.control,
            confidence=test.confidence,
            is_primary=primary is not None and primary.holds(table.task, table.judge.name),
            set_size=None if sizes is None else sizes[table.task],
        )
        for table in usable
    ]


def prompt_test_text(run: Run, found: Sequence[Experiment], language: Language = "en") -> str:
    """Return ab.md; a test that no judge of the run can answer says so."""
    asked = run.manifest
    return ab_markdown(
        run.name, found, _answers(run), asked.provenance, asked.notices, language=language, declared=asked.declared
    )


def prompt_tests_of(runs: Sequence[Run], judges: Sequence[str] = ()) -> list[tuple[Run, list[Experiment]]]:
    """Return the A/B tests of finished runs, by all judges or some; runs without a test are left out."""
    return [
        (
            run,
            prompt_tests(
                tables_of(run, [name for name in judges if name in _names(run)]),
                run.manifest.ab,
                run_primary(run),
                sizes=sizes_asked(run),
            ),
        )
        for run in runs
        if run.manifest.ab is not None and (not judges or set(judges) & _names(run))
    ]


def prompt_tests_document(tests: Sequence[tuple[Run, Sequence[Experiment]]]) -> list[dict[str, Any]]:
    """Return the "ab" part of results.json; where several runs are on one board, each entry names its own."""
    return [
        document | ({"run": run.name} if len(tests) > 1 else {})
        for run, found in tests
        for document in ab_document(found)
    ]


def prompt_tests_text(tests: Sequence[tuple[Run, Sequence[Experiment]]], language: Language = "en") -> str:
    """Return ab.md of one run or several, one after the other."""
    return "\n".join(prompt_test_text(run, found, language) for run, found in tests)


def sizes_asked(run: Run) -> dict[str, int] | None:
    """Return how many tasks each set has, where the run is about exactly those."""
    return set_sizes(run) if run.manifest.declared.estimand == "these" else None


def _names(run: Run) -> set[str]:
    return {judge.name for judge in run.judges}


def _answers(run: Run) -> Answers:
    """Return the first answer of every cell."""
    found: dict[tuple[str, str, str, str], str | None] = {}
    for request in run.requests:
        answer = run.answers.get(request.key)
        place = (request.task, request.sample_id, request.model, str(request.prompt))
        found.setdefault(place, None if answer is None else answer.text)
    return found
