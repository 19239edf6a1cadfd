"""report.html: one file that holds everything, asks the network for nothing and lets no foreign text act."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from reports.ab_page import ab_pages
from reports.board_view import board_view
from reports.charts import figures
from reports.formatting import MISSING, is_long, minute, percent, printable, row_name, shown_value, sort_key
from reports.judge_cards import judge_cards
from reports.opening import Opening
from reports.opening_text import report_openings
from reports.page import asset, assets, render_page
from reports.page_table import board_table, page_table
from reports.pairwise import pair_view
from reports.parity import provenance_value
from reports.payload import page_rows, payload
from reports.run_view import Report
from reports.svg import forest, level_colours
from reports.wording import Language, Words, words

_SCRIPTS = ("core.js", "tabs.js", "terms.js", "table.js", "boards.js", "ab.js", "diff.js", "prose.js", "files.js",
            "notes.js", "answers.js", "tasks.js", "keys.js", "start.js")  # fmt: skip
_SHADES = 9  # colours of scores in tables and badges


def report_html(report: Report, cautions: Sequence[str] = (), *, language: Language = "en") -> str:
    """Return the whole page. ``cautions`` are about the run as a whole (see `reports.cautions`)."""
    say = words(language)
    data = payload(report, say)
    leaderboard, found = report.leaderboard, report_openings(report, say)
    boards, style, script = leaderboard.boards, page_style(), assets(_SCRIPTS)
    views = [board_view(board, leaderboard.confidence, say) for board in boards]
    others = {task: [board for board in boards if board.task == task] for task in {board.task for board in boards}}
    places = page_rows(report)
    return render_page(
        "report.html.j2",
        style=style,
        script=script,
        data=data,
        allowed="img-src data:",
        say=say,
        run=printable(leaderboard.run),
        n_models=len(dict.fromkeys(row.key.model for board in boards for row in board.rows)),
        tasks={board.task: board.n_samples for board in boards},
        judges=list(dict.fromkeys(board.judge.name for board in boards)),
        date=minute(str(report.provenance.get("date", MISSING))),
        confidence=percent(leaderboard.confidence),
        openings=found,
        pictures=[opening_picture(one) for one in found],
        task_link=lambda place, key: _task_link(found[place], key),
        tag_link=lambda place, tag: f"#tag/{quote(found[place].task, safe='')}/{quote(tag, safe='')}",
        cautions=cautions,
        boards=views,
        tables=[
            board_table(board, view.table, others[board.task], places, say)
            for board, view in zip(boards, views, strict=True)
        ],
        tags=[None if view.tags is None else page_table(view.tags, say) for view in views],
        figures=[figures(board, table, say) for board, table in zip(boards, report.tables, strict=True)],
        ab=ab_pages(report.ab, say),
        missing=data["missing"],
        pairs=[pair_view(one, say) for one in report.pairs],
        cards=judge_cards(report, say),
        prompts=report.prompts,
        notices=report.notices,
        provenance=_provenance(report.provenance, say),
        terms=say.section("term"),
        meanings=say.section("meaning"),
        sort_key=sort_key,
        command=printable(str(report.provenance.get("command", ""))),
    )


def opening_picture(one: Opening) -> Markup:
    """Return the picture that a report opens with, "" for none."""
    found = one.picture
    if found is None:
        return Markup()
    svg = forest(
        found.bars, title=found.title, axis=found.axis, texts=found.texts, zero=found.zero, margin=found.margin
    )
    return Markup(svg)  # noqa: S704 - written element by element


def page_style() -> str:
    """Return the page's style: its file, and the colours of scores, which are those of the charts."""
    shades = [
        f".s{place}{{background:{colour};color:{'#fff' if _luminance(colour) < _DARK else '#000'}}}"
        for place, colour in enumerate(level_colours(_SHADES))
    ]
    return asset("report.css") + "\n".join(shades)


_DARK = 0.18
"""The relative luminance below which white text on it has more contrast than black text."""


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour by WCAG 2.

    >>> _luminance("#ffffff"), _luminance("#000000")
    (1.0, 0.0)
    """
    parts = [value / 255 for value in bytes.fromhex(colour[1:])]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]  # noqa: PLR2004
    return round(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2], 4)


def _task_link(one: Opening, key: str) -> str:
    parts = [one.task, key, *(row_name(row) for row in one.read)]
    return "#task/" + "/".join(quote(printable(part), safe="") for part in parts)


def _provenance(provenance: Mapping[str, Any], say: Words) -> list[tuple[str, Any]]:
    """Return each entry with its value, or with a list of pairs where it is too long for a line."""
    names = say.section("provenance")
    return [
        (
            names.get(key, key),
            [(printable(str(name)), printable(provenance_value(key, item, say))) for name, item in value.items()]
            if is_long(value)
            else printable(shown_value(value)),
        )
        for key, value in provenance.items()
        if key != "command" and value not in ({}, [])
    ]
