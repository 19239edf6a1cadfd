"""From the rows of a run to the texts of its files. Loads statistics and plots: only a run that changed needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.leaderboard import build_leaderboard, length_stop_rates
from harness.analysis.scores import score_tables
from harness.runs.prompt_tests import experiments, prompt_test_text
from harness.runs.publish import Finished
from harness.runs.reporting import build_report
from reports.ab import ab_document
from reports.cautions import cautions
from reports.html import report_html
from reports.markdown import leaderboard_markdown
from reports.results import results_document
from reports.wording import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """leaderboard.md, results.json (as plain values), report.html, and ab.md if the run has an A/B test."""

    markdown: str
    results: dict[str, Any]
    html: str
    prompt_test: str | None


def render(finished: Finished, provenance: Mapping[str, Any], notices: Sequence[str]) -> Documents:
    """Return the documents of a run: its figures are computed once and shown three times."""
    tables = score_tables(finished.tasks, finished.judges, finished.items, finished.verdict)
    leaderboard = build_leaderboard(
        finished.name,
        tables,
        length_stop_rates(finished.requests, finished.generations),
        baseline=finished.baseline,
        confidence=finished.confidence,
    )
    report = build_report(
        leaderboard=leaderboard,
        tables=tables,
        requests=finished.requests,
        generations=finished.generations,
        items=finished.items,
        verdict_of=finished.verdict,
        provenance=provenance,
        notices=notices,
    )
    beware = cautions(report, words("en"))
    tested = None if finished.test is None else experiments(tables, finished.test)
    results = results_document(leaderboard, provenance, notices, cautions=beware)
    return Documents(
        markdown=leaderboard_markdown(leaderboard, provenance, notices, cautions=beware),
        results=results if tested is None else results | {"ab": ab_document(tested)},
        html=report_html(report, beware),
        prompt_test=None
        if tested is None
        else prompt_test_text(
            finished.name,
            tested,
            requests=finished.requests,
            generations=finished.generations,
            provenance=provenance,
            notices=notices,
        ),
    )
