"""harness.templates.contract, with tokenizers whose every id is known: one character is one token."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError, InputError
from harness.locale import in_language
from harness.templates import load_template, template_names
from harness.templates.contract import (
    ANSWER,
    CONTRACT,
    PROBE,
    Mismatch,
    TokensOfPrompt,
    contract_text,
    make_contract,
    mismatch,
    read_contract,
)
from harness.templates.template import Template, parse_template
from harness.types import PromptContract, RenderedPrompt

COURSE = "### 指示\n{{ input }}\n### 回答\n"
EOS = (2, "</s>")


def characters(prompt: RenderedPrompt) -> list[tuple[int, str]]:
    """Encode a prompt: BOS is 1, a character its code point; the chat template names each role before its text."""
    text = prompt.text
    if prompt.format == "chat":
        text = "".join(f"<{message.role}>{message.content}" for message in prompt.messages)
    return [(1, "<s>")] * (prompt.bos == "once") + [(ord(mark), mark) for mark in text]


def without_bos(prompt: RenderedPrompt) -> list[tuple[int, str]]:
    """Encode as a tokenizer that has no BOS."""
    return [token for token in characters(prompt) if token[0] != 1]


def shifted(prompt: RenderedPrompt) -> list[tuple[int, str]]:
    """Encode as the tokenizer of another version, whose ids are others; BOS is the same."""
    return [(number + 7 * (number != 1), text) for number, text in characters(prompt)]


def template(text: str, name: str = "mine.v1") -> Template:
    """Return a template of a text."""
    return parse_template(text, name=name, kind="tasks")


def answered(prompt: RenderedPrompt, answer: str) -> list[tuple[int, str]]:
    """Encode an answer, whatever the prompt."""
    del prompt
    return [*((ord(mark), mark) for mark in answer), EOS]


def trained(made: Template, tokens: TokensOfPrompt = characters) -> PromptContract:
    """Return the contract of a training with a template."""
    return make_contract(made, tokens=tokens, answer_tokens=answered)


def compared(before: str, now: str, tokens: TokensOfPrompt = characters) -> Mismatch:
    """Return how the prompts of two template texts differ, given that they do."""
    found = mismatch(trained(template(before, "then")), template(now, "now"), tokens)
    assert found is not None
    return found


def test_a_chat_template_of_its_own_is_kept_to_the_byte(tmp_path: Path) -> None:
    """And a contract without one is written as before there were any, for earlier versions to read."""
    made = template("---\nformat: chat\n---\n{{ input }}")
    own = "{% for m in messages %}\n<{{ m.content }}>\u3000\n{% endfor %}"
    contract = make_contract(made, tokens=characters, answer_tokens=answered, chat_template=own)
    (tmp_path / CONTRACT).write_text(contract_text(contract), encoding="utf-8")
    assert (contract, own, 3) == (read_contract(tmp_path), contract.chat_template, contract.schema)
    plain = make_contract(made, tokens=characters, answer_tokens=answered)
    assert (2, False) == (plain.schema, "chat_template" in contract_text(plain))


def test_a_contract_says_what_training_did() -> None:
    """The template as it stands in its file; the probe's ids begin with BOS, an answer's end with EOS."""
    made = load_template("course.v1")
    contract = trained(made)
    assert ("course.v1", made.sha256, made.text, "text") == (
        contract.template, contract.template_sha256, contract.template_text, contract.format
    )  # fmt: skip
    assert ("once", "<s>", 1) == (contract.bos.policy, contract.bos.token, contract.bos.id)
    assert ("after every answer", "</s>", 2) == (contract.eos.policy, contract.eos.token, contract.eos.id)
    text = f"### 指示\n{PROBE}\n### 回答\n"
    assert (1, *map(ord, text)) == contract.probe.prompt_ids
    assert ("<s>", *text) == contract.probe.prompt_tokens
    assert (*map(ord, ANSWER), 2) == contract.probe.answer_ids


def test_bos_of_a_tokenizer_that_has_none() -> None:
    """The policy stands, and there is no token."""
    bos = trained(load_template("course.v1"), without_bos).bos
    assert ("once", None, None) == (bos.policy, bos.token, bos.id)
    assert mismatch(trained(template(COURSE), without_bos), load_template("course-nobos.v1"), without_bos) is None


@pytest.mark.parametrize("name", template_names("tasks"))
def test_a_contract_is_read_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    """Every published template, with the file readable as UTF-8 and the ids on one line."""
    contract = trained(load_template(name))
    text = contract_text(contract)
    (tmp_path / CONTRACT).write_text(text, encoding="utf-8")
    assert contract == read_contract(tmp_path)
    assert f'\n  "prompt_ids": {list(contract.probe.prompt_ids)},\n' in text
    assert f'"input": {json.dumps(PROBE, ensure_ascii=False)}' in text
    assert mismatch(contract, load_template(name), characters) is None


def test_no_file_is_no_contract(tmp_path: Path) -> None:
    """A stranger's adapter."""
    assert read_contract(tmp_path) is None


