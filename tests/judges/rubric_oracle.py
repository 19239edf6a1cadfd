"""The reply grammar read a second time, with no code in common with the parser: characters and loops, no patterns.

It follows the sentences of the contract (JSON, fenced or in prose; digits alone; 4/5; labels with words before them;
the last JSON score or labelled verdict wins; 4点 where neither exists; whole numbers on the scale only; no last line
with two different values) and is, where the sentences leave room, the *more generous* reader: whatever the parser
scores must be among the scores that this allows.
"""

import json

LABELS = ("score", "grade", "rating", "スコア", "評価点", "評価", "評点", "点数", "得点", "採点")
DIGITS = "0123456789"
BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
SHOWN = "\x01"  # around the score of a JSON object that has been read


def read(reply: str, scale: tuple[float, ...] = (1, 2, 3, 4, 5)) -> set[float]:
    """Return the scores that the grammar allows for a reply; none if it must be refused."""
    objects, text = _take_objects(_without_thoughts(reply), scale[-1])
    text = _narrow(text)
    verdicts = objects + _labelled(text, scale[-1])
    lines = [line for line in text.split("\n") if any(character.isalnum() for character in line)]
    if lines and len(_numbers(lines[-1], scale[-1])) > 1:
        return set()
    if verdicts:
        last = max(position for position, _ in verdicts)
        found = {score for position, score in verdicts if position == last}
    elif (alone := _value(text.strip(), scale[-1])) is not None:
        found = {alone}
    else:
        found = {_trailing_number(part) for part in text.split("点")[:-1]}
    return {score for score in found if score is not None and score in scale}


def _narrow(text: str) -> str:
    out = ""
    for character in text:
        if "！" <= character <= "～":
            out += chr(ord(character) - ord("！") + ord("!"))
        elif character in "\u3000\xa0":
            out += " "
        else:
            out += "\n" if character in BREAKS else character
    return out


def _without_thoughts(text: str) -> str:
    names = ("think", "thinking", "thought", "thoughts", "reasoning")
    while True:
        low = text.lower()
        tags = sorted((low.find(f"<{mark}{name}>"), name, mark) for name in names for mark in ("", "/"))
        tags = [tag for tag in tags if tag[0] >= 0]
        if not tags:
            return text
        start, name, mark = tags[0]
        if mark:
            text = text[start + len(name) + 3 :]
            continue
        end = low.find(f"</{name}>", start)
        text = text[:start] + ("\n" + text[end + len(name) + 3 :] if end >= 0 else "")


def _take_objects(text: str, high: float) -> tuple[list[tuple[int, float | None]], str]:
    """Return the scores of all JSON objects by position, and the text with each object blanked but for its score."""
    verdicts: list[tuple[int, float | None]] = []
    index = text.find("{")
    while index >= 0:
        end = _object_end(text, index)
        try:
            loaded = json.loads(text[index:end], strict=False, object_pairs_hook=list) if end else None
        except ValueError:
            loaded = None
        if loaded is None:
            index = text.find("{", index + 1)
            continue
        shown = ""
        for key, value in loaded:
            if key.strip().lower() in LABELS:
                token = "" if isinstance(value, bool) or value is None else _narrow(str(value)).strip()
                twice = len({str(other) for name, other in loaded if name.strip().lower() in LABELS}) > 1
                verdicts.append((index, None if twice else _value(token, high)))
                shown = SHOWN + token + SHOWN if _value(token, high) is not None else ""
        text = text[:index] + shown.ljust(end - index, SHOWN) + text[end:]
        index = text.find("{", end)
    return verdicts, text


def _object_end(text: str, start: int) -> int:
    """Return where the braces that open at ``start`` close, minding strings; 0 if they never do."""
    depth, quoted, escaped = 0, False, False
    for index in range(start, len(text)):
        character = text[index]
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
            continue
        quoted = character == '"'
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return index + 1
    return 0


def _labelled(text: str, high: float) -> list[tuple[int, float | None]]:
    verdicts: list[tuple[int, float | None]] = []
    for label in LABELS:
        at = text.lower().find(label)
        while at >= 0:
            before = text[at - 1] if at else " "
            rest = text[at + len(label) :].lstrip(" \t*_】」』\"'`")
            inside_a_word = label.isascii() and before.isascii() and before.isalpha()
            token = _token(rest[1:].lstrip(" \t*_[`")) if rest.startswith(":") and not inside_a_word else ""
            if token:
                verdicts.append((at, _value(token, high)))
            at = text.lower().find(label, at + 1)
    return verdicts


def _token(text: str) -> str:
    """Return the number or fraction at the start of a text."""
    token = ""
    for character in text:
        if character not in DIGITS + "./ ":
            break
        token += character
    token = token.strip().rstrip(".").strip()
    return token if "/" in token else token.split(" ")[0]


def _number(text: str) -> float | None:
    whole, _, part = text.partition(".")
    if not whole or text.endswith(".") or any(character not in DIGITS for character in whole + part):
        return None
    return float(text)


def _value(text: str, high: float) -> float | None:
    value, slash, of = text.partition("/")
    if slash and _number(of.strip()) != high:
        return None
    return _number(value.strip())


def _trailing_number(text: str) -> float | None:
    token = ""
    for character in reversed(text.rstrip(" \t")):
        if character not in DIGITS + ".":
            break
        token = character + token
    return _number(token)


def _numbers(line: str, high: float) -> set[float]:
    line = line.replace(f"/{high:g}", "").replace(f"/ {high:g}", "")
    found, token = set(), ""
    for character in [*line, " "]:
        if character in DIGITS or (character == "." and token):
            token += character
            continue
        pieces = [token.rstrip(".")] if token.count(".") <= 1 else token.split(".")
        found |= {float(piece) for piece in pieces if piece}
        token = ""
    return found
