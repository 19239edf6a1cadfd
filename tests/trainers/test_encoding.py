"""From examples to ids and labels: the prompt as in evaluation, the answer, EOS, and nothing learnt by mistake."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from harness.errors import HarnessError
from harness.models.hf import open_local
from harness.models.hf.bases import load_encoder
from harness.models.hf.sources import resolve
from harness.models.hf.tokens import Encoder
from harness.templates import Template, load_template
from harness.templates.template import parse_template
from harness.types import Message, ModelSpec
from tests.templates.chat_templates import CHATML as QWEN
from tests.templates.chat_templates import GEMMA, LLAMA
from trainers.data.examples import Example
from trainers.encoding import IGNORED, Encoded, EncodedSet, SampleEncoder, preview

CHATML = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
THINKS = CHATML.replace("<|assistant|>{% endif %}", "<|assistant|><think></think>{% endif %}")
WITH_BOS = "{{ bos_token }}" + CHATML
GOLDEN = Path(__file__).parent / "golden"
PAIRS = [
    ("日本の首都はどこですか？", "東京です。"),
    ("猫について三つ挙げてください。\n短く。", "・静か\n・速い\n・小さい"),
    ("  前後に空白 ", " 空白で始まる答え\n"),
    ("hello", "the quick brown fox"),
    ("絵文字🍣", "🍣 <b>&amp;</b>"),
    ("改行", "\n\n改行で始まる"),
]


def examples(pairs: list[tuple[str, str]] = PAIRS) -> list[Example]:
    """Return examples named by their number."""
    return [Example(where=f"a.json:{n}", inputs={"input": q}, answer=a) for n, (q, a) in enumerate(pairs, start=1)]


def own_template(text: str, **meta: str) -> Template:
    """Return a template of one's own."""
    front = "".join(f"{key}: {value}\n" for key, value in meta.items())
    return parse_template(f"---\n{front}---\n{text}" if front else text, name="own", kind="tasks")


def encoder_of(
    tokenizer: Any,
    template: str | Template = "course.v1",
    *,
    loss: Any = "completion_only",
    max_length: int = 200,
    overlong: Any = "truncate",
    end: frozenset[int] = frozenset(),
) -> SampleEncoder:
    """Return the encoder of a training."""
    made = load_template(template) if isinstance(template, str) else template
    encoder = Encoder(tokenizer, "base")
    return SampleEncoder(encoder, made, loss=loss, max_length=max_length, overlong=overlong, end=end)


def variant(tokenizer: Any, **changes: Any) -> Any:
    """Return a copy of a tokenizer with some of its attributes changed."""
    changed = copy.deepcopy(tokenizer)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


@pytest.fixture(scope="session")
def gemma(embedded: str) -> Any:
    """The tokenizer of the embedded model: no blank before a text, 262,144 entries."""
    return load_encoder(resolve(embedded), trusted=False).tokenizer


@pytest.fixture(scope="session", params=["llama", "gemma", "llama with ChatML", "llama with BOS in its chat template"])
def base(
    request: pytest.FixtureRequest, tiny: Path, llama_tokenizer: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, str]:
    """A tokenizer, and the spec of a model that has it."""
    if request.param == "gemma":
        return request.getfixturevalue("gemma"), request.getfixturevalue("embedded")
    chat = {"llama": None, "llama with ChatML": CHATML}.get(request.param, WITH_BOS)
    tokenizer = variant(llama_tokenizer, chat_template=chat)
    folder = tmp_path_factory.mktemp("base") / "model"
    shutil.copytree(tiny, folder)
    tokenizer.save_pretrained(folder)
    return tokenizer, f"hf:{folder}"


def evaluated(spec: str, template: Template, example: Example) -> list[int]:
    """Return the ids that an evaluation gives the model for an example's instruction."""
    backend, _, target = spec.partition(":")
    model = open_local(ModelSpec(text=spec, label="m", backend=backend, target=target, dtype="float32"))
    return [token for token, _ in model.tokens(template.render(example.inputs))]


