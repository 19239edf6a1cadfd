"""The prompt contract: what an adapter was trained with, and whether a prompt gives it the same tokens.

Training writes the contract into the adapter's folder; evaluation fills its own template with the same probe and
compares token ids. Texts are not compared: two templates that become the same tokens are the same prompt, and one
template that becomes others (another tokenizer, another chat template) is not.
"""

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

from harness.codec import decode
from harness.errors import HarnessError, InputError
from harness.locale import clauses, joined, tr
from harness.tables import parse_json
from harness.tables.files import read_text
from harness.templates import Template
from harness.types import Probe, PromptContract, RenderedPrompt, SpecialToken

CONTRACT = "prompt_contract.json"
PROBE = "次の2つの言葉を使って、短い文を1つ書いてください。\n- Tokyo & <東京>\n- 「はい」とだけ答えないで？"
"""An instruction in which everything would show that a template may change: line ends, marks, digits, both scripts."""
_MARKED = (
    "## 手順\r\n1.  **太字**と_斜体_\t~~誤~~\r\n  - [表](https://example.jp/?a=1&b=2#c)\n| 値 |\n"
    "C:\\tmp $x^2$ が・ヴ〜～－😀👨\u200d👩 ©€"
)
FURTHER = (
    "はい",
    "42",
    "　前後の空白　\n",
    "１２３ＡＢＣ：ｶﾀｶﾅ“引用”…",
    "ABC abc Straße été",
    "```python\nprint('{{ x }}', \"{% y %}\")\n```\n### 回答\n1. a\n\n\n2. b",
    "".join(f"{number}番目の文です。" for number in range(1, 201)),
    _MARKED,
)
"""Instructions that a template may treat otherwise than others: very short or long, a number, with blanks around them,
in forms that are folded or cased, with what looks like a template or like the prompt's own lines, with marks of
Markdown, addresses, Windows' line ends and emoji."""
ANSWER = "東京 (Tokyo) は日本の首都です。\n人口は約1,400万人です。"

Tokens = Sequence[tuple[int, str]]
TokensOfPrompt = Callable[[RenderedPrompt], Tokens]
"""Gives the ids of a prompt, each with its text; see `harness.protocols.ShowsTokens`."""

