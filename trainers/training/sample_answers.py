"""Answers to a few prompts while an adapter is trained, to be read by people: nothing is judged by them.

They are asked before the first step, whenever the held-out loss is measured, and after the last step. Training goes on
as if nothing had been asked: its random numbers, modes and clocks are what they were.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from harness.errors import HarnessError, InputError
from harness.locale import tr
from harness.locale.system import system_said
from harness.models.hf.batching import BatchRow
from harness.models.hf.decoding import decode
from harness.models.hf.forward_eager import EagerSteps
from harness.models.hf.progress import TokenMeter
from harness.tables import read_table
from harness.tables.files import where_to_look
from harness.types import Message, RenderedPrompt, Request, Sampling
from trainers.adapter.files import write_whole
from trainers.adapter.training_record import SAMPLES
from trainers.data.columns import ROLES
from trainers.prepare import Prepared
from trainers.training.failures import out_of_memory
from trainers.training.live_model import as_in_evaluation
from trainers.training.progress import TrainingProgress
from trainers.training.sharded import shards_of

_TEXT = {".txt", ".text"}
_SHOWN = 80  # characters of a prompt, and twice as many of an answer, on the screen


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePrompt:
    """A prompt as people read it, and as the model gets it."""

    text: str
    ids: tuple[int, ...]


def sample_prompts(prepared: Prepared) -> tuple[SamplePrompt, ...]:
    """Return the prompts that the recipe asks for: so many that are held out, or those of a file.

    A text file has one in each line; of a table the column that holds instructions is taken.

    Raises:
        InputError: the file cannot be read or holds none.
        HarnessError: one of them cannot become tokens.
    """
    wanted = prepared.recipe.sample_prompts
    if isinstance(wanted, int):
        chosen = prepared.heldout[:: prepared.recipe.each][:wanted]
        parts = [one.ids[: one.prompt] for one in chosen]
        return tuple(SamplePrompt(text=prepared.encoder.decode(list(ids)), ids=ids) for ids in parts)
    texts = _texts(wanted)
    encoded = prepared.encoder.encode_all(prepared.template.render_all([{"input": text} for text in texts]))
    found = []
    for text, ids in zip(texts, encoded, strict=True):
        if isinstance(ids, HarnessError):
            raise ids
        found.append(SamplePrompt(text=text, ids=tuple(ids)))
    return tuple(found)


def _texts(path: str) -> list[str]:
    place = Path(path).expanduser()
    if place.suffix.lower() in _TEXT:
        if not place.exists():
            raise InputError(tr("no such file"), path=path, hint=where_to_look(path))
        try:
            texts = place.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = system_said(error) if isinstance(error, OSError) else str(error)
            raise InputError(tr("not readable: {error}", error=why), path=path) from error
    else:
        rows = read_table(path).rows
        names = [*ROLES["input"], "prompt"]
        texts = [str(next((row.values[name] for name in names if row.values.get(name)), "")) for row in rows]
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise InputError(
            tr("no prompt in it."),
            path=path,
            hint=tr("A .txt file with one in each line, or rows with {name}.", name="input"),
        )
    return texts


class SampleAnswers(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Writes answers to prompts into a folder's ``samples.jsonl``, and says them."""

    def __init__(
        self,
        prepared: Prepared,
        prompts: Sequence[SamplePrompt],
        *,
        folder: Path,
        progress: TrainingProgress,
        autocast: Callable[[], Any],
        writes: bool,
    ) -> None:
        """``autocast``: how training multiplies; ``writes``: whether this is the process that answers."""
        self._prepared = prepared
        self._prompts = prompts
        self._place = folder / SAMPLES
        self._progress = progress
        self._autocast = autocast
        self._writes = writes
        self._gave_up = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:  # noqa: ANN401
        """Ask before the first step; of a training that goes on, leave out what comes after its checkpoint."""
        del args, control
        if self._writes:
            kept = [row for row in _read(self._place) if row["step"] <= state.global_step] if state.global_step else []
            write_whole(self._place, "".join(map(_line, kept)))
        if not state.global_step:
            self._ask(0, given["model"])

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:  # noqa: ANN401
        """Ask where the held-out loss is measured."""
        del args, control
        every = self._prepared.recipe.eval_steps
        if every and state.global_step % every == 0 and state.global_step < state.max_steps:
            self._ask(state.global_step, given["model"])

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:  # noqa: ANN401
        """Ask after the last step."""
        del args, control
        self._ask(state.global_step, given["model"])

    def _ask(self, step: int, model: Any) -> None:  # noqa: ANN401 - peft is untyped
        shards = shards_of(model)
        if not self._writes:
            shards.serve()
            return
        with shards.alone():
            if not self._gave_up:
                self._answer(step, model)

    def _answer(self, step: int, model: Any) -> None:  # noqa: ANN401 - peft is untyped
        try:
            with self._progress.clocks_stopped(), as_in_evaluation(model), self._autocast():
                answers = sorted(self._answers(model))
            with self._place.open("a", encoding="utf-8") as file:
                for number, text, finish in answers:
                    prompt = self._prompts[number].text
                    file.write(_line({"step": step, "prompt": prompt, "answer": text, "finish": finish}))
        except (RuntimeError, OSError) as error:
            if isinstance(error, RuntimeError) and not out_of_memory(error):
                raise
            self._gave_up = True
            self._progress.event(step, tr("no more sample answers: {error}", error=str(error).partition("\n")[0]))
            return
        for number, text, _ in answers:
            self._progress.say(
                tr(
                    "  step {step}  {prompt} → {answer}",
                    step=step,
                    prompt=_short(self._prompts[number].text, _SHOWN),
                    answer=_short(text, 2 * _SHOWN),
                )
            )

    def _answers(self, model: Any) -> Iterator[tuple[int, str, str]]:  # noqa: ANN401 - peft is untyped
        """Yield the number of each prompt with its greedy answer and why it ended."""
        encoder = self._prepared.encoder
        most = self._prepared.recipe.sample_max_new_tokens
        rows = [
            BatchRow(request=_request(number, most), ids=one.ids, limit=most)
            for number, one in enumerate(self._prompts)
        ]
        pads = (encoder.tokenizer.pad_token_id, encoder.tokenizer.eos_token_id, 0)
        steps = EagerSteps(model.get_base_model(), next(token for token in pads if token is not None))
        meter = TokenMeter("", len(rows), most * len(rows))
        for answer in decode(rows, steps, encoder, self._prepared.base.end(encoder), meter):
            yield int(answer.row.request.key), answer.text or "", answer.finish


def _request(number: int, most: int) -> Request:
    """Return a request that only says how long an answer may be."""
    asked = RenderedPrompt(messages=(Message(role="user", content=""),), format="text")
    return Request(
        key=str(number),
        task="",
        sample_id=str(number),
        model="",
        prompt=None,
        repeat=0,
        rendered=asked,
        sampling=Sampling(max_new_tokens=most, repetition_penalty=1.0),
    )


def _short(text: str, most: int) -> str:
    r"""Return a text in one line of at most so many characters.

    >>> _short("one\ntwo three", 9)
    'one⏎two …'
    """
    line = text.strip().replace("\n", "⏎")
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