@pytest.mark.parametrize("name", ["course.v1", "course-nobos.v1", "plain.v1", "polite.v1", "chat.v1", "chat.v2"])
def test_prompts_are_those_of_an_evaluation(base: tuple[Any, str], name: str) -> None:
    """Oracle: `LocalModel.tokens`, which evaluation and contracts use, for every sample and every published prompt."""
    tokenizer, spec = base
    template = load_template(name)
    if name.startswith("chat") and not tokenizer.chat_template:
        with pytest.raises(HarnessError, match="has no chat template"):
            encoder_of(tokenizer, template).encode_all(examples())
        return
    encoded = encoder_of(tokenizer, template).encode_all(examples())
    assert len(PAIRS) == len(encoded.samples)
    for example, sample in zip(examples(), encoded.samples, strict=True):
        assert evaluated(spec, template, example) == list(sample.ids[: sample.prompt])


@pytest.mark.parametrize("loss", ["completion_only", "all"])
@pytest.mark.parametrize("name", ["course.v1", "course-nobos.v1"])
def test_what_is_learnt_is_the_answer_and_eos_alone(base: tuple[Any, str], name: str, loss: str) -> None:
    """Labels are −100 exactly on the prompt (on position 0 for "all") and end with EOS, which occurs once."""
    tokenizer, _ = base
    for sample in encoder_of(tokenizer, name, loss=loss).encode_all(examples()).samples:
        learnt = [label for label in sample.labels if label != IGNORED]
        start = sample.prompt if loss == "completion_only" else 1
        assert (*[IGNORED] * start, *sample.ids[start:]) == sample.labels
        assert (tokenizer.eos_token_id, 1) == (learnt[-1], sample.ids.count(tokenizer.eos_token_id))
        assert len(sample) == len(sample.labels) > sample.prompt


def test_prompt_and_answer_are_the_whole_text_tokenised_at_once(base: tuple[Any, str], tmp_path: Path) -> None:
    """Oracle: the Rust tokenizer on the filled course prompt with its answer, without transformers' wrapper."""
    tokenizer, _ = base
    tokenizer.save_pretrained(tmp_path)
    oracle = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    compared = 0
    for example, sample in zip(examples(), encoder_of(tokenizer).encode_all(examples()).samples, strict=True):
        prompt = f"### 指示\n{example.inputs['input']}\n### 回答\n"
        start, whole = (oracle.encode(text, add_special_tokens=False).ids for text in (prompt, prompt + example.answer))
        if whole[: len(start)] == start:  # else line ends become one token, for example
            compared += 1
            assert [tokenizer.bos_token_id, *whole, tokenizer.eos_token_id] == list(sample.ids)
    assert compared > len(PAIRS) / 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(answer=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(str.strip))
def test_answers_come_back_as_they_were(gemma: Any, answer: str) -> None:
    """Decoding what is learnt gives the answer to the character, whatever it holds but special tokens."""
    encoded = encoder_of(gemma).encode_all([*examples(), Example(where="x", inputs={"input": "問"}, answer=answer)])
    sample = encoded.samples[-1]
    if sample.where == "x":
        learnt = sample.ids[sample.prompt : -1]
        assert answer == gemma.decode(list(learnt), clean_up_tokenization_spaces=False)
    else:
        assert encoded.left_out[0].why == "the answer is blank" or "special token" in encoded.left_out[0].why