def damage(path: str, value: object) -> bytes:
    """Return a contract with the entry at a path, such as ``probe.answer``, set, or taken away by ``...``."""
    document = json.loads(contract_text(trained(template(COURSE))))
    *owners, key = path.split(".")
    owner = document
    for name in owners:
        owner = owner[name]
    owner[key] = value
    if value is ...:
        del owner[key]
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a prompt contract: "),
        (b"{}", "not a prompt contract: schema: "),
        (b"[1]", "not a prompt contract: "),
        (b"\xff\xfe", "byte 0xff is not UTF-8 text"),
        (b" " * 4_000_001, "larger than 4,000,000 bytes"),
        (damage("schema", 4), "schema: input should be 1, 2 or 3 (got 4)"),
        (damage("probe", ...), "probe: "),
        (damage("extra", 1), "extra: no such key"),
        (damage("probe.extra", 1), "probe.extra: no such key"),
        (damage("bos.polcy", "once"), "bos.polcy: no such key"),
        (damage("bos.policy", "twice"), "bos.policy: "),
        (damage("probe.prompt_ids", []), "0 prompt_ids with "),
        (damage("probe.prompt_ids", [1, 2]), "2 prompt_ids with "),
        (damage("probe.prompt_ids", ["x"]), "probe.prompt_ids.0: "),
        (damage("probe.answer_ids", [26481]), "answer_ids do not end with the EOS token, 2"),
        (damage("eos.id", None), "answer_ids do not end with the EOS token, None"),
    ],
)
def test_a_damaged_contract_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    """Its file and its fault are named, nothing of it is used, and the hint says what happens without it."""
    (tmp_path / CONTRACT).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_contract(tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / CONTRACT}: ")
    assert "Without the file, reports call the training prompt unknown." in str(caught.value.hint)


def test_a_folder_in_the_place_of_the_contract_is_an_error(tmp_path: Path) -> None:
    """Not None, and no traceback."""
    (tmp_path / CONTRACT).mkdir()
    with pytest.raises(InputError, match="this is a folder"):
        read_contract(tmp_path)


def test_only_bos_differs() -> None:
    """It is called by its name, and is all that is said."""
    found = compared(COURSE, f"---\nbos: never\n---\n{COURSE}")
    assert ("BOS: once at training, never now",) == found.reasons
    assert (
        "from token 1, of 73 at training and 72 now:",
        "  trained: [1 <s>] 35 # 35 # 35 #",
        "  now:     [nothing] 35 # 35 # 35 #",
    ) == found.diff
    assert in_language(found.sentence, "ja").endswith(
        "（1番目のトークンから（全73トークン、今回は72トークン）: "
        "学習時: [1 <s>] 35 # 35 # 35 #、今回: [なし] 35 # 35 # 35 #）"
    )
    assert "  学習時: [1 <s>] 35 # 35 # 35 #" == in_language(found.diff[1], "ja")
    other_way = compared(f"---\nbos: never\n---\n{COURSE}", COURSE)
    assert ("BOS: never at training, once now",) == other_way.reasons


