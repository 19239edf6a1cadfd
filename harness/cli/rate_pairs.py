"""``harness rate page --pairs`` and what comes back of it: people compare two answers at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.cli.execution import invocation, say_note
from harness.cli.rate_draw import DrawOptions, wanted_rows
from harness.cli.say import language, say
from harness.codec import digest
from harness.errors import InputError, UsageError
from harness.human.draw import first_answers
from harness.human.page import PageFile
from harness.human.pair_draw import (
    PairExport,
    draw_pairs,
    pair_key_document,
    pair_key_name,
    read_pair_key,
)
from harness.human.pair_page import page_pair_ratings, pair_page, refuse_changed_pairs
from harness.human.pair_ratings import pair_ratings_text, read_pair_ratings
from harness.locale import tr, trn
from harness.pairs.planned import ALL, BASELINE, PairOfRows, PairRating, rows_that_meet
from harness.runs.add_pairs import add_pairs_in_folder, people_pairs, rows_of
from harness.runs.folder import RunFolder
from harness.runs.pairs_asked import PEOPLE
from harness.runs.run import Run
from harness.store.store import Store
from harness.tables import read_table
from harness.types import RowKey, Sample
from reports.pair_rating_page import pair_rating_html

PAIR_RATINGS = "pair-ratings.csv"


def write_pair_pages(run: Run, options: DrawOptions, against: str, own: RunFolder, folder: RunFolder) -> None:
    """Draw pairs of a run's answers and write a page for each rater into ``folder``, the key into the run's ``own``.

    Raises:
        UsageError: nothing meets, or ``against`` or a kind of draw is none for pairs.
        RatingError: too few tasks are complete.
    """
    if against not in {BASELINE, ALL}:
        raise UsageError(
            tr("--pairs {against!r} is neither baseline nor all.", against=against),
            hint=tr("People compare answers of one run: --pairs, or --pairs all."),
        )
    if options.grow is not None or options.draw not in {None, "simple"}:
        raise UsageError(
            tr("--pairs draws tasks at random: --draw and --grow are for scores."),
            hint=tr("Leave them out; --sample says how many tasks are drawn."),
        )
    rows = wanted_rows(run, options.models)
    count, names = options.raters or (1, ())
    export = draw_pairs(
        run.tasks,
        first_answers(run.requests, run.answers, rows),
        rows_that_meet(rows, against, baseline=run.manifest.baseline),
        against=against,
        raters=names or tuple(str(number + 1) for number in range(count)),
        sample=options.sample,
        seed=options.seed or 0,
    )
    own.write_json(pair_key_name(export.tag), pair_key_document(export))
    samples = _samples(run)
    for rater in export.raters:
        page = pair_page(export, rater, samples)
        name = f"pairs-{export.tag}-rater-{rater}.html"
        folder.write(name, pair_rating_html(page, language=language()))
        say(folder.path / name)
    say(
        tr(
            "{pairs} to compare for each of {raters}. Whose they are is in {path}: keep it from the raters.",
            pairs=trn("{n} pair", "{n} pairs", len(export.of(export.raters[0]))),
            raters=trn("{n} rater", "{n} raters", len(export.raters)),
            path=own.path / pair_key_name(export.tag),
        ),
        err=True,
    )
    say(
        tr(
            "Give each rater one page; it opens in any browser. What they save comes back with: "
            "harness rate import {name} FILE.json …",
            name=own.name,
        ),
        err=True,
    )


def pair_files(paths: Sequence[str], folder: RunFolder, read: Mapping[str, PageFile]) -> bool:
    """Return whether the files of an import are of pages to compare on.

    Raises:
        InputError: some are, and some are not.
    """
    of_pairs = [path for path, file in read.items() if file.tag.isalpha() and folder.holds(pair_key_name(file.tag))]
    if of_pairs and len(of_pairs) < len(paths):
        raise InputError(
            tr("{path} is of a page to compare on, and other files are not", path=of_pairs[0]),
            path=", ".join(paths),
            hint=tr("Import them one after the other."),
        )
    return bool(of_pairs)


def import_pair_pages(run: Run, files: Mapping[str, PageFile], folder: RunFolder, store: str) -> None:
    """Read what raters send back of pages to compare on: people become a judge of pairs of the run.

    Raises:
        InputError: a file is of another draw, unknown in this run, or damaged.
        RatingError: the run has changed since its pages were made.
    """
    tag = next(iter(files.values())).tag
    document = folder.document(pair_key_name(tag))
    assert document is not None
    export = read_pair_key(document)
    answers = first_answers(run.requests, run.answers, _rows(export.pairs))
    export = replace(export, texts={digest(text): text for text in answers.values()})
    samples = _samples(run)
    found: dict[str, PairRating] = {}
    for path, file in files.items():
        if file.tag != tag:
            raise InputError(tr("the page is of another draw than the other files"), path=path)
        if not export.of(file.rater):
            raise InputError(tr("the draw has no rater {rater!r}", rater=file.rater[:40]), path=path)
        refuse_changed_pairs(export, answers, file, path=path, run=run.name)
        found |= page_pair_ratings(file, pair_page(export, file.rater, samples), export, path=path)
    if not found:
        raise InputError(tr("nothing is compared"), path=", ".join(files))
    ratings = _with_earlier(run, folder, list(found.values()))
    with Store(store) as rows:
        _add(run, ratings, folder, rows, judge=PEOPLE)
    folder.write(PAIR_RATINGS, pair_ratings_text(ratings))
    _say_what_came(ratings, export, folder)


def import_pair_table(run: Run, path: str, folder: RunFolder, store: Store) -> Run:
    """Take in a file of people's verdicts on pairs, as the judge ``human:PATH``; return the run with them."""
    table = read_table(path)
    found = read_pair_ratings(table, run.tasks, rows_of(run.requests), baseline=run.manifest.baseline)
    for notice in found.notices:
        say_note(notice)
    return _add(run, list(found.ratings), folder, store, judge=f"{PEOPLE}:{path}")