def test_a_boundary_that_merges_is_counted_and_the_answer_encoded_alone(gemma: Any) -> None:
    """Two line ends are one token of Gemma's: such an answer is learnt as a model would have to write it."""
    encoded = encoder_of(gemma).encode_all(examples())
    merged = encoded.samples[-1]
    assert (1, "a.json:6") == (encoded.boundary_mismatches, merged.where)
    assert "in 1 of 6 samples prompt and answer tokenise otherwise" in encoded.notices[0]
    assert "\n\n改行で始まる" == gemma.decode(list(merged.ids[merged.prompt : -1]))
    whole = gemma("### 指示\n改行\n### 回答\n\n\n改行で始まる", add_special_tokens=False)["input_ids"]
    assert whole != list(merged.ids[1:-1])


def test_an_answer_encoded_alone_gets_no_blank(llama_tokenizer: Any) -> None:
    """SentencePiece-type tokenizers put ▁ before every text; in the middle of a sequence it would be a blank."""
    template = own_template("{{ input }}で")
    pairs = [*[("質問", f"き{n}") for n in range(3)], ("質問", "す。")]
    encoded = encoder_of(llama_tokenizer, template).encode_all(examples(pairs))
    sample = encoded.samples[-1]
    assert 1 == encoded.boundary_mismatches
    assert "質問です。" == llama_tokenizer.decode(list(sample.ids), skip_special_tokens=True)
    pieces = llama_tokenizer.convert_ids_to_tokens(list(sample.ids[sample.prompt :]))
    assert "▁" not in pieces[0]


def test_a_template_that_merges_with_most_answers_is_refused(llama_tokenizer: Any) -> None:
    """The message counts them, names the first, and says how a template should end."""
    template = own_template("{{ input }}で")
    with pytest.raises(HarnessError, match="2 of 3 samples tokenise otherwise") as caught:
        encoder_of(llama_tokenizer, template).encode_all(
            examples([("質問", "す。"), ("質問", "す。次"), ("質問", "き")])
        )
    assert "a.json:1" in caught.value.message
    assert "End the template own with a line end, not with a blank or a word." == caught.value.hint


def test_samples_left_out_do_not_hide_a_boundary_that_merges(llama_tokenizer: Any) -> None:
    """The share counts what is trained on, not what was given."""
    turns = (Message(role="user", content="前"), Message(role="assistant", content="答"))
    talks = [Example(where=f"t:{n}", inputs={"input": "x"}, answer="y", history=turns) for n in range(9)]
    with pytest.raises(HarnessError, match="1 of 1 samples tokenise otherwise"):
        encoder_of(llama_tokenizer, own_template("{{ input }}で")).encode_all([*examples([("質問", "す。")]), *talks])


@pytest.mark.parametrize("max_length", [8, 12, 20, 30, 40])
@pytest.mark.parametrize("overlong", ["truncate", "drop"])
def test_long_samples_are_cut_or_dropped(llama_tokenizer: Any, max_length: int, overlong: str) -> None:
    """None is longer than max_length; a cut one is the beginning of the whole and teaches no end; all are counted."""
    whole = {s.where: s for s in encoder_of(llama_tokenizer, max_length=10_000).encode_all(examples()).samples}
    short = {where for where, sample in whole.items() if len(sample) <= max_length}
    startable = {where for where, sample in whole.items() if sample.prompt < max_length}
    kept = short if overlong == "drop" else startable
    encode = encoder_of(llama_tokenizer, max_length=max_length, overlong=overlong).encode_all
    if not kept:
        with pytest.raises(HarnessError, match="None of the 6 samples can be trained on") as caught:
            encode(examples())
        assert "--set max_length=" in str(caught.value.hint)
        return
    encoded = encode(examples())
    assert (kept, set(whole) - kept) == ({s.where for s in encoded.samples}, {row.where for row in encoded.left_out})
    for sample in encoded.samples:
        assert whole[sample.where].ids[:max_length] == sample.ids
        assert (sample.where not in short) == sample.truncated
        assert sample.truncated != (llama_tokenizer.eos_token_id in sample.ids)
    assert len(kept - short) == encoded.truncated
    assert all(str(max_length) in row.why for row in encoded.left_out)
    if encoded.truncated:
        assert f"{len(kept - short)} of {len(kept)} samples" in encoded.notices[0]
        assert "they teach no end" in encoded.notices[0]


