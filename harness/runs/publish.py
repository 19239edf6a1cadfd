"""The files of a run, each made from it anew: the only place that writes them, and the only one that calls reports."""

from dataclasses import replace

from harness.analysis.panel import judge_tables
from harness.analysis.prompt_test import Experiment
from harness.runs.boards import tables_of, view_of
from harness.runs.folder import AB_MARKDOWN, HTML, MANIFEST, MARKDOWN, RESULTS, RunFolder
from harness.runs.manifest import manifest_document
from harness.runs.prompt_tests import prompt_test_text, prompt_tests, sizes_asked
from harness.runs.run import Run
from reports.ab_results import ab_document
from reports.cautions import cautions
from reports.html import report_html
from reports.markdown import leaderboard_markdown
from reports.results import results_document
from reports.wording import words


def publish(run: Run, folder: RunFolder) -> None:
    """Write the files of a run: its figures are computed once and shown three times. The manifest comes last.

    Pages are in the language that the manifest names; results.json is English, with the codes of what it says.
    """
    view = view_of(run)
    board, provenance, notices = view.leaderboard, view.provenance, view.notices
    language = run.manifest.language
    found, said = cautions(view, words("en")), cautions(view, words(language))
    tested: list[Experiment] | None = None
    if run.manifest.ab is not None:
        apart = tables_of(run) if run.manifest.swaps else judge_tables(view.tables)  # contrasts know no equating
        tested = prompt_tests(apart, run.manifest.ab, board.primary, sizes=sizes_asked(run))
    ab = None if tested is None else ab_document(tested)
    text = leaderboard_markdown(board, provenance, notices, cautions=said, language=language, pairs=view.pairs)
    folder.write(MARKDOWN, text)
    folder.write_json(RESULTS, results_document(board, provenance, notices, cautions=found, ab=ab, pairs=view.pairs))
    page = view if tested is None else replace(view, ab=tuple(tested))
    folder.write(HTML, report_html(page, said, language=language))
    if tested is None:
        folder.remove(AB_MARKDOWN)
    else:
        folder.write(AB_MARKDOWN, prompt_test_text(run, tested, language))
    written = replace(run.manifest, run=run.name, content=run.content, scored=run.scored)
    folder.write_json(MANIFEST, manifest_document(written))
