"""``harness card``: the model card of a trained adapter, with the scores of runs, and its way to the Hub."""

from pathlib import Path

import click

from harness.cli.door import opened
from harness.cli.options import common_options
from harness.cli.say import language, say
from harness.errors import InputError, UnfinishedRunError, UnknownNameError, UsageError
from harness.installation import MissingExtraError
from harness.locale import tr
from harness.runs.folder import RESULTS, RunFolder, run_folders
from harness.specs import load_config
from harness.tables.files import where_to_look
from harness.templates.contract import read_contract
from trainers.adapter.card import card_text, update_scores
from trainers.adapter.curve import draw_curve
from trainers.adapter.files import write_whole
from trainers.adapter.publishing import place_notices, push_to_hub
from trainers.adapter.scores import ScoreRow, adapter_scores
from trainers.adapter.training_record import ADAPTER, CARD, CURVE, RECORD, WEIGHTS, read_log, read_record


@click.command(
    "card",
    short_help="Write the model card of an adapter, with its scores, and push it to the Hub.",
    epilog="\b\nExamples:\n  harness card out --run first --run second\n"
    "  harness card out --run first --push-to-hub me/my-adapter",
)
@click.argument("folder", metavar="ADAPTER_DIR")
@click.option("--run", "names", metavar="RUN", multiple=True, help="Show the scores of this run; may be repeated.")
@click.option("--push-to-hub", "repo", metavar="REPO", help="Upload the adapter; the token is that of HF_TOKEN.")
@click.option("--public", is_flag=True, help="Let everybody see it.  [default: private]")
@common_options
def card(
    *, folder: str, names: tuple[str, ...], repo: str | None, public: bool, config: str | None, store: str | None
) -> None:
    """Write the README.md of an adapter that harness train made, and print its path.

    Without --run, the card is written from training.json if it is missing, and otherwise left as it is. With --run, its
    section of scores and the scores in its metadata (model-index, which the Hub reads) are those of the runs named, and
    nothing else of it changes. --push-to-hub uploads the adapter's own files (never its checkpoints) in one commit and
    prints the address.
    """
    del store  # the figures are in the runs' folders
    if public and repo is None:
        raise UsageError(
            tr("--public says who may see an upload, and there is none."), hint=tr("Add --push-to-hub REPO.")
        )
    place = Path(folder)
    text = _card(place)
    if names:
        text = update_scores(text, _scores(place, names, load_config(config).runs), language())
    _write(place / CARD, text.encode("utf-8"))
    say(place / CARD)
    if repo is not None:
        for notice in place_notices(place):
            say(tr("Note: {notice}", notice=notice), err=True)
        say(push_to_hub(place, repo, private=not public))


def _card(folder: Path) -> str:
    """Return the card as it is, or a new one.

    Raises:
        HarnessError: the folder is no adapter of ours, or its files cannot be used.
    """
    if not folder.is_dir():
        raise InputError(tr("no such folder."), path=folder, hint=where_to_look(folder, wanted=Path.is_dir))
    for name in (ADAPTER, WEIGHTS):
        if not (folder / name).is_file():
            hint = (
                tr("Its training has not finished: harness train --resume goes on.")
                if (folder / RECORD).is_file()
                else None
            )
            raise InputError(tr("no {name}, so no adapter.", name=name), path=folder, hint=hint)
    record = read_record(folder)
    if record is None:
        raise InputError(
            tr("no {record}, so what it was trained on is not on record.", record=RECORD),
            path=folder,
            hint=tr("Cards are written for adapters that harness train made."),
        )
    try:
        return (folder / CARD).read_bytes().decode("utf-8")  # as bytes: its line ends are its author's
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(tr("not readable: {error}", error=error), path=folder / CARD) from error
    name = folder.resolve().name
    title = f"{name}: {record.recipe_name} on {record.base}"
    if not (folder / CURVE).is_file() and (picture := draw_curve(read_log(folder), title)):
        _write(folder / CURVE, picture)
    contract, curve = read_contract(folder), (folder / CURVE).is_file()
    return card_text(record, name=name, place=str(folder), contract=contract, curve=curve, language=language())


def _scores(folder: Path, names: tuple[str, ...], runs: str) -> list[ScoreRow]:
    digest = _digest(folder)
    rows: list[ScoreRow] = []
    chosen = {run.path.resolve(): (name, run) for name in names for run in [RunFolder(runs, name)]}
    for name, run in chosen.values():
        results = run.results()
        if results is None:
            if run.path.is_dir():
                raise UnfinishedRunError(
                    tr("{path} holds no finished run: {results} is missing.", path=run.path, results=RESULTS),
                    hint=tr("Run its harness eval command again; it continues where it stopped."),
                )
            raise UnknownNameError(tr("run"), name, [found.name for found in run_folders(runs)])
        rows += adapter_scores(results, digest, where=str(run.path / RESULTS))
    return rows


def _digest(folder: Path) -> str:
    """Return the adapter's identity, as the provenance of a run has it."""
    try:
        content_digest = opened("harness.models.hf.digests:content_digest")  # its package loads torch
    except ImportError as error:
        raise MissingExtraError(tr("adapter's identity"), "local") from error
    found: str = content_digest([folder / ADAPTER, folder / WEIGHTS])
    return found


def _write(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, unless it is so already."""
    if not (path.is_file() and path.read_bytes() == data):
        write_whole(path, data, then=tr("run the same command again"))