def test_a_few_cut_samples_are_noted_without_alarm(llama_tokenizer: Any) -> None:
    """One in thirty is said, but not loudly."""
    pairs = [("問", "答"), *[("問い", f"答{n}") for n in range(28)], ("問い", "長い答え" * 50)]
    notice = encoder_of(llama_tokenizer, max_length=150).encode_all(examples(pairs)).notices[0]
    assert "1 of 30 samples (3.3%) are cut at 150 tokens" == notice


@pytest.mark.parametrize("answer", ["", "  \n", "</s>", "</s></s>"])
@pytest.mark.parametrize("chat", [None, CHATML])
def test_an_empty_answer_is_left_out(llama_tokenizer: Any, answer: str, chat: str | None) -> None:
    """Also one that is nothing but the EOS that somebody wrote: there is nothing to learn but silence."""
    tokenizer = variant(llama_tokenizer, chat_template=chat)
    encoder = encoder_of(tokenizer, "chat.v1" if chat else "course.v1")
    encoded = encoder.encode_all(examples([("問", "答"), ("問", answer)]))
    assert [("a.json:2", "the answer is blank")] == [(row.where, row.why) for row in encoded.left_out]


@pytest.mark.parametrize(("chat", "name"), [(None, "course.v1"), (CHATML, "chat.v1")])
def test_an_eos_that_was_written_at_the_end_is_not_doubled(llama_tokenizer: Any, chat: str | None, name: str) -> None:
    """Notebooks put EOS_TOKEN after every output: such data is the same data."""
    encoder = encoder_of(variant(llama_tokenizer, chat_template=chat), name)
    plain = encoder.encode_all(examples([("問", "答えです。")])).samples
    assert plain == encoder.encode_all(examples([("問", "答えです。</s>")])).samples


@pytest.mark.parametrize("text", ["</s>とは終わりの印です。", "<s>打ち消し</s>線", "前<pad>後"])
@pytest.mark.parametrize(("chat", "name"), [(None, "course.v1"), (CHATML, "chat.v1")])
def test_an_answer_about_special_tokens_is_left_out_by_name(
    llama_tokenizer: Any, chat: str | None, name: str, text: str
) -> None:
    """It would teach to stop, or to begin anew, in the middle; it is never changed silently."""
    encoder = encoder_of(variant(llama_tokenizer, chat_template=chat), name)
    encoded = encoder.encode_all(examples([("問", "答"), ("問", text)]))
    assert ["a.json:2"] == [row.where for row in encoded.left_out]
    assert "holds the special token <" in encoded.left_out[0].why.replace("</s>", "<s>")


def test_pad_as_unk_does_not_leave_rare_characters_out(llama_tokenizer: Any) -> None:
    """Recipes for Llama set pad to unk: a character that the vocabulary lacks is then no padding."""
    tokenizer = variant(llama_tokenizer, pad_token="<unk>")
    answer = "未知<unk>の字"
    encoded = encoder_of(tokenizer).encode_all(examples([("問", answer)]))
    assert ((), tokenizer.eos_token_id) == (encoded.left_out, encoded.samples[0].labels[-1])


@pytest.mark.parametrize(
    "changes",
    [{"pad_token": "</s>"}, {"bos_token": "</s>"}, {"bos_token": "</s>", "pad_token": "</s>"}, {"bos_token": None}],
    ids=["pad is EOS", "BOS is EOS", "all one", "no BOS"],
)
def test_eos_is_learnt_whatever_else_it_is(llama_tokenizer: Any, changes: dict[str, Any]) -> None:
    """EOS that is the padding or the BOS, too, keeps its label (trl#1623: an adapter that never learnt to stop)."""
    tokenizer = variant(llama_tokenizer, **changes)
    for sample in encoder_of(tokenizer).encode_all(examples()).samples:
        assert (tokenizer.eos_token_id, tokenizer.eos_token_id) == (sample.labels[-1], sample.ids[-1])
        assert tokenizer.eos_token_id not in sample.labels[:-1]
        expected = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        assert expected == [token for token in sample.ids[:1] if token == tokenizer.bos_token_id]


