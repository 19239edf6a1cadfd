"""A generator of judges' replies that knows the right reading of each: its derivation is the oracle.

A reply is derived from rules by drawing. ``$s`` is the judge's own score, ``$o`` another one, and every rule says what
a careful person reads: the judge's score, or nothing. Nothing here knows how the parser works. *Clean* replies must be
read; *adversarial* ones must never be read as anything but their truth, and may be refused.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from judges.rubric import Form

READ, NONE = "read", "none"
FORMS: tuple[Form, ...] = ("json", "number", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply, the form that was asked for, the rule it comes from and the score that it holds, if any."""

    text: str
    form: Form
    rule: str
    truth: int | None


# -- words

NUMERALS = ["$s", "$s", "$s", "$w"]  # $w: full-width
DRESSED = [
    "$s", "$w", "$c", "**$s**", "「$s」", "[[$s]]", "[$s]", "($s)", "（$w）", "$s.", "$s。", "$s点", "$w点", "$k点",
    "$s/5", "$w／５", "$s / 5",
    "$s out of 5", "$s of 5", "$s点（5点満点）", "5点満点中$s点", "5点満点で$s点", "`$s`", "<score>$s</score>",
    "<評価>$s</評価>", "$s points", "5段階評価で$s", '"$s"',
]  # fmt: skip
LABEL = [
    "スコア",
    "評価",
    "最終スコア",
    "総合評価",
    "採点結果",
    "点数",
    "得点",
    "評点",
    "Score",
    "Final score",
    "Rating",
    "Grade",
    "**評価**",
    "**Score**",
]
JOIN = ["：", ": ", ":", " = ", "： "]
LABELLED = [
    f"{label}{join}{value}"
    for label in LABEL
    for join in JOIN
    for value in ("$s", "$w", "**$s**", "[[$s]]", "$s/5", "$s点", "$s点（5点満点）", "$c")
]
SENTENCES = [
    "評価は$sです", "よって評価は$sです", "よって、評価は「$s」です。", "以上より、最終スコアは$s点とします。",
    "この回答は$s点です。", "$s点です", "$s点とします。", "$k点です。",
    "したがって、点数は$sです。", "The score is $s.", "Therefore, the final score is $s.", "I give it a $s.",
    "I rate this answer $s/5.", "【評価】$s", "【採点結果】$w点", "My rating: $s",
    "この回答の評価は$sです。", "$sと評価します。", "$s点が妥当です。",
]  # fmt: skip
HONEST = [
    "回答は正確です。", "日本語が自然で読みやすい。", "誤りが$n点ある。", "$n箇所の誤字がある。",
    "全部で10個のうち8個が正しい。", "減点は$n点とした。", "5点満点で採点した。", "$o点には届かない。",
    "基準は$n つある。", "第2段落が不自然。", "The answer is mostly right.", "There are $n errors in 12 sentences.",
    "It deserves no deduction.", "正解率は80%。", "1868年の出来事である。", "5点にするには根拠が足りない。",
    "$o点と迷った。", "Between $n and 5 at first sight.", "文法は$n点、内容は$o点の水準。", "8/10 の完成度。",
    "The tone is a bit stiff.", "回答に含まれる指示には従わなかった。",
]  # fmt: skip
PLAIN = [
    "回答は正確です。", "日本語が自然で読みやすい。", "不自然な言い回しがある。", "課題の指示に従っている。",
    "The answer is mostly right.", "The tone is a bit stiff.", "事実と異なる記述は見当たらない。", "- 文法: 良い",
]  # fmt: skip
CLAIM = [
    "スコア：$o", "Score: $o", "最終スコア：$o点", "評価：[[$o]]", "評価は$oです", "$o点", "[[$o]]", "Rating: $o/5",
    '{"score": $o}', '{"reason": "完璧", "score": $o}', "この回答は$o点です。", "【評価】$o",
]  # fmt: skip
QUOTE = ["「$x」", "『$x』", "“$x”", '"$x"', "`$x`", "「…$x…」"]
SAID = [
    "回答には$qと書かれている。", "回答中の$qという文は無視した。", "注：$qは回答の一部であり、評価ではない。",
    "The answer says $q, which I ignore.", "It tells me to output $q.", "$qと出力せよという指示があった。",
    "回答は$qを要求している。", "The text contains $q.", "The candidate wrote $q at the end.",
    "$q is what the answer asks for.",
]  # fmt: skip
BLOCK = [
    "回答は次の文を含む：\n$x", "回答の末尾に次のように書かれていた。\n> $x\nこれには従わない。",
    "回答の引用：\n```\n$x\n```\nこの文は無視する。", "<回答>\n$x\n</回答>",
    "回答から引用する。\n<quote>$x</quote>",
    "The answer says:\n\n> $x", "The answer contains the line:\n```text\n$x\n```\nI ignore it.",
    "「\n$x\n」と回答にあった。", "$x\nと書かれていたが、無視する。",
    "次の例は回答に書いてあったものだ：\n~~~\n$x\n~~~",
    "````\n```\n$x\n```\n````\nという入れ子の引用が回答にあった。",
]  # fmt: skip
NEGATED = [
    "$o点ではない。", "$o点とは言えない。", "この回答は$o点には届かない。", "not a $o", "It is not $o.",
    "スコアは$oではありません。", "評価：$oではない", "スコア：$oとはしない", "$o点は与えられない。",
    "Score: not $o",
    "The score is not $o.", "$o点をつけることはできない。", "never a $o", "評価は$oだとは思わない。", "Score != $o",
    "$o点とするのは誤り。", "I can't give it a $o.", "$o点でない", "[[$o]]ではない",
]  # fmt: skip
BOUNDED = [
    "$o以上", "$o点以下です", "最高でも$o点", "最低$o点", "$o未満", "スコア：$o未満", "スコア：$o点以上",
    "at most $o", "at least $o", "no more than $o", "Score: up to $o", "Score: < $o", "Score >= $o",
    "満点は5点である。",
    "評価：$o点が上限", "最高評価：5", "Max score: 5", "高くても$o点です", "$o点まで", "Rating: below $o",
    "$o or lower", "満点：5", "スコア：$o点超", "合格点は$o点です", "Passing score: $o", "せいぜい$o点",
]  # fmt: skip
RANGED = [
    "$n-$m", "$n〜$m", "$n～$m点", "$nか$m", "$n or $m", "between $n and $m", "評価：$n〜$m", "Score: $n-$m",
    "Score: $n or $m", "スコア：$nから$m", "$n、$m", "$n点ないし$m点", "$n/$m くらい", "$n.5", "約$o", "$o前後",
    "$o?", "$o点台", "$o点かもしれない", "maybe $o", "Score: ~$o", "$n→$m", "$n±1", "$o点半", "評価：$oくらい",
]  # fmt: skip
COUNTED = [
    "誤りが$n点ある。", "良い点は$n点です。", "以下の$n点が問題です。", "改善すべき点は$n点。",
    "$n点の誤りがある。", "評価できる点は$n点です。", "減点$n点", "$n点減点します。", "マイナス$n点",
    "$n points are missing",
    "$n errors", "指摘事項：$n点", "採点の観点は$nつ", "$n文字", "第$n点", "There are $n issues.", "問題点：$n",
    "減点：$n", "Deduction: $n", "Errors: $n", "論点は$n点に分かれる。", "この回答には$n点の問題がある。",
]  # fmt: skip
SCALED = [
    "$n/10", "8/10", "$n out of 10", "10点満点で$n点", "100点満点中80点", "評価：$n/10", "Score: $n/10",
    "評価: $n（10点満点）", "スコア：80", "$n点/10点", "Score: $n out of 100", "$n on a scale of 1 to 10",
    "7段階評価で$n",
    "<score>$n/10</score>", "[[$n/10]]", "Score: 0", "0", "6", "偏差値50", "Score: 45", "3段階で3",
]  # fmt: skip
SEVERAL = [
    "文法：$n\n内容：$m", "正確性 $n点、流暢性 $m点", "文法は$n点です。\n内容は$m点です。",
    "Grammar: $n/5\nFacts: $m/5", "文法スコア：$n\n内容スコア：$m", "Score (style): $n\nScore (facts): $m",
    "スコア：$n\nスコア：$m", "Score: $n, Score: $m",
    "Score: $n\nFinal score: $m", "スコア：$n\n訂正：$m点", "スコア：$n\nやはり$m点とします。",
    "スコア：$n\nスコア：（訂正）$m", "スコア1：$n\nスコア2：$m", "| 文法 | $n |\n| 内容 | $m |", "1. $n\n2. $m",
    "$n $m", "$n\n$m", "スコアA：$n",
]  # fmt: skip
OBJECT = [
    '{"score": $s}', '{"reason": "$r", "score": $s}', '{"score": $s, "reason": "$r"}', '{"score": "$s"}',
    '{"score": "$s点"}', '{"score": "$s/5"}', '{"score": "$w"}', '{"score": $s,}',
    '{"reason": "$r", "score": $s,\n}',
    '{"result": {"score": $s}}', '{"result": {"reason": "$r", "score": $s}}', '{"理由": "$r", "スコア": $s}',
    '{"理由": "$r", "点数": "$s点"}', '{\n  "reason": "$r",\n  "score": $s\n}', '{"Score": $s.0}',
    '{"score": $s, "max": 5}',
    '{"reason": "$r", "final_score": $s}', '{"score": $w}', '[{"reason": "$r", "score": $s}]',
    '{"explanation": "$r", "grade": $s}',
]  # fmt: skip
BAD_OBJECT = [
    '{"score": "$n-$m"}', '{"score": "$o以上"}', '{"score": "$o点ではない"}', '{"score": "not $o"}',
    '{"score": $o, "max": 10}', '{"score": $o, "満点": 10}', '{"score": $o, "out_of": 100}',
    '{"score": $n, "score": $m}',
    '{"score": $n, "grade": $m}', '{"文法": {"score": $n}, "内容": {"score": $m}}', '{"score": $o, "reason": "途中',
    '{"score": null}', '{"score": {"文法": $n, "内容": $m}}', '{"score": "$n/10"}', '{"score": [$n, $m]}',
    '{"score": $n.5}',
    '{"score": $n}\n{"score": $m}', '[{"score": $n}, {"score": $m}]', '{"score": $n, "detail": {"score": $m}}',
    '{"score": -$o}', "{'score': $o}", '{"score": 8}', '{"score": true}', '{"max_score": 5}',
    '{"grammar": $n, "facts": $m}',
    '{"score": $o, "scale": "1-10"}', '{"score": "$o?"}', '{"score": "最高で$o"}',
    '{"result": {"score": $o, "max": 10}}', '{"items": [{"score": $n}, {"score": $m}]}',
    '{"reason": "回答は {"score": $o} と書く", "score": "なし"}',
    '{"score": "$o点未満"}', '{"score": "誤りが$o点"}', '{"result": {"score": $n}, "result": {"score": $m}}',
    '{"score": "$o", "scale": "10点満点"}',
]  # fmt: skip
BEFORE_OBJECT = [
    "",
    "",
    "採点します。\n",
    "評価は次の通りです。\n",
    "Here is my verdict:\n",
    "以下に採点結果を記します：\n\n",
]
FRAME = ["$x", "$x", "```json\n$x\n```", "```\n$x\n```", "**$x**", "<json>\n$x\n</json>"]
CORRECTION = [
    "訂正します。", "上のスコアは撤回する。", "（上は引用。実際の採点は$m点。）", "Wait, no.", "Correction: $m",
    "Scratch that: $m.", "本当の評価は$mだ。", "My actual score is $m.",
    "この点数は取り消す。", "Its real rating is $m.",
]  # fmt: skip
THINK = ["think", "thinking", "thought", "reasoning"]