_CONTEXT = 3  # equal tokens shown on each side of a difference
_HUNKS = 2  # differences shown; what follows them is counted
_SPAN = 12  # most differing tokens shown of one difference
_LONGEST = 24  # characters shown of one token
_LARGEST = 4_000_000  # bytes of a contract: a template of the largest size allowed, and its tokens
_PROBLEMS = 300  # characters shown of what is wrong with a contract
_HASH = 12  # digits shown of a sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """How a prompt differs from an adapter's contract.

    ``trained`` and ``asked`` name the two templates with their hashes, ``reasons`` say in words what differs, ``diff``
    shows the tokens around the first differences, a line each, and ``first`` those of the first in one line.
    ``another_tokenizer``: no template could give the tokens of training.
    """

    trained: str
    asked: str
    reasons: tuple[str, ...]
    diff: tuple[str, ...]
    first: str = ""
    another_tokenizer: bool = False

    @property
    def sentence(self) -> str:
        """The whole in one line, for a report."""
        return tr(
            "trained with {trained}, asked with {asked}: {names}{where}",
            trained=self.trained,
            asked=self.asked,
            names=clauses(self.reasons),
            where=self.first,
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """The same in several lines, for a terminal."""
        head = (tr("trained with {name}", name=self.trained), tr("asked with   {name}", name=self.asked))
        return (*head, *(joined(["-", reason], " ") for reason in self.reasons), *self.diff)


def make_contract(
    template: Template,
    *,
    tokens: TokensOfPrompt,
    answer_tokens: Callable[[RenderedPrompt, str], Tokens],
    chat_template: str | None = None,
) -> PromptContract:
    """Return the contract of a training.

    Args:
        template: The template that every training prompt is filled with.
        tokens: Gives the tokens of a prompt as training encodes it.
        answer_tokens: Gives the tokens of an answer as training encodes it after a prompt, the one that ends it last.
        chat_template: What writes messages in place of the base's own chat template, if anything does.

    Raises:
        HarnessError: the template cannot be filled with text alone, or the prompt cannot be encoded.
    """
    first = _probe(template, PROBE, tokens)
    bos = _bos(first.rendered, tokens)
    answer = answer_tokens(first.rendered, ANSWER)
    eos = answer[-1]
    return PromptContract(
        schema=2 if chat_template is None else 3,
        template=template.name,
        template_sha256=template.sha256,
        template_text=template.text,
        bos=SpecialToken(
            policy=first.rendered.bos, token=None if bos is None else bos[1], id=None if bos is None else bos[0]
        ),
        eos=SpecialToken(policy="after every answer", token=eos[1], id=eos[0]),
        probe=replace(first, answer=ANSWER, answer_ids=tuple(_ids(answer))),
        further=tuple(_probe(template, text, tokens) for text in FURTHER),
        chat_template=chat_template,
    )


def contract_text(contract: PromptContract) -> str:
    """Return the content of `CONTRACT`: JSON with one line for each entry, so that token ids stay on one line."""
    document = asdict(contract)
    probe, further = document.pop("probe"), document.pop("further")
    if contract.chat_template is None:
        del document["chat_template"]  # which an earlier version of the harness would refuse
    head = [f" {_json(key)}: {_json(value)}" for key, value in document.items()]
    body = ",\n".join(f"  {_json(key)}: {_json(value)}" for key, value in probe.items())
    others = ",\n".join(f"  {_json(other)}" for other in further)
    parts = [*head, f' "probe": {{\n{body}\n }}', f' "further": [\n{others}\n ]']
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read_contract(folder: Path) -> PromptContract | None:
    """Return the contract in an adapter's folder, or None if there is none.

    Raises:
        InputError: the file is there and cannot be used; nothing is guessed from a part of it.
    """
    path = folder / CONTRACT
    if not path.exists() and not path.is_symlink():
        return None
    try:
        text = read_text(path, most=_LARGEST)
        parse_json(text)  # refuses what the codec would pass over: a name with two values
    except InputError as error:
        raise _damaged(error.message.removeprefix(f"{path}: "), path) from error
    except ValueError as error:
        raise _damaged(f"not a prompt contract: {error}", path) from error
    try:
        return decode(PromptContract, text, where=str(path))
    except InputError as error:
        problems = str(error).removeprefix(f"{path}: ")
        if len(problems) > _PROBLEMS:
            problems = f"{problems[:_PROBLEMS]} …"
        raise _damaged(f"not a prompt contract: {problems.rstrip('.')}", path) from error


def mismatch(contract: PromptContract, template: Template, tokens: TokensOfPrompt) -> Mismatch | None:
    """Return how the tokens of an evaluation's prompt differ from those of training, or None if they do not.

    Args:
        contract: What the adapter was trained with.
        template: The template that the evaluation asks with.
        tokens: Gives the tokens of a prompt as the evaluation encodes it.

    Raises:
        HarnessError: the tokenizer cannot be loaded, or refuses the prompt.
    """
    trained = f"{contract.template} (sha256 {contract.template_sha256[:_HASH]})"
    asked = f"{template.name} (sha256 {template.sha256[:_HASH]})"
    for probe in (contract.probe, *contract.further):
        try:
            rendered = template.render(_inputs(template, probe.inputs))
        except HarnessError as error:
            reason = tr(
                "the two cannot be compared, because this one cannot be filled with the contract's probe: {error}",
                error=error.message,
            )
            return Mismatch(trained=_shown(trained), asked=_shown(asked), reasons=(reason,), diff=())
        before = list(zip(probe.prompt_ids, probe.prompt_tokens, strict=True))
        now = list(tokens(rendered))
        if _ids(before) == _ids(now):
            continue
        same_tokenizer = list(probe.prompt_ids) == _ids(tokens(probe.rendered))
        bos = _bos(rendered, tokens)
        hunks = _hunks(before, now)
        return Mismatch(
            trained=_shown(trained),
            asked=_shown(asked),
            reasons=tuple(_reasons(contract, probe, rendered, now, bos, same=same_tokenizer)),
            diff=tuple(_diff(hunks)),
            first=tr(" ({place} trained: {before}; now: {now})", **hunks[0]._asdict()),
            another_tokenizer=not same_tokenizer,
        )
    return None


def _probe(template: Template, text: str, tokens: TokensOfPrompt) -> Probe:
    inputs = _inputs(template, {"input": text})
    rendered = template.render(inputs)
    encoded = tokens(rendered)
    return Probe(
        inputs=inputs,
        rendered=rendered,
        prompt_ids=tuple(number for number, _ in encoded),
        prompt_tokens=tuple(shown for _, shown in encoded),
    )


def _inputs(template: Template, known: Mapping[str, str]) -> dict[str, str]:
    """Return a probe's inputs, with its instruction for every further variable of a template."""
    return dict.fromkeys(sorted(template.variables | {"input"}), known.get("input", PROBE)) | dict(known)


