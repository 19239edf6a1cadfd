"""The reply parser: what counts as a verdict in the form that was asked for, and that nothing else is ever scored."""

import json
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.types import PERCENT, Scale, Verdict
from judges.rubric import Form, parse
from tests.judges import reply_cases, reply_grammar
from tests.patience import PATIENCE

HALVES = Scale(low=1, high=5, step=0.5)
FORMS: tuple[Form | None, ...] = ("json", "number", "label", None)
CAMPAIGN = int(os.environ.get("HARNESS_REPLIES", "4000"))
"""How many adversarial replies a campaign draws, and half as many clean ones of each form."""


@pytest.mark.parametrize(
    ("cases", "form"),
    [(reply_cases.NUMBERS, "number"), (reply_cases.JSON, "json"), (reply_cases.LABELS, "label")],
    ids=["number", "json", "label"],
)
def test_verdicts(cases: dict[str, int | None], form: Form) -> None:
    """Every reply is read in the form that was asked for, and where nobody said which; the reply is kept."""
    read = {reply: (parse(reply, form=form), parse(reply)) for reply in cases}
    wrong = {
        reply: [verdict.score for verdict in verdicts]
        for reply, verdicts in read.items()
        if cases[reply] is not None and {verdict.score for verdict in verdicts} != {cases[reply]}
    }
    assert {} == wrong
    assert all(reply == verdict.raw for reply, verdicts in read.items() for verdict in verdicts)


@pytest.mark.parametrize("form", FORMS)
def test_refused(form: Form | None) -> None:
    """What holds no verdict of its own is refused in every form, with a reason, and the reply is kept."""
    verdicts = {reply: parse(reply, form=form) for reply in reply_cases.REFUSED}
    assert {} == {reply: verdict.score for reply, verdict in verdicts.items() if verdict.score is not None}
    assert all(verdict.reason and verdict.raw == reply for reply, verdict in verdicts.items())


@pytest.mark.parametrize(("reply", "form", "score"), reply_cases.ONE_FORM_ONLY)
def test_the_form_that_was_asked_for_decides(reply: str, form: Form, score: int) -> None:
    """Of two verdicts in different forms the one that was asked for counts; neither where nobody said which."""
    assert (score, None) == (parse(reply, form=form).score, parse(reply).score)


@pytest.mark.parametrize(
    ("reply", "form"),
    [
        ("Score: 4", "json"),
        ("4", "json"),
        ('{"score": 4}', "number"),
        ('{"score": 4}', "label"),
        ("4", "label"),
        ("正確です。\nScore: 4", "number"),
        ("正確です。\nScore: 4", "json"),
    ],
)
def test_no_other_form_is_read(reply: str, form: Form) -> None:
    """A verdict in another form than the one that was asked for is none."""
    assert (None, 4.0) == (parse(reply, form=form).score, parse(reply).score)


def test_labels_are_those_that_the_rubric_declares() -> None:
    """Declared labels count, and the usual ones do not any more; an unknown form or no label is an error."""
    assert (4.0, None) == (
        parse("よい。\nできばえ：4", form="label", labels=["できばえ"]).score,
        parse("よい。\nスコア：4", form="label", labels=["できばえ"]).score,
    )
    assert 3.0 == parse("Good.\nOverall quality: 3/5", form="label", labels=["overall quality"]).score
    with pytest.raises(ValueError, match="form is 'text'"):
        parse("4", form="text")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="labels"):
        parse("4", form="label", labels=[])


@pytest.mark.parametrize(
    ("reply", "form", "reason"),
    [
        ("", None, "the reply is empty"),
        ("<think>4</think>", None, "the reply only thinks"),
        ("すばらしい", None, "no verdict in the reply"),
        ("すばらしい", "json", "no JSON object with a score in the reply"),
        ("5点ではない", "number", "the reply is not one number"),
        ("すばらしい", "label", "no line with a label and a number in the reply"),
        ("Score: 6", None, "6 is not on the 1-5 scale"),
        ("45", "number", "45 is not on the 1-5 scale"),
        ("Score: 4/10", "label", "4/10 is not on the 1-5 scale"),
        ("10点満点中4点", "number", "10点満点中 is not on the 1-5 scale"),
        ('{"score": 3.5}', "json", "3.5 is not on the 1-5 scale"),
        ('{"score": 4, "max": 10}', "json", "the JSON object names another scale"),
        ('{"score": 4, "reason": "途中', "json", "a JSON object is broken"),
        ('{"score": 4}{"score": 5}', "json", "the reply holds JSON objects with different scores"),
        ("Score: 3\nScore: 4", "label", "the reply holds verdicts that differ: 3 and 4"),
        ('Score: 3\n{"score": 4}', None, "the reply holds a JSON verdict and another that differs"),
        ('「{"score": 5}」とあった。', "json", "the JSON object is quoted, negated or shown as an example"),
        ("a" * 300_001, None, "the reply is longer than 300,000 characters"),
    ],
)
def test_reasons(reply: str, form: Form | None, reason: str) -> None:
    """A refusal says what is wrong in words that a table can count."""
    assert reason == parse(reply, form=form).reason


