"""How many replies of a local judge can be read, and how fast they come: a count over many made-up answers.

    python bench/constrained_replies.py --model embedded:gemma-3-270m [--replies 1000] [--rubric elyza.v1]
        [--characters 200] [--longest 60]

Every reply is read by the JSON library and by the grammar of judges' replies, neither of which knows how it was made.
``--model random`` writes and takes a random Llama, whose words mean nothing and never end by themselves.
"""

import argparse
import json
import random
import tempfile
import time

from harness.plugins import make
from harness.protocols import FreeText, ScoresWords
from harness.templates import load_template
from harness.testing import make_llama
from harness.types import LIKERT_5, ModelSpec, RenderedPrompt, Sample
from judges.expected import WORDS
from judges.rubric import parse
from judges.rubric.asking import rubric_messages

SYLLABLES = 'あいうえおかきくけこ東京日本語です。\n"\\{}[]123<>:,score reason'


def prompts(count: int, rubric: str, longest: int) -> list[RenderedPrompt]:
    draw, template = random.Random(0), load_template(rubric, kind="judges")  # noqa: S311 - no secret
    made = []
    for number in range(count):
        answer = "".join(draw.choices(SYLLABLES, k=draw.randint(1, longest)))
        sample = Sample(id=str(number), inputs={"input": f"{number}番目の課題"}, reference="正解")
        messages = rubric_messages(template, sample, answer, LIKERT_5)
        text = messages[-1].content + "\n\n"
        made.append(RenderedPrompt(messages=messages, format="chat", bos="template", text_form=text))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--replies", type=int, default=1000)
    parser.add_argument("--rubric", default="elyza.v1")
    parser.add_argument("--characters", type=int, default=200, help="of the longest reason")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--longest", type=int, default=60, help="pieces of the longest answer")
    options = parser.parse_args()
    lead = FreeText(before='{"reason": "', most=options.characters, after='", "score": ', end="}")
    text = options.model
    if text == "random":
        text = f"hf:{make_llama(tempfile.mkdtemp(), max_position_embeddings=8192)}"
    backend, _, target = text.partition(":")
    model = make(
        "models", backend, ModelSpec(text=text, label="judge", backend=backend, target=target, dtype=options.dtype)
    )
    assert isinstance(model, ScoresWords)
    began, read, unread = time.perf_counter(), 0, []
    for found in model.score_words(prompts(options.replies, options.rubric, options.longest), WORDS, lead):
        try:
            reply = json.loads(found.text or "")
            verdict = parse(found.text or "", form="json")
            good = list(reply) == ["reason", "score"] and verdict.score == reply["score"] and found.probabilities
        except ValueError:
            good = False
        read += bool(good)
        if not good:
            unread.append((found.text, found.error))
    print(f"{read} of {options.replies} replies read, {time.perf_counter() - began:.0f} s")
    for one in unread[:10]:
        print(one)


if __name__ == "__main__":
    main()