def test_a_tokenizer_without_eos_is_refused(llama_tokenizer: Any) -> None:
    """No answer could learn to end."""
    with pytest.raises(HarnessError, match="no end-of-sequence token"):
        encoder_of(variant(llama_tokenizer, eos_token=None))


def test_eos_that_generation_does_not_stop_at_is_refused(llama_tokenizer: Any) -> None:
    """An adapter that ends its answers with it would never stop."""
    with pytest.raises(HarnessError, match=r"EOS is 2, and generation ends at \[7, 9\]"):
        encoder_of(llama_tokenizer, end=frozenset({9, 7}))
    assert 2 == encoder_of(llama_tokenizer, end=frozenset({9, 2})).eos


TALK = (
    Message(role="system", content="丁寧に。"),
    Message(role="user", content="猫は？"),
    Message(role="assistant", content="静かです。"),
)


def test_a_conversation_goes_through_the_chat_template(llama_tokenizer: Any) -> None:
    """Oracle: the template's own text written out; only the last answer and its EOS are learnt."""
    tokenizer = variant(llama_tokenizer, chat_template=CHATML)
    example = Example(where="t", inputs={"input": "犬は？"}, answer="速いです。", history=TALK)
    sample = encoder_of(tokenizer, "chat.v1").encode_all([example]).samples[0]
    prompt = (
        "<|system|>丁寧に。</s>\n<|user|>猫は？</s>\n<|assistant|>静かです。</s>\n<|user|>犬は？</s>\n<|assistant|>"
    )
    ids = tokenizer(prompt + "速いです。</s>", add_special_tokens=False)["input_ids"]
    assert [1, *ids] == list(sample.ids)
    learnt = [token for token in sample.labels if token != IGNORED]
    assert "速いです。</s>" == tokenizer.decode(learnt)


def test_with_prompts_in_the_loss_each_turn_is_learnt_once(llama_tokenizer: Any) -> None:
    """The first answer is learnt with all that stands before it, a later one alone: the rest is another sample's."""
    tokenizer = variant(llama_tokenizer, chat_template=CHATML)
    first = Example(where="a", inputs={"input": "猫は？"}, answer="静かです。", history=TALK[:1])
    second = Example(where="b", inputs={"input": "犬は？"}, answer="速いです。", history=TALK)
    samples = encoder_of(tokenizer, "chat.v1", loss="all").encode_all([first, second]).samples
    learnt = [[token for token in sample.labels if token != IGNORED] for sample in samples]
    whole = "<|system|>丁寧に。</s>\n<|user|>猫は？</s>\n<|assistant|>静かです。</s>"
    assert tokenizer(whole, add_special_tokens=False)["input_ids"] == learnt[0]
    assert "速いです。</s>" == tokenizer.decode(learnt[1])


