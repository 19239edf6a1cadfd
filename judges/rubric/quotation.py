"""Whether a verdict that stands in a text is the judge's own, or one that the judge quotes, negates or shows.

Only ever a reason to refuse: an answer need not fool a judge to be scored by its own words, it need only be quoted.
"""

import re

_BRACKETS = (
    *(("「", "」"), ("『", "』"), ("｢", "｣"), ("“", "”"), ("‘", "’"), ("〝", "〟"), ("«", "»"), ("《", "》")),
    *(("‹", "›"), ("<!--", "-->")),
)
_INDENT = 20  # characters
_CODE = ("    ", "\t")  # what the line of an indented block begins with
_ELEMENT = re.compile(r"<(?P<close>/?)(?P<name>[^\W\d][\w-]{0,30})(?:[ \t][^<>\n]{0,80})?>")
_OWN_ELEMENTS = re.compile(
    r"(?:json|score|output|result|results|evaluation|verdict|judg\w*|grading|final|評価|採点|結果|出力|\w*スコア)\Z",
    re.IGNORECASE,
)
FENCE = re.compile(r"(?:`{3,}|~{3,})[\w-]*")
"""What opens or closes a block of code."""
_STOPS = tuple("。.!?！？;；>)）]】")
_LONGEST_DRESS = 1_000
_DRESS = re.compile(r"[\s*_`\"'「」『』“”().。:：]*")
# An apostrophe stands between letters of a Latin word, or at its end (students'); kana and kanji have none.
_SINGLE = re.compile(r"['＇]")
_LATIN = re.compile(r"[A-Za-z0-9\u00c0-\u024f]")

# What a reply may begin with that holds nothing else: a heading over the judge's own reply.
_LEAD = re.compile(
    r"[\s*_#]*(?:(?:(?:my|the)\s+)?(?:final\s+)?(?:answer|response)|(?:最終)?(?:回答|解答|応答))[\s*_]*[:：][\s*_]*"
    r"|\s*<(?:answer|response)>\s*",
    re.IGNORECASE,
)
_LEAD_END = re.compile(r"\s*</(?:answer|response)>\s*\Z", re.IGNORECASE)