def test_rationale() -> None:
    """The judge's own reason is kept apart from its score; without one, the prose around it."""
    assert "正確" == parse('{"score": 4, "理由": "正確"}').rationale
    assert "ok" == parse('{"result": {"reason": "ok", "score": 4}}').rationale
    assert "正確。" == parse('正確。\n{"score": 4}').rationale
    assert "Good.\nScore: 4" == parse("<think>x</think>Good.\nScore: 4").rationale
    assert [None, None] == [parse(reply).rationale for reply in ("4", '{"score": 4}')]


def test_halves_only_where_the_scale_has_them() -> None:
    """Halves count on a scale with halves, and other fractions never."""
    assert [3.5, 3.5, 3.5, 4.0] == [
        parse(text, HALVES).score for text in ("3.5", "Score: 3.5", '{"score": 3.5}', "Score: 4")
    ]
    assert [None] * 3 == [parse(text, HALVES).score for text in ("3.2", "5.5", "Score: 0.5")]


def test_other_scales() -> None:
    """The scale decides the top of a fraction and the range."""
    assert (73.0, 73.0, 73.0, None, None) == (
        parse("Score: 73", PERCENT).score,
        parse("73/100", PERCENT).score,
        parse('{"score": 73, "max": 100}', PERCENT).score,
        parse("4/5", PERCENT).score,
        parse("101", PERCENT).score,
    )


@given(st.text(), st.sampled_from(FORMS))
@example("{" * 5000, None)
@example("\ud800Score: 4", None)
@example("Score: 4\x00", None)
@example('{"score": "\\ud800"}', "json")
@example('{"\\": 4}', "json")
def test_any_text(text: str, form: Form | None) -> None:
    """Any text at all gives a verdict on the scale or a reason, never an exception."""
    verdict = parse(text, form=form)
    assert (verdict.score in {1, 2, 3, 4, 5}) == (verdict.reason is None)


@given(st.integers(), st.sampled_from(["{}", "Score: {}", '{{"score": {}}}', "評価：[[{}]]", "{}/5", "{}点です"]))
def test_whole_numbers(number: int, dress: str) -> None:
    """A whole number is scored exactly when it is on the scale, in every dress."""
    assert (number if 1 <= number <= 5 else None) == parse(dress.format(number)).score


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.data())
def test_verdicts_that_differ_are_refused(scores: list[int], data: st.DataObject) -> None:
    """Several verdicts, in one form or in several, count if they agree."""
    dresses = ["Score: {}", '{{"score": {}}}', "評価：{}", "**最終スコア**：[[{}]]", "grade: {}/5"]
    lines = [data.draw(st.sampled_from(dresses)).format(score) for score in scores]
    assert (scores[0] if len(set(scores)) == 1 else None) == parse("\n".join(lines)).score


@given(st.integers(1, 5), st.integers(1, 5), st.text(alphabet=st.characters(exclude_characters="<[")))
def test_thoughts_never_score(thought: int, score: int, text: str) -> None:
    """What stands in a thinking block at the front changes nothing, and alone it is no verdict."""
    block = f'Score: {thought}\n{text}\n{{"score": {thought}}}'
    verdicts = {"json": f'{{"score": {score}}}', "number": str(score), "label": f"Score: {score}"}
    for form, verdict in verdicts.items():
        assert score == parse(f"<think>{block}</think>\n{verdict}", form=form).score  # type: ignore[arg-type]
    assert parse(f"<think>{block}").score is None