def test_an_examples_system_message_replaces_the_templates(llama_tokenizer: Any) -> None:
    """One system message, the example's; without one, the template's."""
    tokenizer = variant(llama_tokenizer, chat_template=CHATML)
    template = own_template("{{ input }}", format="chat", system="短く。")
    with_own = Example(where="a", inputs={"input": "犬は？"}, answer="速い", history=TALK)
    without = Example(where="b", inputs={"input": "犬は？"}, answer="速い", history=TALK[1:])
    texts = [
        tokenizer.decode(list(s.ids)) for s in encoder_of(tokenizer, template).encode_all([with_own, without]).samples
    ]
    assert [("丁寧に。" in text, "短く。" in text) for text in texts] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("course.v1", "a conversation of 5 turns; course.v1 holds one instruction"),
        ("with text form", "a conversation of 5 turns; the base's tokenizer has no chat template"),
    ],
)
def test_a_conversation_that_a_text_prompt_cannot_hold_is_left_out(
    llama_tokenizer: Any, template: str, why: str
) -> None:
    """With the reason; the others are trained on."""
    made = load_template(template) if template == "course.v1" else text_form_template()
    talk = Example(where="t", inputs={"input": "犬は？"}, answer="速いです。", history=TALK)
    encoded = encoder_of(llama_tokenizer, made).encode_all([*examples(PAIRS[1:2]), talk])
    assert (1, ["t"]) == (len(encoded.samples), [row.where for row in encoded.left_out])
    assert encoded.left_out[0].why.startswith(why)


def text_form_template() -> Template:
    """Return a chat template of one's own that says what a tokenizer without one gets."""
    text = '---\nformat: chat\nmessages:\n  - user: "{{ input }}"\n---\n問: {{ input }}\n答: \n'
    return parse_template(text, name="own", kind="tasks")


def test_without_a_chat_template_the_text_form_is_trained_on(llama_tokenizer: Any) -> None:
    """As evaluation does: the prompt is the text form, and the answer follows it."""
    sample = encoder_of(llama_tokenizer, text_form_template()).encode_all(examples([("猫は？", "静か")])).samples[0]
    assert "<s> 問: 猫は？\n答: \n静か</s>" == llama_tokenizer.decode(list(sample.ids))
    assert "静か</s>" == llama_tokenizer.decode(list(sample.ids[sample.prompt :]))


@pytest.mark.parametrize("chat", [CHATML, WITH_BOS])
@pytest.mark.parametrize("bos", ["once", "never"])
def test_a_chat_prompts_bos_is_the_templates_wish(llama_tokenizer: Any, chat: str, bos: str) -> None:
    """Whether the chat template writes BOS or not, it stands there once or never, and the boundary is alike."""
    tokenizer = variant(llama_tokenizer, chat_template=chat)
    encoded = encoder_of(tokenizer, own_template("{{ input }}", format="chat", bos=bos)).encode_all(examples())
    assert 0 == encoded.boundary_mismatches
    assert [1 if bos == "once" else 0] * 6 == [sample.ids.count(1) for sample in encoded.samples]


def test_an_empty_thought_of_the_prompt_alone_stands_before_the_answer(llama_tokenizer: Any) -> None:
    """Evaluation's prompt holds it, so training's does; what is learnt is the answer and the end of its turn."""
    tokenizer = variant(llama_tokenizer, chat_template=THINKS)
    for sample, (_, answer) in zip(encoder_of(tokenizer, "chat.v1").encode_all(examples()).samples, PAIRS, strict=True):
        prompt, learnt = sample.ids[: sample.prompt], sample.ids[sample.prompt :]
        assert tokenizer.decode(list(prompt)).endswith("<|assistant|><think></think>")
        assert f"{answer}</s>".strip() == tokenizer.decode(list(learnt)).strip()


def test_a_chat_template_that_changes_its_prompt_is_refused(llama_tokenizer: Any) -> None:
    """One that greets otherwise while it waits for an answer would train another prompt."""
    greets = CHATML.replace("{% for", "{% if add_generation_prompt %}さあ。{% endif %}{% for")
    with pytest.raises(HarnessError, match="writes a prompt otherwise once its answer follows"):
        encoder_of(variant(llama_tokenizer, chat_template=greets), "chat.v1").encode_all(examples())


def test_a_chat_template_that_refuses_is_one_sentence(llama_tokenizer: Any) -> None:
    """A template that raises (no system role) ends in an error of ours."""
    refusing = "{{ raise_exception('no answers here') }}"
    tokenizer = variant(llama_tokenizer, chat_template=refusing)
    with pytest.raises(HarnessError, match="refuses the messages: no answers here"):
        encoder_of(tokenizer, "chat.v1").encode_all(examples())


