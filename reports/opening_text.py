"""The verdict as text to paste: into a chat, a pull request, a mail. Pure."""

from reports.ab_opening import ab_openings
from reports.formatting import MISSING, minute, printable
from reports.opening import Opening, openings
from reports.run_view import Report
from reports.wording import Language, Words, words


def report_openings(report: Report, say: Words) -> list[Opening]:
    """Return how a report opens: a test of prompts with the prompts, before the rows of its boards."""
    return [*ab_openings(report.ab, report.leaderboard.declared, say), *openings(report, say)]


def opening_text(report: Report, *, language: Language = "en") -> str:
    """Return the verdict, its two numbers, what it cannot tell and what to do next, as plain text."""
    say = words(language)
    found = report_openings(report, say)
    lines = [say("opening.head", run=report.leaderboard.run, date=minute(str(report.provenance.get("date", MISSING))))]
    for one in found:
        lines += ["", *_about(one, say)]
    unknown = list(dict.fromkeys(line for one in found for line in one.unknown))
    steps = list(dict.fromkeys(step.sentence for one in found for step in one.steps))
    for title, listed in ((say("opening.cannot"), unknown), (say("opening.next"), steps)):
        if listed:
            lines += ["", title, *(f"- {line}" for line in listed)]
    return printable("\n".join(" ".join(line.split()) for line in lines)) + "\n"


def _about(one: Opening, say: Words) -> list[str]:
    title = say("title.board", task=one.task, judge=one.judge)
    return [title, one.verdict, *(f"{figure.value}  {figure.about}" for figure in one.numbers), *one.details]