def test_a_score_is_a_number_of_the_reply() -> None:
    """Of fragments in any order no score comes that the reply does not hold, and a number asked means one number."""
    generator, scored = random.Random(20261126), Counter[str]()
    names = {"1": "1", "2": "2", "3": "3", "4": "4４④四", "5": "5５"}
    for _ in range(CAMPAIGN):
        reply = "".join(generator.choices(reply_cases.FRAGMENTS, k=generator.randint(1, 9)))
        for form in FORMS:
            score = parse(reply, form=form).score
            assert score is None or any(sign in reply for sign in names[f"{score:g}"]), (reply, form, score)
            scored[str(form)] += score is not None
        number = parse(reply, form="number").score
        rest = reply.replace("5点満点中", "").replace("/5", "").replace("／５", "")
        digits = [sign for sign in rest if sign.isnumeric()]
        assert number is None or len(digits) <= 1 or "." in reply or "think>" in reply, (reply, number)
    assert all(scored[str(form)] > CAMPAIGN // 400 for form in FORMS), scored


@pytest.mark.parametrize("seed", [20261126, None], ids=["fixed", "fresh"])
def test_no_adversarial_reply_is_misread(seed: int | None) -> None:
    """Of adversarial replies, whose right reading their derivation tells, none gets another score, in any form."""
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    generator, read = random.Random(seed), Counter[str]()
    wrong = []
    for _ in range(CAMPAIGN):
        reply = reply_grammar.adversarial(generator)
        for form in (reply.form, None):
            score = parse(reply.text, form=form).score
            read[reply.rule] += score is not None
            if score not in {None, reply.truth}:
                wrong.append((form, reply, score))
    assert [] == wrong[:5], f"seed {seed}: {len(wrong)} of {2 * CAMPAIGN} readings"
    assert read["json amid noise"] > 0  # it must not pass by refusing everything


@pytest.mark.parametrize("form", reply_grammar.FORMS)
@pytest.mark.parametrize("seed", [20261126, None], ids=["fixed", "fresh"])
def test_clean_replies_are_read(seed: int | None, form: Form) -> None:
    """At least 99.5% of clean replies are read right, and none of them wrong."""
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    generator, count = random.Random(seed), CAMPAIGN // 2
    wrong, missed = list[tuple[reply_grammar.Reply, Verdict]](), []
    for _ in range(count):
        reply = reply_grammar.clean(generator, form)
        for asked in (form, None):
            verdict = parse(reply.text, form=asked)
            if verdict.score is None:
                missed.append((reply, verdict))
            elif verdict.score != reply.truth:
                wrong.append((reply, verdict))
    assert [] == wrong[:5], f"seed {seed}"
    assert len(missed) <= 0.005 * 2 * count, f"seed {seed}: {len(missed)} of {2 * count}: {missed[:5]}"


def test_real_prose_around_a_verdict(shared_data: Path) -> None:
    """Amid what real models wrote, with its numbers, lists and quotations, the verdict is read, and no other ever."""
    pq = pytest.importorskip("pyarrow.parquet")
    answers = pq.read_table(shared_data / "shaberi" / "answers.parquet", columns=["answer"])["answer"].to_pylist()
    read = Counter[str]()
    for number, answer in enumerate(answers[::20]):
        score, prose = number % 5 + 1, (answer or "")[:500]
        verdict = json.dumps({"reason": prose, "score": score}, ensure_ascii=False)
        replies: list[tuple[Form, str]] = [
            ("json", f"{prose}\n\n```json\n{verdict}\n```"),
            ("json", f"{verdict}\n\n{prose}"),
            ("label", f"{prose}\n\nスコア：{score}"),
        ]
        assert score == parse(verdict, form="json").score
        for form, reply in replies:
            for asked in (form, None):
                found = parse(reply, form=asked).score
                assert found in {None, score}, (asked, reply)
                read[form] += found is not None
    assert read["json"] > 0.97 * 4 * len(answers[::20])
    assert read["label"] > 0.95 * 2 * len(answers[::20])


@pytest.mark.parametrize("form", ["label", None])  # None reads all that json and number read
@pytest.mark.parametrize("unit", reply_cases.UNITS)
def test_hostile_replies_are_read_in_linear_time(unit: str, form: Form | None) -> None:
    """No reply of a megabyte takes longer than two seconds, nor one just short enough to be read."""
    longest = unit * (300_000 // len(unit))
    ended = longest[:-40] + '\n{"score": 4}\nScore: 4\n'
    for reply in (longest, ended, longest * 3 + ended, f"<think>{longest * 3}</think>4"):
        start = time.process_time()
        parse(reply, form=form)
        assert time.process_time() - start < PATIENCE