def _add(run: Run, ratings: Sequence[PairRating], folder: RunFolder, store: Store, *, judge: str) -> Run:
    planned = people_pairs(ratings, judge, baseline=run.manifest.baseline, invocation=invocation())
    return add_pairs_in_folder(run, planned, None, store, folder=folder, language=language())


def _with_earlier(run: Run, folder: RunFolder, new: list[PairRating]) -> list[PairRating]:
    """Return new ratings after those imported before that stay: what a rater compares again replaces what it was."""
    if folder.read(PAIR_RATINGS) is None:
        return new
    table = read_table(folder.path / PAIR_RATINGS)
    before = read_pair_ratings(table, run.tasks, rows_of(run.requests), baseline=run.manifest.baseline).ratings
    anew = {_place(one) for one in new}
    return [*(one for one in before if _place(one) not in anew), *new]


def _place(one: PairRating) -> tuple[object, ...]:
    return one.rater, one.task, one.task_id, frozenset((one.first, one.second))


def _say_what_came(ratings: Sequence[PairRating], export: PairExport, folder: RunFolder) -> None:
    scored = [one for one in ratings if one.share is not None]
    raters = {one.rater for one in ratings}
    say(
        tr(
            "{verdicts} by {raters}, {skipped} skipped, {left} not compared yet.",
            verdicts=trn("{n} verdict", "{n} verdicts", len(scored)),
            raters=trn("{n} rater", "{n} raters", len(raters)),
            skipped=len(ratings) - len(scored),
            left=max(0, len(export.items) - len(ratings)),
        )
    )
    say(
        tr(
            "The verdicts are in {path}; what they show is in {page}, beside the boards.",
            path=folder.path / PAIR_RATINGS,
            page=folder.path / "leaderboard.md",
        ),
        err=True,
    )


def _rows(pairs: Sequence[PairOfRows]) -> list[RowKey]:
    return list(dict.fromkeys(row for pair in pairs for row in (pair.candidate, pair.opponent)))


def _samples(run: Run) -> Mapping[tuple[str, str], Sample]:
    return {(task.name, sample.id): sample for task in run.tasks for sample in task.samples}
