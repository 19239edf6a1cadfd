"""The model card: valid for the Hub whatever the texts in it, and changed by hand or by scores without harm."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

from tests.locale.test_no_english import english
from tests.trainers.adapter.cards import code, headings, made, tokens
from tests.trainers.adapter_folders import record_of
from trainers.adapter.card import update_scores
from trainers.adapter.card_scores import BEGIN, END
from trainers.adapter.scores import Difference, Score, ScoreRow, Side
from trainers.adapter.training_record import Cut, DataFile, Session

GOLDEN = Path(__file__).parents[1] / "golden"
HOSTILE = (
    '---\n"# x: |\n```\n````\n| a | b |\n<script>alert(1)</script> [x](javascript:1) <!-- scores: end -->'
    "\n<!-- scores: begin -->\n\x1b[31m \ud800 `"
)


def golden(name: str, text: str) -> None:
    """Compare a text with a golden file. HARNESS_WRITE_GOLDEN=1 writes it first: read it before it is committed."""
    path = GOLDEN / name
    if os.environ.get("HARNESS_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def score(model: str = "adapter:out", **changes: Any) -> Score:
    """Return one score."""
    values: dict[str, Any] = {
        "task": "bundled:ja-mini",
        "judge": "rules",
        "model": model,
        "prompt": "course.v1",
        "scale": (0, 1),
        "mean": 0.55,
        "low": 0.342,
        "high": 0.742,
        "confidence": 0.95,
        "n": 20,
        "n_unscored": 0,
        "kind": "checks",
        "method": "wilson",
        "length_stop_rate": 0.05,
    }
    return Score(**values | changes)


def compared(**changes: Any) -> Difference:
    """Return the comparison of the adapter with base."""
    values: dict[str, Any] = {
        "task": "bundled:ja-mini",
        "judge": "rules",
        "baseline": Side(model="base", prompt="course.v1"),
        "candidate": Side(model="adapter:out", prompt="course.v1"),
        "difference": 0.25,
        "low": 0.043,
        "high": 0.457,
        "confidence": 0.95,
        "p_adjusted": 0.0312,
        "n_pairs": 20,
        "n_missing": 0,
        "method": "paired-t",
    }
    return Difference(**values | changes)


ROWS = [
    ScoreRow(
        run="first",
        date="2026-11-22T17:50:47+09:00",
        score=score("base", mean=0.3, low=0.145, high=0.519, length_stop_rate=0.9),
        is_baseline=True,
    ),
    ScoreRow(
        run="first", date="2026-11-22T17:50:47+09:00", score=score(), against=compared(), cautions=("2 tasks | differ",)
    ),
    ScoreRow(
        run="tv",
        date="2026-11-23T09:00:00+00:00",
        score=score(
            task="elyza-tasks-100-tv",
            judge="gemini:g",
            kind="quality",
            scored_by="model",
            scale=(1, 5),
            mean=None,
            low=None,
            high=None,
            n=0,
            n_unscored=100,
            prompt=None,
            length_stop_rate=None,
        ),
    ),
]


def test_the_card_is_as_read_and_approved() -> None:
    """The whole card, with scores of two runs."""
    golden("card.md", made(scores=ROWS))


def test_the_front_matter_is_what_the_hub_reads() -> None:
    """Parsed by the Hub's own library: base, library, language and tags; no licence that nobody stated."""
    assert {
        "base_model": "llm-jp/llm-jp-3-13b",
        "base_model_relation": "adapter",
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "language": "ja",
        "tags": ["lora", "qlora", "sft", "ja-harness"],
    } == ModelCard(made()).data.to_dict()


def test_without_nf4_it_is_no_qlora() -> None:
    """The tag and the sentence follow the record."""
    text = made(record_of(quantization="none"))
    assert ["lora", "sft", "ja-harness"] == ModelCard(text).data.tags
    assert "QLoRA" not in text
    assert "BitsAndBytes" not in text