def test_bos_that_the_tokenizer_of_now_does_not_have() -> None:
    """Its own reason, besides that of the tokenizer."""
    found = compared(COURSE, COURSE, without_bos)
    bos, tokenizer = found.reasons
    assert "BOS: once at training, never now (this tokenizer has none)" == bos
    assert tokenizer.startswith("the tokenizer is another one")


def test_the_place_of_a_wrong_heading() -> None:
    """The mistake of many course notebooks, with the tokens around it; blanks and line ends are visible."""
    found = compared(COURSE, COURSE.replace("指示", "入力"))
    assert ("the text of the prompt differs",) == found.reasons
    assert (
        "from token 6, of 73 at training and 73 now:",
        "  trained: 35 # 35 # 32 ␣ [25351 指 | 31034 示] 10 ⏎ 27425 次 12398 の",
        "  now:     35 # 35 # 32 ␣ [20837 入 | 21147 力] 10 ⏎ 27425 次 12398 の",
    ) == found.diff
    assert not found.another_tokenizer


def test_a_missing_line_end() -> None:
    """At the end of the prompt, where it matters most."""
    found = compared(COURSE, COURSE.removesuffix("\n"))
    assert "  trained: 32 ␣ 22238 回 31572 答 [10 ⏎]" == found.diff[1]
    assert "  now:     32 ␣ 22238 回 31572 答 [nothing]" == found.diff[2]


def test_long_and_many_differences_are_cut() -> None:
    """Two are shown, of each at most twelve tokens; the rest is counted."""
    found = compared(
        "あ{{ input }}い{{ input }}う{{ input }}え", f"{'か' * 40}{{{{ input }}}}き{{{{ input }}}}く{{{{ input }}}}"
    )
    assert 7 == len(found.diff)
    assert "… 28 more]" in found.diff[2]
    assert "and 2 more such differences" == found.diff[6]


def test_another_tokenizer_is_told_from_another_template() -> None:
    """By encoding the very prompt of training again."""
    same = compared(COURSE, COURSE, shifted)
    assert same.another_tokenizer
    [reason] = same.reasons
    assert reason.startswith("the tokenizer is another one")
    both = compared(COURSE, "{{ input }}", shifted)
    assert both.another_tokenizer
    assert "the text of the prompt differs" == both.reasons[1]


def test_messages_against_one_text() -> None:
    """The chat template's own tokens are in the difference."""
    found = compared(COURSE, "---\nformat: chat\n---\n{{ input }}")
    assert ("format: text at training, chat now", "the text of the prompt differs") == found.reasons
    chat = trained(load_template("chat.v1"))
    assert "chat" == chat.format
    again = mismatch(chat, load_template("chat.v1"), shifted)
    assert again is not None
    assert again.reasons[0].startswith("the tokenizer or its chat template is another one")


@pytest.mark.parametrize(
    ("text", "such_as"),
    [
        ("### 指示\n{{ input | trim }}\n### 回答\n", "前後の空白"),
        ("### 指示\n{{ input | truncate(400) }}\n### 回答\n", "1番目の文"),
        ("### 指示\n{{ input[:1500] }}\n### 回答\n", "1番目の文"),
        ("### 指示\n{{ input | replace('　', ' ') }}\n### 回答\n", "前後の空白"),
        ("### 指示\n{{ input }}{% if input | length < 5 %}！{% endif %}\n### 回答\n", "はい"),
        ("### 指示\n{% if input.isdigit() %}数: {% endif %}{{ input }}\n### 回答\n", "42"),
        ("### 指示\n{{ input | replace('\n\n\n', '\n') }}\n### 回答\n", "python"),
        ("### 指示\n{{ input | replace('ｶﾀｶﾅ', 'カタカナ') }}\n### 回答\n", "１２３"),
        ("### 指示\n{{ input | replace('\\r', '') }}\n### 回答\n", "手順"),
        ("### 指示\n{{ input | replace('`', '') }}\n### 回答\n", "python"),
        ("### 指示\n{{ input | replace('*', '') }}\n### 回答\n", "手順"),
        ("### 指示\n{{ input.expandtabs(4) }}\n### 回答\n", "手順"),
        ("### 指示\n{{ input.split('://')[0] }}\n### 回答\n", "手順"),
        ("### 指示\n{{ input | replace('〜', 'から') }}\n### 回答\n", "手順"),
        ("### 指示\n{% for c in input %}{% if c < '🌀' %}{{ c }}{% endif %}{% endfor %}\n### 回答\n", "手順"),
    ],
)
def test_a_template_that_treats_some_instructions_otherwise_is_found(text: str, such_as: str) -> None:
    """Though the first probe shows nothing of it; the reason names an instruction for which it differs."""
    found = compared(COURSE, text)
    assert "the text of the prompt differs" in found.reasons
    assert not found.another_tokenizer
    assert found.reasons[-1].startswith("not for every instruction, but for some, such as ")
    assert such_as in found.reasons[-1]


