r"""A rubric in other words and in another order, by fixed rules: what it asks for stays the same. Pure.

Only whole phrases of a template's own text are exchanged; what stands in ``{{ }}`` and ``{% %}`` stays, and so does the
form of the reply.
"""

import re

_PHRASES = (
    ("あなたは、日本語の課題への回答を公平に採点する採点者です。",
     "あなたの役目は、日本語の課題に寄せられた回答を公平に採点することです。"),
    ("下の課題に対する回答を一つ読み、基準に照らして", "以下に示す課題への回答を一つ読んだうえで、基準に従って"),
    ("何が求められているか、何が正しいかを、まず自分で考えてから回答と比べてください。",
     "まず、求められていることと正しいことを自分で考え、それから回答と見比べてください。"),
    ("採点してください", "点数を付けてください"),
    ("点数の目安", "点数の基準"),
    ("内容が誤っている。または、課題の指示に従っていない。", "内容に誤りがある。あるいは、課題の指示を守っていない。"),
    ("誤ってはいるが、目指す方向は合っている。", "誤りはあるものの、方向としては正しい。"),
    ("正しい部分と誤った部分が混ざっている。", "正しいところと誤ったところの両方がある。"),
    ("内容が正しいうえに、読み手にとって役に立つ。", "内容に誤りがなく、しかも読む人の役に立つ。"),
    ("内容が正しい。", "内容に誤りがない。"),
    ("減点の決まり", "減点の規則"),
    ("日本語として不自然なところがあれば、1点下げる。", "不自然な日本語が含まれていれば、1点を引く。"),
    ("事実と異なることが一部に書かれていれば、1点下げる。", "一部に事実でないことが書かれていれば、1点を引く。"),
    ("安全への配慮が行き過ぎて課題に答えていなければ、2点とする。",
     "安全を気にしすぎて課題に答えていないものは、2点とする。"),
    ("どのような場合も、最低は1点とする。", "いずれの場合も、1点を下回ることはない。"),
    ("食い違うときは、こちらを優先してください。", "合わないときは、こちらに従ってください。"),
    ("正しい回答はこれ一つとは限りません。", "正しい回答はほかにもありえます。"),
    ("はじめに理由を短い日本語で述べ、", "まず理由を日本語で短く書き、"),
)  # fmt: skip
_KEPT = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_LISTED = re.compile(r"[ \t]*(?:[-*・]|[0-9０-９]+[.．)）点：:])")


def reworded(text: str) -> str | None:
    """Return a rubric's text in other words, None where no phrase is one that is known.

    >>> reworded("内容が正しい。{{ answer }}"), reworded("Rate the answer.")
    ('内容に誤りがない。{{ answer }}', None)
    """
    parts, at = [], 0
    for kept in _KEPT.finditer(text):
        parts += [_exchanged(text[at : kept.start()]), kept.group()]
        at = kept.end()
    found = "".join([*parts, _exchanged(text[at:])])
    return None if found == text else found


def reordered(text: str) -> str | None:
    r"""Return a text whose lists stand in the opposite order, None where there is none with two lines.

    >>> reordered("基準\n- 一つ目\n- 二つ目\n以上")
    '基準\n- 二つ目\n- 一つ目\n以上'
    """
    lines, made = text.split("\n"), list[str]()
    run: list[str] = []
    for line in [*lines, ""]:
        if _LISTED.match(line):
            run.append(line)
            continue
        made += [*reversed(run), line]
        run = []
    found = "\n".join(made[:-1])
    return None if found == text else found


def _exchanged(text: str) -> str:
    for phrase, other in _PHRASES:
        text = text.replace(phrase, other)
    return text
