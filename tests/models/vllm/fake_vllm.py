"""A stand-in for the package vllm: it takes what the true one takes, writes it down, and answers by a rule."""

import itertools
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

Rule = Callable[[list[int], Any], list[int]]
Scores = Callable[[list[int], Any], list[float]]


class FakeVllm(ModuleType):
    """``answers`` and ``scores`` say what comes of ids and an adapter's number; ``started`` holds arguments of LLMs."""

    def __init__(self) -> None:
        super().__init__("vllm")
        self.started: list[dict[str, Any]] = []
        self.asked: list[SimpleNamespace] = []
        self.calls = 0
        self.released = 0
        self.aborted: list[str] = []
        self.failure: Exception | None = None
        self.fails_after: int | None = None
        self.answers: Rule = lambda ids, lora: [ids[-1], 2]
        self.scores: Scores = lambda ids, lora: [-1.0 - 0.1 * place - (lora or 0) for place in range(len(ids) - 1)]
        self.LLM = lambda **arguments: _Llm(self, arguments)
        self.looked_at: dict[str, Any] = {}
        lazy = SimpleNamespace(load_model_cls=lambda: "the class of a Llama")
        self.ModelRegistry = SimpleNamespace(
            models={"LlamaForCausalLM": lazy}, register_model=self.looked_at.__setitem__
        )
        self.SamplingParams = SimpleNamespace
        self.TokensPrompt = lambda **values: values
        self.lora = ModuleType("vllm.lora")
        self.lora_request = ModuleType("vllm.lora.request")
        vars(self.lora_request)["LoRARequest"] = lambda name, number, path: SimpleNamespace(
            name=name, number=number, path=path
        )

    def install(self, monkeypatch: Any) -> "FakeVllm":
        """Put it in the true one's place."""
        monkeypatch.setitem(sys.modules, "vllm", self)
        monkeypatch.setitem(sys.modules, "vllm.lora", self.lora)
        monkeypatch.setitem(sys.modules, "vllm.lora.request", self.lora_request)
        return self


class _Llm:
    def __init__(self, fake: FakeVllm, arguments: dict[str, Any]) -> None:
        if fake.failure is not None:
            raise fake.failure
        fake.started.append(arguments)
        self._fake = fake
        self._waiting: list[SimpleNamespace] = []
        self._numbers = itertools.count()
        self.llm_engine = self

    def enqueue(self, prompts: list[Any], sampling: list[Any], *, lora_request: list[Any], use_tqdm: bool) -> list[str]:
        assert use_tqdm is False
        self._fake.calls += 1
        for prompt, params, lora in zip(prompts, sampling, lora_request, strict=True):
            one = SimpleNamespace(
                ids=prompt["prompt_token_ids"], params=params, lora=lora, name=str(next(self._numbers))
            )
            self._waiting.append(one)
            self._fake.asked.append(one)
        return [f"{one.name}-1a2b3c4d" for one in self._waiting[-len(prompts) :]]

    def step(self) -> list[Any]:
        fails = self._fake.fails_after
        if fails is not None and len(self._fake.asked) - len(self._waiting) >= fails:
            raise RuntimeError("EngineCore encountered an issue")
        one = self._waiting.pop()  # last first: no order is promised
        return [SimpleNamespace(finished=False, request_id="another"), _ended(self._fake, one)]

    def abort_request(self, names: list[str]) -> None:
        self._fake.aborted += names


def _ended(fake: FakeVllm, one: SimpleNamespace) -> Any:
    number = None if one.lora is None else one.lora.number
    tokens = fake.answers(list(one.ids), number)[: one.params.max_tokens]
    ended = bool(tokens) and tokens[-1] in getattr(one.params, "stop_token_ids", ())
    scores = None
    if hasattr(one.params, "prompt_logprobs"):
        values = fake.scores(list(one.ids), number)
        scores = [None, *({token: SimpleNamespace(logprob=v)} for token, v in zip(one.ids[1:], values, strict=True))]
    return SimpleNamespace(
        finished=True,
        request_id=one.name,
        prompt_token_ids=list(one.ids),
        prompt_logprobs=scores,
        outputs=[SimpleNamespace(token_ids=tokens, finish_reason="stop" if ended else "length")],
    )