# The end of the clause before a verdict, where it says that others wrote what follows, or that it is not so.
_FILLER = (
    r"(?:[\W_]|\b(?:the|an?|this|that|its?|own|following|text|lines?|json|string|sentence|instruction|words?|phrase|verdict"
    r"|score|rating|object|in|at|end|of|answer|response|me|us|you|judge|grader|to|output|give|return|print|write|assign)\b)*\Z"
)
_INTRODUCES = re.compile(
    r"書か|書いて|書き込|記され|とあ[るりっ]|述べて|主張|求めて|要求して|命令|引用|挿入|埋め込|例えば|たとえば|ではなく\W*\Z"
    r"|(?:次の|以下の|下記の|こう|このよう)[^。]*(?:含[まむみん]|があ[るりっ])"
    r"|\b(?:says?|said|states?|wr[io]t\w*|contain\w*|includ\w*|claim\w*|instruct\w*|ask\w*|tells?|told|quot\w*|inject\w*"
    rf"|demand\w*|embed\w*|insert\w*|append\w*|e\.g|for example|such as|instead of|rather than|not|never)\b{_FILLER}",
    re.IGNORECASE,
)
# What an answer is made of, or an example; and what a verdict is called.
_ANSWER = r"回答文?(?!し|いた)|解答|応答|答案|本文|受験者|候補|answer|response|candidate|student|submission"
_PARTS = (
    r"文章|文|末尾|最後|最終行|行|指示|命令|プロンプト|入力|例|形式|フォーマット"
    r"|text|line|sentence|prompt|instruction|input|example|format|template|sample"
)
_NAMES_OTHERS = re.compile(_ANSWER, re.IGNORECASE)
_ENDS_WITH_OTHERS = re.compile(
    rf"(?:{_ANSWER}|{_PARTS})(?:の内容|の末尾|から|より|中|内|は|に|では)?\W*\Z", re.IGNORECASE
)
_HEADING = re.compile(rf"\W*(?:the\s+)?(?:{_ANSWER})(?:の?(?:引用|抜粋|全文|本文|内容))?\W*", re.IGNORECASE)
_POINTS_ON = re.compile(
    r"(?:次|以下|下記)の?(?:とおり|通り|よう)\S{0,8}\Z|(?:ここから|始まる?|始め)\W*\Z"
    r"|\b(?:as follows|the following|this|below|here|begin\w*|starts?|quoted?)\b\W*(?:\w+\W*)?\Z",
    re.IGNORECASE,
)
_NAMES_VERDICT = re.compile(
    r"評価|採点|スコア|点数|評点|得点|判定|結果|結論|json|score|rating|evaluat|verdict|grad(?:e|ing)|assess|judg|result",
    re.IGNORECASE,
)
# The words after a verdict, where they say the same, or that it is a bound or one of two.
_DISOWNS = re.compile(
    r"と(?:い[うっえ]|書|あ[りるっ]|記|主張|要求|指示|命令|述べ|求め|出力(?:せ|する(?:よう|こと))|の(?:文|記述|指示|命令|要求))|とは"
    r"|という|って|なんて|ではな[いく]|ではありませ|でない|以上(?![でのがに、。\s]|\Z)|以下(?![のにが、])|未満|か[\s、。]"
    r"|が(?:書|含ま|あ[りるっ]|記さ|挿入|埋め込)|または|もしくは|あるいは|いや"
    r"|は(?:回答に|回答の一部|誤り|間違い|無視|不適切|引用|注入|採点では|評価では)"
    r"|(?:これ|上記|この(?:JSON|文|行|指示|スコア|点数))は[^。\n]{0,20}"
    r"(?:回答(?:に[書含あ記]|中|の[文一引]|から)|引用|無視|注入|従わ|例です)"
    r"|(?:is|was|are)(?:n't| (?:not|what|in|from|part|written|quoted|injected|ignored|an? (?:quot|inject|exampl)))"
    r"|appears? (?:in|at)|(?:which|that) (?:is|was|the|i )|as (?:instruct|demand)|or\b"
    r"|and (?:i|we) (?:ignor|disregard|will not|won't|did not)"
    r"|(?:this|that|it|the above)\b[^.\n]{0,30}(?:quot|inject|ignor|exampl|from the|in the answer|not my)",
    re.IGNORECASE,
)
_OWN = re.compile(r"\bmy\b|私の|当方の", re.IGNORECASE)
# What says near a verdict that another one is meant.
_CORRECTS = re.compile(
    r"訂正|撤回|取り消|(?:実際|本当|真|正しい|本来)の?(?:採点|評価|スコア|点数)|scratch that|correction|retract"
    r"|\b(?:actual|real|true|correct|own)\s+(?:score|rating|verdict|grade)|\bwait\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"[ \t*_`]*[/~〜～-][ \t]*[0-9]")  # {"score": 4}/10


def is_quoted(text: str, start: int, end: int) -> bool:
    """Return whether what stands at ``start`` to ``end`` is quoted, negated or given as an example.

    JSON objects in ``text`` must be blanked out, so that no quotation mark inside them counts.

    >>> text = "回答には「スコア:5」とありました。"
    >>> is_quoted(text, 5, 10), is_quoted("スコア:5", 0, 5)
    (True, False)
    """
    before, after = text[:start], text[end:]
    if (_is_dress(before) or _LEAD.fullmatch(FENCE.sub("", before[:_LONGEST_DRESS]))) and _is_dress(
        _LEAD_END.sub("", after)
    ):
        return False
    if text.startswith(_CODE, start):
        return True
    near = FENCE.sub("", f"{before[-200:]}\n{after[:200]}")
    return (
        is_enclosed(text, start, end)
        or _is_introduced(before)
        or _is_disowned(after)
        or _CORRECTS.search(near) is not None
    )


def _is_dress(text: str) -> bool:
    return len(text) < _LONGEST_DRESS and _DRESS.fullmatch(FENCE.sub("", text)) is not None


def is_enclosed(text: str, start: int, end: int) -> bool:
    """Return whether a place stands in quotation marks, in a quoting line or in a quoting element.

    A quotation mark that is never closed quotes no further than its paragraph.
    """
    before, after = text[:start], text[end:]
    paragraph = before[before.rfind("\n\n") + 1 :]
    for opener, closer in _BRACKETS:
        if before.count(opener) > before.count(closer) and (
            after.count(closer) > after.count(opener) or paragraph.count(opener) > paragraph.count(closer)
        ):
            return True
    line = FENCE.sub("", before[before.rfind("\n") + 1 :])
    if sum(map(paragraph.count, '"＂')) % 2 or len(re.findall("`+", line)) % 2 or line.lstrip().startswith(">"):
        return True
    if _in_single_marks(paragraph, text[start : start + 1]):
        return True
    elements, stop = list[str](), len(before.rstrip())
    for tag in _ELEMENT.finditer(before):
        name = tag["name"].lower()
        if not tag["close"]:
            lead = before[max(0, tag.start() - _INDENT) : tag.start()]
            begins = not lead.rpartition("\n")[2].strip() and ("\n" in lead or len(lead) < _INDENT)
            elements += [name] if begins or tag.end() >= stop else []  # else it is only named in a sentence
        elif elements and elements[-1] == name:
            elements.pop()
    return line.startswith(_CODE) or any(not _OWN_ELEMENTS.match(name) for name in elements)


def _in_single_marks(paragraph: str, following: str) -> bool:
    """Return whether a single quotation mark is open at the end of what stands before a place.

    ``following``: the character at the place. A mark opens where no Latin letter or digit stands before it and no space
    behind it, and closes where no space stands before it and no Latin letter behind it; one that could do both does
    what is due.
    """
    text, is_open = paragraph + following, False
    for mark in _SINGLE.finditer(paragraph):
        before, behind = text[max(0, mark.start() - 1) : mark.start()], text[mark.end() : mark.end() + 1]
        if is_open:
            is_open = not before.strip() or _LATIN.match(behind) is not None
        else:
            is_open = bool(behind.strip()) and _LATIN.match(before) is None
    return is_open


def _is_introduced(before: str) -> bool:
    """Return whether the clause before says that others wrote what follows, or goes on into it without a verdict."""
    near = FENCE.sub("", before[-400:])
    lead = near.rstrip(" \t*_`\"'「『“(\n")
    continues = "\n" not in near[len(lead) :]
    announces = lead.endswith((":", "："))
    clause = re.split(r"[。.!?！？\n;；]", lead.rstrip("。.:："))[-1].strip(" \t-*#>")
    if not re.search(r"\w", clause):
        return False
    names_verdict = _NAMES_VERDICT.search(clause) is not None
    if _HEADING.fullmatch(clause):
        return True
    if _POINTS_ON.search(clause) and _NAMES_OTHERS.search(clause) and not names_verdict:
        return True
    if continues and not announces and not lead.endswith(_STOPS):
        return not names_verdict or _INTRODUCES.search(clause) is not None
    shows_others = _ENDS_WITH_OTHERS.search(clause) is not None and not _OWN.search(clause)
    return announces and (shows_others or _INTRODUCES.search(clause) is not None)


def _is_disowned(after: str) -> bool:
    follows = FENCE.sub("", after[:400]).lstrip(" \t*_`\"'」』”()（）,、.←\n")
    return _DISOWNS.match(follows) is not None or _GOES_ON.match(after) is not None
