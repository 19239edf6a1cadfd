"""The audit of a run's judges as text: what each table says, in both languages, and what no name breaks."""

import json

import numpy as np
import pytest
from markdown_it import MarkdownIt

from harness.analysis.judge_audit import confusion, group_alphas, judge_audit, pair_audit, rater_audit
from harness.analysis.scores import ScoreTable
from harness.types import LIKERT_5, UNIT
from reports.audit import Audit, TaskAudit, audit_document, audit_markdown
from reports.wording import LANGUAGES, Language
from tests.analysis.tables import table

RNG = np.random.default_rng(3)
TRUTH = RNG.integers(1, 6, (3, 40)).astype(float)


def audited(*tables: ScoreTable, run: str = "demo", human: str | None = None) -> Audit:
    """The audit of some tables, and of three raters."""
    lengths = np.full(tables[0].cells.shape[:3], np.nan)
    people = [one for one in tables if one.judge.kind == "human"]
    return Audit(
        run=run,
        confidence=0.95,
        human=human,
        tasks=(
            TaskAudit(
                task="t|1",
                cards=tuple(judge_audit(one, lengths) for one in tables),
                pairs=tuple(pair_audit(a, b, lengths) for place, a in enumerate(tables) for b in tables[place + 1 :]),
                groups=tuple(group_alphas(tables)),
                confusions=tuple(
                    found for one in tables for by in people if one is not by and (found := confusion(one, by))
                ),
                anchorings=(),
            ),
        ),
        raters=rater_audit(TRUTH, ["r1", "r2", "r3"], [str(n) for n in range(40)], LIKERT_5),
    )


def made(name: str = "second|judge") -> Audit:
    noisy = np.clip(TRUTH + RNG.integers(-1, 2, TRUTH.shape), 1, 5)
    noisy[0, :3] = np.nan
    checks = table((TRUTH > 3).astype(float), name="rules", kind="checks", scale=UNIT)
    return audited(
        table(TRUTH, name="first"), table(noisy, name=name), checks, table(TRUTH, name="people", kind="human")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_judge_and_pair_is_in_both_languages(language: Language) -> None:
    """With the same figures: kappa of equal scores is 1, and what is missing is counted."""
    text = audit_markdown(made(), language=language)
    assert all(name in text for name in ("first", "rules", "people", "r1", "demo"))
    assert "1.00" in text
    assert "117" in text  # of 120 verdicts, three are missing


def test_no_name_breaks_a_table() -> None:
    """A judge with a bar, a heading or HTML in its name stays in its cell."""
    name = "x|y\n# z <b>&"
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(audit_markdown(made(name)))
    headings = [token.content for place, token in enumerate(tokens) if tokens[place - 1].type == "heading_open"]
    assert not any(heading.startswith("z") for heading in headings)
    assert not any(token.type == "html_block" for token in tokens)
    plain = parser.parse(audit_markdown(made("xyz")))
    assert [token.type for token in plain] == [token.type for token in tokens]


def test_plain_values_are_json_without_nan() -> None:
    """The same audit, unrounded."""
    audit = made()
    found = json.loads(json.dumps(audit_document(audit), allow_nan=False, default=str))
    assert (1, "demo", 0.95) == (found["schema"], found["run"], found["confidence"])
    assert [card.mean for card in audit.tasks[0].cards] == [card["mean"] for card in found["tasks"][0]["cards"]]