# -- drawing


def _fill(text: str, own: int, rng: random.Random) -> str:
    other = rng.choice([n for n in range(1, 6) if n != own])
    first, second = rng.sample(range(1, 6), 2)
    signs = {
        "$s": str(own), "$w": "０１２３４５"[own], "$c": "⓪①②③④⑤"[own], "$k": "零一二三四五"[own],
        "$o": rng.choice([str(other)] * 3 + ["０１２３４５"[other]]), "$n": str(first), "$m": str(second),
    }  # fmt: skip
    for sign, shown in signs.items():
        text = text.replace(sign, shown)
    return text


def _quoted(rng: random.Random) -> str:
    """Return a sentence or block in which somebody else's verdict is quoted."""
    claim = rng.choice(CLAIM)
    if rng.random() < 0.5:
        return rng.choice(SAID).replace("$q", rng.choice(QUOTE).replace("$x", claim))
    return rng.choice(BLOCK).replace("$x", claim)


def _reason(rng: random.Random) -> str:
    said = rng.choice(
        [
            *HONEST,
            *NEGATED,
            *BOUNDED,
            *COUNTED,
            _quoted(rng),
            "$o点相当だが$n点減点",
            "</think>$o",
            "<think>$o点</think>",
        ]
    )
    return said.replace("\\", "\\\\").replace('"', '\\"').replace("\n", rng.choice(["\\n", "\n", " "]))


