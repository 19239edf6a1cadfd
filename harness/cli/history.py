"""``harness history``: every candidate that was tried on a task set, and what the set has taught so far."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

import click

from harness.analysis.history import TriesHistory, histories
from harness.cli.history_facts import facts_of
from harness.cli.options import FiniteRange, common_options
from harness.cli.say import language, say
from harness.errors import UnknownNameError, UnwritableError, UsageError
from harness.ledger import Ledger, Reset, TaskSet, is_try
from harness.locale import tr, trn
from harness.locale.system import system_said
from harness.specs import load_config, store_url
from harness.store.ledger import read_ledger, reset_rows
from harness.store.store import Store, store_exists
from reports.history import history_csv, history_document, history_markdown, history_svg
from reports.history_page import history_html
from reports.wording import words

_SHORTEST = 6  # characters of a set's digest that name it


@click.command(
    "history",
    short_help="Show every candidate that was tried on a task set.",
    epilog="Example: harness history elyza-tasks-100 --html history.html",
)
@click.argument("taskset", required=False)
@click.option("--judge", "judges", metavar="NAME", multiple=True, help="Only under this judge; may be repeated.")
@click.option(
    "--format", "kind", type=click.Choice(["markdown", "json", "csv"]), default="markdown", show_default=True,
    help="How it is printed.",
)  # fmt: skip
@click.option("--html", metavar="FILE", help="Write one page with charts and what changed, which needs no network.")
@click.option("--svg", metavar="FILE", help="Write the chart of one task set alone.")
@click.option("--confidence", type=FiniteRange(0.5, 0.999), default=0.95, show_default=True, help="Of intervals.")
@click.option("--reset", is_flag=True, help="Forget what was tried on TASKSET. That it was done stays on record.")
@click.option("--yes", is_flag=True, help="Reset without asking.")
@common_options
def history(
    *,
    taskset: str | None,
    judges: tuple[str, ...],
    kind: str,
    html: str | None,
    svg: str | None,
    confidence: float,
    reset: bool,
    yes: bool,
    config: str | None,
    store: str | None,
) -> None:
    """Show every candidate that was ever compared in this store, set by set, with figures corrected over all of them.

    TASKSET is a task set's name; without one, all are shown. Task sets go by what their tasks say: another name or
    order is the same set, a part of one belongs to it. Deleting runs changes nothing here.
    """
    settings = load_config(config)
    url = store_url(store, settings)
    if not store_exists(url):
        if taskset is not None or reset:
            raise UnknownNameError(tr("task set"), taskset or "", [])
        say(_nothing())
        return
    if reset:
        _reset(url, taskset, yes=yes)
        return
    with Store(url, read_only=True) as opened:
        ledger = read_ledger(opened)
    found = _chosen(histories(ledger, confidence=confidence), ledger, taskset, judges)
    resets = [one for one in ledger.resets if taskset is None or _answers_to(taskset, [one.name], one.tasksets)]
    if svg is not None and len(found) != 1:
        raise UsageError(
            tr("--svg draws one task set under one judge, and {n} are shown.", n=len(found)),
            hint=tr("Name them: harness history TASKSET --judge NAME; --html draws them all."),
        )
    chosen = words(language())
    if html is not None:
        _write(html, history_html(found, resets, chosen, facts_of(found, settings.runs, chosen)))
    if svg is not None:
        _write(svg, history_svg(found[0], chosen))
    if kind == "json":
        say(json.dumps(history_document(found, resets), ensure_ascii=False, indent=1, allow_nan=False))
    elif kind == "csv":
        say(history_csv(found), nl=False)
    elif not found and not resets:
        say(_nothing())
    else:
        say(history_markdown(found, resets, chosen), nl=False)


def _nothing() -> str:
    return tr(
        "Nothing was tried yet. Every board counts: harness eval --task bundled:ja-mini --model echo --judge rules"
    )


def _chosen(
    found: Sequence[TriesHistory], ledger: Ledger, taskset: str | None, judges: Sequence[str]
) -> list[TriesHistory]:
    """Return the histories that were asked for.

    Raises:
        UnknownNameError: no task set, or no judge, has this name.
    """
    if taskset is not None:
        named = [one for one in found if _answers_to(taskset, one.names, [one.taskset])]
        if not named and not any(_answers_to(taskset, [one.name], one.tasksets) for one in ledger.resets):
            raise UnknownNameError(tr("task set"), taskset, dict.fromkeys(name for one in found for name in one.names))
        found = named
    known_judges = list(dict.fromkeys(one.judge for one in found))
    for judge in judges:
        if judge not in known_judges:
            raise UnknownNameError(tr("judge"), judge, known_judges)
    return [one for one in found if not judges or one.judge in judges]


def _answers_to(taskset: str, names: Collection[str], digests: Collection[str]) -> bool:
    """Return whether a task set is meant: by one of its names, or by how the digest of its tasks begins."""
    return taskset in names or (
        len(taskset) >= _SHORTEST and any(digest.startswith(taskset.lower()) for digest in digests)
    )


def _reset(url: str, taskset: str | None, *, yes: bool) -> None:
    """Forget what was tried on the sets of one name.

    Raises:
        UsageError: no name, or it was not said that this is meant.
        UnknownNameError: nothing was tried under this name.
    """
    if taskset is None:
        raise UsageError(tr("--reset needs the name of a task set."), hint=tr("harness history TASKSET --reset"))
    with Store(url) as opened:
        ledger = read_ledger(opened)
        rows = [row for row in ledger.rows if row.task == taskset]
        if not rows:
            raise UnknownNameError(tr("task set"), taskset, dict.fromkeys(row.task for row in ledger.rows))
        digests = tuple(dict.fromkeys(row.taskset for row in rows))
        reset = Reset(
            name=taskset,
            date=datetime.now().astimezone().isoformat(timespec="seconds"),
            tasksets=digests,
            tries=len({row.candidate for row in ledger.rows if row.taskset in digests and is_try(row)}),
            openings=len(ledger.tried(_sealed(ledger, digests))),
        )
        if not yes:
            raise UsageError(
                trn(
                    "This forgets {n} try on {name!r}: later boards would not be corrected for it.",
                    "This forgets {n} tries on {name!r}: later boards would not be corrected for them.",
                    reset.tries,
                    name=taskset,
                ),
                hint=tr("If that is meant, add --yes. What is sealed stays sealed, and the reset stays on record."),
            )
        reset_rows(opened, reset)
    say(
        trn(
            "{n} try on {name!r} was forgotten; that it was is on record.",
            "{n} tries on {name!r} were forgotten; that they were is on record.",
            reset.tries,
            name=taskset,
        )
    )


def _sealed(ledger: Ledger, digests: Collection[str]) -> list[TaskSet]:
    """Return those of some sets that hold sealed tasks alone."""
    sealed = {item for seal in ledger.seals for item in seal.sealed}
    return [
        one for one in ledger.sets if one.digest in digests and {item.partition("#")[0] for item in one.items} <= sealed
    ]


def _write(path: str, text: str) -> None:
    try:
        Path(path).expanduser().write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UnwritableError(
            tr("Cannot write {path}: {strerror}.", path=path, strerror=system_said(error)),
            hint=tr("Name another file."),
        ) from error
    say(tr("Written: {path}", path=path), err=True)