def test_the_chat_template_ends_a_turn_as_it_likes(llama_tokenizer: Any) -> None:
    """A mark that generation does not stop at ends the turn and is learnt; EOS follows it."""
    chat = CHATML.replace("{{ eos_token }}", "<end>")
    tokenizer = variant(llama_tokenizer, chat_template=chat)
    sample = encoder_of(tokenizer, "chat.v1").encode_all(examples(PAIRS[:1])).samples[0]
    learnt = tokenizer.decode([token for token in sample.labels if token != IGNORED])
    assert "東京です。<end>\n</s>" == learnt.replace("\n </s>", "\n</s>")


@pytest.mark.parametrize("family", [GEMMA, LLAMA, QWEN])
def test_what_is_learnt_ends_where_generation_ends(llama_tokenizer: Any, family: str) -> None:
    """As with trl: the mark that ends the turn is the last label, with no line end and no EOS behind it."""
    tokenizer = variant(llama_tokenizer, chat_template=family)
    mark = next(mark for mark in ("<end_of_turn>", "<|eot_id|>", "<|im_end|>") if mark in family)
    tokenizer.add_special_tokens({"additional_special_tokens": [mark]})
    number = tokenizer.convert_tokens_to_ids(mark)
    encoder = encoder_of(tokenizer, "chat.v2", end=frozenset({2, number}))
    for sample, (_, answer) in zip(encoder.encode_all(examples()).samples, PAIRS, strict=True):
        learnt = [token for token in sample.labels if token != IGNORED]
        assert (number, 1) == (learnt[-1], learnt.count(number))
        assert answer.strip() == tokenizer.decode(learnt[:-1]).strip()


@pytest.mark.parametrize(("chat", "count"), [(CHATML, 0), (WITH_BOS, 1)])
def test_bos_stands_where_the_chat_template_writes_it(llama_tokenizer: Any, chat: str, count: int) -> None:
    """Oracle: transformers' own tokens of the conversation; servers and trl add none either."""
    tokenizer = variant(llama_tokenizer, chat_template=chat)
    example = examples(PAIRS[:1])[0]
    sample = encoder_of(tokenizer, "chat.v2").encode_all([example]).samples[0]
    turns = [{"role": "user", "content": example.inputs["input"]}]
    expected = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    assert expected == list(sample.ids[: sample.prompt])
    assert count == sample.ids.count(1)


@pytest.mark.parametrize("where", ["answer", "instruction", "an earlier turn"])
@pytest.mark.parametrize("mark", ["<|im_end|>", "<s>", "</s>"])
def test_a_special_token_as_text_is_left_out_wherever_it_stands(llama_tokenizer: Any, where: str, mark: str) -> None:
    """It would end a turn, or begin another, in the middle of a text."""
    tokenizer = variant(llama_tokenizer, chat_template=CHATML)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_end|>"]})
    text = f"前{mark}後"
    history = [Message(role="user", content="問"), Message(role="assistant", content=text)]
    example = Example(
        where="x",
        inputs={"input": text if where == "instruction" else "問"},
        answer=text if where == "answer" else "答",
        history=tuple(history) if where == "an earlier turn" else (),
    )
    encoded = encoder_of(tokenizer, "chat.v2").encode_all([*examples(), example])
    what = "answer" if where == "answer" else "prompt"
    assert [("x", f"the {what} holds the special token {mark} as text")] == [(r.where, r.why) for r in encoded.left_out]


@pytest.mark.parametrize("answer", ["\u200b", "\ufeff\u3000", "\u2060\n\u200d", "\u2800\n", "\uffa0"])
def test_an_answer_that_nobody_sees_is_blank(llama_tokenizer: Any, answer: str) -> None:
    """Characters of no width teach nothing but themselves."""
    encoded = encoder_of(llama_tokenizer).encode_all(
        [*examples(), Example(where="x", inputs={"input": "問"}, answer=answer)]
    )
    assert ["the answer is blank"] == [row.why for row in encoded.left_out]