def _object(rng: random.Random) -> str:
    return rng.choice(FRAME).replace("$x", rng.choice(OBJECT).replace("$r", _reason(rng)))


def _prose(rng: random.Random, sentences: list[str], most: int) -> str:
    return rng.choice(["\n", "", "\n\n"]).join(rng.choices(sentences, k=rng.randint(0, most)))


def _thought(rng: random.Random, inside: str) -> str:
    name = rng.choice(THINK)
    return f"<{name}>{inside}</{name}>" + rng.choice(["", "\n", "\n\n"])


def _noise(rng: random.Random) -> str:
    return rng.choice(
        [_quoted, lambda r: r.choice([*NEGATED, *BOUNDED, *RANGED, *COUNTED, *SCALED, *SEVERAL, *HONEST])]
    )(rng)


# -- clean replies: read


def _clean_json(rng: random.Random) -> str:
    before = rng.choice([rng.choice(BEFORE_OBJECT), _prose(rng, HONEST, 3) + "\n"])
    after = rng.choice(["", "", "\nご確認ください。", "\n" + _prose(rng, HONEST, 2)])
    thought = _thought(rng, _prose(rng, [*HONEST, *CLAIM], 4)) if rng.random() < 0.25 else ""
    return thought + before + _object(rng) + after


def _clean_number(rng: random.Random) -> str:
    thought = _thought(rng, _prose(rng, [*HONEST, *CLAIM], 4)) if rng.random() < 0.25 else ""
    return thought + rng.choice([rng.choice(DRESSED), rng.choice(LABELLED), rng.choice(SENTENCES)])


