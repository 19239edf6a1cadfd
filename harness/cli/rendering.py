"""From the rows of a run to the texts of its files. Loads statistics and plots: only a run that changed needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.cli.publish import Finished
from harness.cli.reporting import build_report
from harness.leaderboard import build_leaderboard, length_stop_rates
from harness.scores import score_tables
from reports.cautions import cautions
from reports.html import report_html
from reports.markdown import leaderboard_markdown
from reports.results import results_document
from reports.wording import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """leaderboard.md, results.json (as plain values) and report.html."""

    markdown: str
    results: dict[str, Any]
    html: str


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
    return Documents(
        markdown=leaderboard_markdown(leaderboard, provenance, notices, cautions=beware),
        results=results_document(leaderboard, provenance, notices, cautions=beware),
        html=report_html(report, beware),
    )