def test_unknown_tokens_are_counted() -> None:
    """A vocabulary of words: what it does not hold cannot be learnt, and where it stands is said."""
    words = Tokenizer(WordLevel({"<unk>": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4}, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    encoded = encoder_of(tokenizer, own_template("{{ input }} ")).encode_all(examples([("a b", "b a"), ("a", "c a")]))
    assert (
        "1 of 11 tokens are unknown to the base's tokenizer (<unk>), first in a.json:2: what they stand for cannot be "
        "learnt"
    ) in encoded.notices


def test_no_answer_begins_with_a_blank_of_the_tokenizers_own(llama_tokenizer: Any) -> None:
    """Also where a line end and the answer's beginning are one token, so that the line end cannot be told apart."""
    vocabulary = json.loads(llama_tokenizer.backend_tokenizer.to_str())
    vocabulary["added_tokens"] += [
        {"id": len(llama_tokenizer), "content": "\n・", "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": False}
    ]  # fmt: skip
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(vocabulary)),
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
    )
    ids = encoder_of(tokenizer).answer_ids("・静か")
    assert "・静か" == tokenizer.decode(ids)
    assert not tokenizer.convert_ids_to_tokens(ids[0]).startswith("▁")


def test_variables_of_the_data_reach_the_template(llama_tokenizer: Any) -> None:
    """A template may ask for further columns; one that a sample lacks is an error that names it."""
    template = own_template("{{ input }}\n分野: {{ field }}\n")
    sample = Example(where="a", inputs={"input": "問", "field": "地理"}, answer="答")
    encoded = encoder_of(llama_tokenizer, template).encode_all([sample])
    assert "分野: 地理" in llama_tokenizer.decode(list(encoded.samples[0].ids))
    with pytest.raises(HarnessError, match="'field' is undefined"):
        encoder_of(llama_tokenizer, template).encode_all(examples(PAIRS[:1]))


@pytest.mark.parametrize("loss", ["completion_only", "all"])
def test_the_preview_shows_what_is_learnt(gemma: Any, loss: str) -> None:
    """Golden file, read by eye once: blanks, line ends, parts of a character, a cut sample."""
    encoder = encoder_of(gemma, loss=loss, max_length=24)
    samples = encoder.encode_all(examples()).samples
    text = "\n\n".join(preview(sample, encoder.encoder) for sample in samples) + "\n"
    assert (GOLDEN / f"preview-{loss}.txt").read_text(encoding="utf-8") == text


def test_position_zero_is_never_learnt() -> None:
    """It is predicted from nothing: a sample without a prompt before it learns from the second token on."""
    sample = Encoded(where="a", ids=(5, 6, 7), prompt=0, loss_start=0)
    assert (IGNORED, 6, 7) == sample.labels


def test_a_sample_that_does_not_end_in_eos_stops_everything(
    llama_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check before step 1: should the encoding ever lose EOS, nothing is trained."""
    encoder = encoder_of(llama_tokenizer)
    answer: Callable[..., Any] = encoder._answer
    monkeypatch.setattr(encoder, "_answer", lambda *given: (answer(*given)[0][:-1], True))
    with pytest.raises(HarnessError, match=r"a\.json:1: the last label is \d+, not EOS \(2\)"):
        encoder.encode_all(examples())


def test_the_order_is_kept(llama_tokenizer: Any) -> None:
    """Samples come in the order of the examples."""
    encoded: EncodedSet = encoder_of(llama_tokenizer).encode_all(examples()[::-1])
    assert [f"a.json:{n}" for n in (6, 5, 4, 3, 2, 1)] == [sample.where for sample in encoded.samples]