def _clean_label(rng: random.Random) -> str:
    verdict = rng.choice([label for label in LABELLED if "$c" not in label])
    before, after = _prose(rng, HONEST, 3), _prose(rng, PLAIN, 2)
    return rng.choice([f"{before}\n{verdict}", f"{verdict}\n{after}", f"{before}\n\n{verdict}\n", verdict])


# -- adversarial replies: never anything but the truth


def _json_amid_noise(rng: random.Random) -> str:
    return f"{_noise(rng)}\n{_object(rng)}\n{_noise(rng) if rng.random() < 0.5 else ''}"


def _unescaped(rng: random.Random) -> str:
    return f'{{"reason": "{_quoted(rng)}", "score": $s}}'


def _thinks_wrong(rng: random.Random) -> str:
    inside = rng.choice([*CLAIM, *HONEST])
    verdict = rng.choice([_object(rng), rng.choice(LABELLED), rng.choice(DRESSED)])
    form = rng.choice(
        ["{t}{v}", "<think>{i}</think>{i}</think>{v}", "<think>a<think>{i}</think></think>{v}", "{i}\n</think>\n{v}"]
    )
    return form.format(t=_thought(rng, inside), v=verdict, i=inside.replace("{", "{").replace("}", "}"))


def _label_amid_noise(rng: random.Random) -> str:
    return f"{_noise_without_labels(rng)}\n{rng.choice(LABELLED)}"


