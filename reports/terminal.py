"""One task as text for a terminal: what was asked, and answers with their scores and reasons. Pure."""

from collections.abc import Callable, Mapping, Sequence

from harness.types import Sample, Verdict
from reports.formatting import printable, row_name
from reports.run_view import ShownAnswer
from reports.wording import Words

Style = Callable[[str], str]


def plain(text: str) -> str:
    """Return the text as it is: the style of output that is not a terminal."""
    return text


def task_text(task: str, sample: Sample, answers: Sequence[ShownAnswer], say: Words, *, heading: Style = plain) -> str:
    """Return everything about one task. ``heading`` styles titles; foreign text cannot steer the terminal."""
    tags = f" [{', '.join(map(printable, sample.tags))}]" if sample.tags else ""
    parts = [heading(f"{say('page.task_title', id=_line(sample.id))} · {_line(task)}{tags}")]
    for key, text in (("input", sample.input), ("reference", sample.reference), ("criteria", sample.criteria)):
        if text is not None:
            parts.append(f"{heading(say(f'page.{key}'))}\n{printable(text).rstrip()}")
    parts += [_answer(answer, say, heading) for answer in answers]
    return "\n\n".join(parts) + "\n"


def _answer(answer: ShownAnswer, say: Words, heading: Style) -> str:
    title = _line(row_name(answer.row))
    if answer.repeat:
        title += f" · {say('page.repeat', number=answer.repeat + 1)}"
    facts = [f"{_line(judge)} {_scores(verdicts, say)}" for judge, verdicts in answer.verdicts.items()]
    generation = answer.generation
    if generation is not None and generation.finish_reason == "length":
        facts.append(say("page.cut"))
    if generation is not None and generation.tokens_out is not None:
        facts.append(say("page.tokens", count=generation.tokens_out))
    lines = [heading(f"── {title} ──"), *([" · ".join(facts)] if facts else []), _text(answer, say)]
    return "\n".join([*lines, *_reasons(answer.verdicts, say)])


def _text(answer: ShownAnswer, say: Words) -> str:
    generation = answer.generation
    if generation is None or generation.text is None:
        error = f": {printable(generation.error)}" if generation is not None and generation.error else ""
        return f"({say('page.no_answer')}{error})"
    return printable(generation.text).rstrip() or say("page.empty_answer")


def _scores(verdicts: Sequence[Verdict], say: Words) -> str:
    return ", ".join(say("page.unscored") if verdict.score is None else f"{verdict.score:g}" for verdict in verdicts)


def _reasons(verdicts: Mapping[str, Sequence[Verdict]], say: Words) -> list[str]:
    return [
        f"  {_line(judge)}: {_line(said)}"
        for judge, given in verdicts.items()
        for verdict in given
        if (said := say.sentence(verdict.reason or verdict.rationale or ""))
    ]


def _line(text: str) -> str:
    return " ".join(printable(text).split())