def test_changed_settings_stand_out() -> None:
    """A value of --set is bold and no longer said to come from the recipe's source; the others name theirs."""
    text = made()
    assert "| **learning_rate** | 0.0001         | **changed with `--set`**" in text
    assert re.search(r"\| lora_r +\| 32 +\| the course's unsloth template", text)
    assert re.search(r"\| target_modules +\| q_proj, v_proj +\| – ", text)


@pytest.mark.parametrize("license_text", [None, "CC BY-NC-SA 4.0"])
def test_the_licence_of_the_data_is_never_invented(license_text: str | None) -> None:
    """What the user said is quoted and named in the front matter; what nobody said is called unknown, and not there."""
    text = made(record_of(data_license=license_text))
    assert (license_text is None) == ("**Licence of the data: not stated.**" in text)
    assert (license_text is not None) == ("**Licence of the data:** CC BY-NC-SA 4.0" in text)
    told = ModelCard(text).data.to_dict()
    expected = (None, None) if license_text is None else ("other", "cc-by-nc-sa-4.0")
    assert expected == (told.get("license"), told.get("license_name"))


def test_data_of_the_hub_are_named_to_it() -> None:
    """A file of one's own is not: the Hub would look for it."""
    files = [DataFile(name=name, sha256="0" * 64, rows=3) for name in ("mine.json", "kunishou/databricks-dolly-15k-ja")]
    told = ModelCard(made(record_of(data=files))).data.to_dict()
    assert ["kunishou/databricks-dolly-15k-ja"] == told["datasets"]


def hostile_card(scores: list[ScoreRow]) -> str:
    """Return a card in which every text that a user or a file gives tries to break out."""
    record = record_of(
        base=HOSTILE,
        base_revision=HOSTILE,
        base_digest=HOSTILE,
        recipe_name=HOSTILE,
        recipe={HOSTILE: HOSTILE, "a": [HOSTILE]},
        changed=(HOSTILE,),
        sources={"a": HOSTILE},
        prompt=HOSTILE,
        prompt_sha256=HOSTILE,
        dtype=HOSTILE,
        device=HOSTILE,
        data=(DataFile(name=HOSTILE, sha256=HOSTILE, rows=1),),
        data_license=HOSTILE,
        versions={HOSTILE: HOSTILE},
        command=HOSTILE,
    )
    return made(record, name=HOSTILE, scores=scores)


def test_hostile_texts_stay_texts() -> None:
    """Front matter parses, the headings are ours alone, no HTML but the two markers, no link but our own."""
    rows = [
        ScoreRow(
            run=HOSTILE,
            date=HOSTILE,
            score=score(HOSTILE, task=HOSTILE, judge=HOSTILE, prompt=HOSTILE),
            cautions=(HOSTILE,),
        )
    ]
    text = hostile_card(rows)
    assert "peft" == ModelCard(text).data.library_name
    text.encode("utf-8")
    assert "\x1b" not in text
    ours = ["Base model", "Use", "Prompt", "Recipe", "Data", "Training", "Versions", "Scores"]
    assert ours == headings(text)[1:-1]
    parsed = tokens(text)
    assert [BEGIN, END] == [token.content.strip() for token in parsed if token.type == "html_block"]
    inner = [child for token in parsed for child in token.children or ()]
    assert [] == [child.content for child in inner if child.type == "html_inline"]
    assert {"training.json", "trainer_log.jsonl"} == {
        child.attrs["href"] for child in inner if child.type == "link_open"
    }


def test_scores_replace_scores_and_nothing_else() -> None:
    """Before and after the markers every byte stays, with what a user wrote there and with their line ends."""
    card = made().replace("## Use", "## Use\n\nMy own words.") + "\nBy hand.\n"
    for text in (card, card.replace("\n", "\r\n")):
        updated = update_scores(text, ROWS)
        assert "not evaluated yet" not in updated
        assert "0.55" in updated
        own = updated.partition("model-index:")[0] + "---" + updated.partition("---")[2].partition("---")[2]
        assert text.partition(BEGIN)[0] == own.partition(BEGIN)[0]
        assert text.partition(END)[2] == updated.partition(END)[2]
        assert text.count("\r\n") * updated.count("\n") == updated.count("\r\n") * text.count("\n")
        assert updated == update_scores(updated, ROWS)