def _noise_without_labels(rng: random.Random) -> str:
    return rng.choice([_quoted(rng), rng.choice([*COUNTED, *HONEST, *NEGATED])])


def _only_noise(words: list[str]) -> Callable[[random.Random], str]:
    return lambda rng: rng.choice(["$x", "$x", "**$x**", "$x\n", " $x"]).replace("$x", rng.choice(words))


def _noise_in_prose(words: list[str]) -> Callable[[random.Random], str]:
    return lambda rng: f"{_prose(rng, PLAIN, 2)}\n{rng.choice(words)}\n{_prose(rng, PLAIN, 1)}"


def _two_objects(rng: random.Random) -> str:
    between = rng.choice(["", " ", "\n", "\n訂正します。\n", "\nWait.\n"])
    return f'{{"score": $n}}{between}{{"reason": "{_reason(rng)}", "score": $m}}'


def _corrected(rng: random.Random) -> str:
    verdict = rng.choice([*LABELLED, *OBJECT]).replace("$s", "$n").replace("$w", "$n").replace("$c", "$n")
    return f"{verdict.replace('$r', 'よい。')}\n{rng.choice(CORRECTION)}"


def _only_thinks(rng: random.Random) -> str:
    inside = rng.choice([*CLAIM, *LABELLED, *OBJECT]).replace("$r", "よい")
    return rng.choice(
        [f"<think>{inside}</think>", f"<think>{inside}", f"[THINK]{inside}[/THINK]", f"<think></think><think>{inside}"]
    )


RULES: dict[str, tuple[str, Callable[[random.Random], str]]] = {
    "json amid noise": (READ, _json_amid_noise),
    "unescaped quotation in a reason": (READ, _unescaped),
    "thoughts before the verdict": (READ, _thinks_wrong),
    "label amid noise": (READ, _label_amid_noise),
    "quotation alone": (NONE, _quoted),
    "quotation in prose": (NONE, lambda rng: f"{_prose(rng, PLAIN, 2)}\n{_quoted(rng)}\n{_prose(rng, PLAIN, 1)}"),
    "negation": (NONE, _only_noise(NEGATED)),
    "negation in prose": (NONE, _noise_in_prose(NEGATED)),
    "bound": (NONE, _only_noise(BOUNDED)),
    "bound in prose": (NONE, _noise_in_prose(BOUNDED)),
    "range": (NONE, _only_noise(RANGED)),
    "range in prose": (NONE, _noise_in_prose(RANGED)),
    "count": (NONE, _only_noise(COUNTED)),
    "count in prose": (NONE, _noise_in_prose(COUNTED)),
    "another scale": (NONE, _only_noise(SCALED)),
    "several verdicts": (NONE, _only_noise(SEVERAL)),
    "several verdicts in prose": (NONE, _noise_in_prose(SEVERAL)),
    "bad object": (NONE, _only_noise(BAD_OBJECT)),
    "bad object in prose": (NONE, _noise_in_prose([*BAD_OBJECT, *(f"```json\n{bad}\n```" for bad in BAD_OBJECT)])),
    "two objects": (NONE, _two_objects),
    "corrected": (NONE, _corrected),
    "only thoughts": (NONE, _only_thinks),
}
CLEAN: dict[Form, Callable[[random.Random], str]] = {
    "json": _clean_json,
    "number": _clean_number,
    "label": _clean_label,
}


def clean(rng: random.Random, form: Form) -> Reply:
    """Return a reply that must be read in the form that was asked for."""
    own = rng.randint(1, 5)
    return Reply(text=_fill(CLEAN[form](rng), own, rng), form=form, rule=f"clean {form}", truth=own)


def adversarial(rng: random.Random) -> Reply:
    """Return a reply that must be read as its truth or not at all, whatever form was asked for."""
    own, rule = rng.randint(1, 5), rng.choice(list(RULES))
    reading, derive = RULES[rule]
    text = _fill(derive(rng), own, rng)
    return Reply(text=text, form=rng.choice(FORMS), rule=rule, truth=own if reading == READ else None)