def test_a_contract_of_one_probe_is_still_read(tmp_path: Path) -> None:
    """As adapters have it that were trained before there were several: it is compared by what it holds."""
    document = json.loads(contract_text(trained(template(COURSE))))
    del document["further"]
    document["schema"] = 1
    (tmp_path / CONTRACT).write_text(json.dumps(document), encoding="utf-8")
    contract = read_contract(tmp_path)
    assert contract is not None
    assert mismatch(contract, template(COURSE), characters) is None
    assert mismatch(contract, template("{{ input }}"), characters) is not None


def test_every_variable_of_training_gets_the_probe() -> None:
    """And one that only the evaluation's template has gets it too."""
    made = template("{{ level }}|{{ input }}")
    contract = trained(made)
    assert {"input": PROBE, "level": PROBE} == contract.probe.inputs
    assert mismatch(contract, made, characters) is None
    assert mismatch(contract, template("{{ other }}|{{ input }}"), characters) is None
    assert mismatch(trained(template("{{ input }}")), template("{{ other }}"), characters) is None


def test_a_template_that_the_probe_cannot_fill_counts_as_another() -> None:
    """It wants a number; the contract cannot vouch for it."""
    found = compared(COURSE, "{{ input }}{{ level * 2.5 }}")
    [reason] = found.reasons
    assert reason.startswith("the two cannot be compared, because this one cannot be filled with the contract's probe")
    assert "cannot be" not in in_language(reason, "ja"), "the error within it has words of its own"
    assert () == found.diff
    assert reason in found.sentence
    with pytest.raises(HarnessError, match="cannot be rendered"):
        trained(template("{{ input }}{{ level * 2.5 }}"))


def test_what_steers_a_terminal_is_not_passed_on() -> None:
    """A contract is a stranger's file."""
    found = compared("\x1b[31m{{ input }}", "{{ input }}")
    hostile = trained(template("x{{ input }}", "a\x1b]0;b\n"))
    named = mismatch(hostile, template("{{ input }}"), characters)
    assert named is not None
    for text in ("\n".join(found.lines), "\n".join(named.lines), found.sentence, named.sentence):
        assert "\x1b" not in text
    assert "\n" not in named.sentence


TEXTS = st.lists(st.sampled_from(["あ", "\n", " ", "#", "{{ input }}", "回"]), max_size=6).map(
    lambda parts: "".join([*parts, "{{ input }}"])
)
POLICIES = st.sampled_from(["once", "never"])


@given(TEXTS, POLICIES, TEXTS, POLICIES)
def test_silence_means_equal_tokens_and_nothing_else(before: str, bos: str, now: str, bos_now: str) -> None:
    """There is a mismatch exactly if a sample would be encoded in two ways; it has a reason, and its line is one."""
    old = template(f"---\nbos: {bos}\n---\n{before}")
    new = template(f"---\nbos: {bos_now}\n---\n{now}")
    found = mismatch(trained(old), new, characters)
    equal = characters(old.render({"input": PROBE})) == characters(new.render({"input": PROBE}))
    assert equal == (found is None)
    if found is not None:
        assert found.reasons
        assert "\n" not in found.sentence
        assert (bos != bos_now) == any(reason.startswith("BOS") for reason in found.reasons)
        assert len(found.diff) in {3, 6, 7}