def _bos(rendered: RenderedPrompt, tokens: TokensOfPrompt) -> tuple[int, str] | None:
    """Return the BOS token, or None if the tokenizer has none."""
    with_bos, without = tokens(replace(rendered, bos="once")), tokens(replace(rendered, bos="never"))
    return None if _ids(with_bos) == _ids(without) else with_bos[0]


def _reasons(
    contract: PromptContract,
    probe: Probe,
    rendered: RenderedPrompt,
    now: Tokens,
    bos: tuple[int, str] | None,
    *,
    same: bool,
) -> Iterator[str]:
    starts = contract.bos.id == probe.prompt_ids[0], bos is not None and _ids(now)[:1] == [bos[0]]
    if starts[0] != starts[1]:
        then, today = ("once" if start else "never" for start in starts)
        said = tr("BOS: {then} at training, {today} now", then=then, today=today)
        yield tr("{said} (this tokenizer has none)", said=said) if bos is None else said
    if not same:
        what = "tokenizer" if contract.format == "text" else tr("tokenizer or its chat template")
        yield tr(
            "the {what} is another one: the very text of training becomes other tokens (a base of another version?)",
            what=what,
        )
    if contract.format != rendered.format:
        yield tr("format: {format} at training, {format_2} now", format=contract.format, format_2=rendered.format)
    if _words(rendered) != _words(probe.rendered):
        yield tr("the text of the prompt differs")
    if probe is not contract.probe:
        shown = probe.inputs["input"]
        yield tr("not for every instruction, but for some, such as {shown!r}", shown=_shown(shown[:_LONGEST]))


def _words(rendered: RenderedPrompt) -> tuple[object, ...]:
    return rendered.messages, rendered.text_form


class _Hunk(NamedTuple):
    """Where two prompts part, in words, and the tokens of each around it."""

    place: str
    before: str
    now: str


def _hunks(before: Sequence[tuple[int, str]], now: Sequence[tuple[int, str]]) -> list[_Hunk]:
    matcher = difflib.SequenceMatcher(None, _ids(before), _ids(now), autojunk=False)
    changed = [span for kind, *span in matcher.get_opcodes() if kind != "equal"]
    return [
        _Hunk(
            place=tr(
                "from token {value}, of {n_before} at training and {n_now} now:",
                value=min(start, other_start) + 1,
                n_before=len(before),
                n_now=len(now),
            ),
            before=_window(before, start, end),
            now=_window(now, other_start, other_end),
        )
        for start, end, other_start, other_end in changed
    ]


def _diff(hunks: Sequence[_Hunk]) -> Iterator[str]:
    for hunk in hunks[:_HUNKS]:
        yield hunk.place
        yield tr("  trained: {tokens}", tokens=hunk.before)
        yield tr("  now:     {tokens}", tokens=hunk.now)
    if len(hunks) > _HUNKS:
        yield tr("and {value} more such differences", value=len(hunks) - _HUNKS)


def _window(tokens: Tokens, start: int, end: int) -> str:
    """Return the tokens of a difference in brackets, with those around it."""
    left, right = [_token(token) for token in tokens[max(0, start - _CONTEXT) : start]], tokens[end : end + _CONTEXT]
    inner = [_token(token) for token in tokens[start : min(end, start + _SPAN)]]
    if end - start > _SPAN:
        inner.append(tr("… {n} more", n=end - start - _SPAN))
    bracket = joined(["[", joined(inner or [tr("nothing")], " | "), "]"], "")
    return joined([*left, bracket, *(_token(token) for token in right)], " ")


def _token(token: tuple[int, str]) -> str:
    number, text = token
    text = _shown(text.replace("\n", "⏎").replace(" ", "␣"))
    return f"{number} {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"


def _shown(text: str) -> str:
    """Return text without what steers a terminal: an adapter's contract is a stranger's."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _ids(tokens: Tokens) -> list[int]:
    return [number for number, _ in tokens]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _damaged(problem: str, path: Path) -> InputError:
    return InputError(
        f"{_shown(problem)}.",
        path=path,
        hint=tr("Copy the file anew, or train again. Without the file, reports call the training prompt unknown."),
    )