@pytest.mark.parametrize(
    "text", ["# Mine\n", f"# Mine\n{BEGIN}\nno end\n", f"# Mine\n{END}\n{BEGIN}\n", "", f"x {BEGIN}\n y {END}\n"]
)
def test_without_markers_the_section_is_put_at_the_end(text: str) -> None:
    """Whatever is left of them stays where it is; a second update replaces the new section."""
    updated = update_scores(text, ROWS[:1])
    assert updated.startswith(text.rstrip())
    assert f"## Scores\n\n{BEGIN}\n" in updated
    again = update_scores(updated, ROWS[1:2])
    assert again.startswith(text.rstrip())
    assert again.count("## Scores") == 1
    assert "adapter:out" in again


def test_markers_in_a_command_are_no_markers() -> None:
    """The pair that counts is the last."""
    card = made(record_of(command=f"harness train\n{BEGIN}\n{END}\n--x"))
    updated = update_scores(card, ROWS)
    assert code(card, "console")[1] == code(updated, "console")[1]
    assert "not evaluated yet" not in updated


@given(st.text(), st.text())
def test_any_words_around_the_markers_survive(before: str, after: str) -> None:
    """Hypothesis: what a user wrote before the section and after it is still there, as it was."""
    lines = f"{before}\n{BEGIN}\nold\n{END}\n"
    updated = update_scores(lines + after, ROWS[:1])
    assert updated.startswith(f"{before}\n{BEGIN}")
    assert updated.endswith(f"{END}\n{after}")


def test_a_japanese_card_has_no_english_words_of_ours() -> None:
    """Headings, tables and sentences; settings, names and commands stay what they are."""
    text = made(scores=ROWS, language="ja")
    assert [] == english(text.partition("---\n")[2].partition("---\n")[2])
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "ベースモデル", "使い方", "プロンプト", "レシピ", "データ", "学習", "バージョン", "点数",
    ]  # fmt: skip
    again = update_scores(text, ROWS[:1], "ja")
    assert "尺度" in again
    assert "Scale" not in again


def test_a_training_that_was_made_longer_says_from_where_on() -> None:
    """The learning rate was planned for the first length up to there; one length is not worth a row."""
    plain = record_of()
    parts = [Session(after_step=after, device="cpu", processes=1, versions={}, steps=steps) for after, steps in
             ((0, 300), (120, 300), (300, 600))]  # fmt: skip
    assert "Planned for" not in made(replace(plain, sessions=parts[:2]))
    assert "| 300 from step 0 on, 600 from step 300 on |" in made(replace(plain, sessions=parts))


def test_processes_that_shared_the_base_say_so() -> None:
    """As its last session did; beside those that each had it whole."""
    cut = Cut(tokens=9, recomputed=0, dequantized=False, shards=2)
    session = Session(after_step=0, device="cuda", processes=2, versions={}, cut=cut, steps=1)
    whole = replace(session, cut=replace(cut, shards=1))
    shown = [made(replace(record_of(), processes=2, sessions=(one,))) for one in (session, whole)]
    found = [re.search(r"^\| Processes +\| (.+?) +\|$", text, re.MULTILINE) for text in shown]
    assert ["2, which shared the base's weights", "2"] == [row[1] for row in found if row]


def test_a_preference_tuning_is_called_so() -> None:
    """The tag and the sentence follow the objective; records of before it were of supervised fine-tunings."""
    text = made(record_of(recipe={"objective": "dpo", "beta": 0.1}, samples=36))
    assert ["lora", "qlora", "dpo", "ja-harness"] == ModelCard(text).data.tags
    assert "preference tuning (QLoRA, 4-bit nf4, bfloat16) on 36 pairs of a better and a worse answer" in text
    assert "supervised" not in text
