"""From requests to rows of ids, whatever engine answers: what cannot be asked is told apart before anything runs."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.locale import tr
from harness.models.hf.batching import BatchRow
from harness.models.hf.tokens import Encoder
from harness.notices import Notice
from harness.types import Generation, PromptContract, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """``rows`` can be answered; ``refused`` cannot, each with its reason; ``refusal``: of a prompt format."""

    rows: list[BatchRow]
    refused: list[Generation]
    refusal: HarnessError | None
    notices: tuple[Notice, ...]


def encode_requests(encoder: Encoder, requests: Sequence[Request], context: int | None) -> Encoded:
    """Return the rows of requests for a model that takes ``context`` tokens, prompt and answer together (None: any)."""
    rows: list[BatchRow] = []
    refused: list[Generation] = []
    refusal: HarnessError | None = None
    encoded = encoder.encode_all([request.rendered for request in requests])
    for request, ids in zip(requests, encoded, strict=True):
        if isinstance(ids, HarnessError):
            refusal = refusal or ids
            continue
        room = request.sampling.max_new_tokens if context is None else context - len(ids)
        if ids and room > 0:
            rows.append(BatchRow(request=request, ids=ids, limit=min(request.sampling.max_new_tokens, room)))
            continue
        reason = tr("the prompt has no tokens")
        if ids:
            reason = tr(
                "the prompt has {n} tokens, and the model takes {most} with the answer", n=len(ids), most=context
            )
        refused.append(failed(request, reason))
    return Encoded(rows=rows, refused=refused, refusal=refusal, notices=tuple(_told(encoder, requests)))


def _told(encoder: Encoder, requests: Sequence[Request]) -> list[Notice]:
    notices = []
    if not encoder.has_bos and any(request.rendered.bos == "once" for request in requests):
        notices.append(Notice("no_bos_token", tr("the tokenizer has no beginning-of-sequence token; none was added")))
    if not encoder.has_chat_template and any(request.rendered.text_form for request in requests):
        notices.append(
            Notice(
                "no_chat_template",
                tr("the tokenizer has no chat template; prompts with a text form were given as that"),
            )
        )
    return notices


def end_differs(contract: PromptContract | None, end: AbstractSet[int]) -> Notice | None:
    """Return a notice if an adapter was trained to end its answers with a token that generation does not stop at."""
    if contract is None or contract.eos.id in end:
        return None
    ended = f"{contract.eos.token} (id {contract.eos.id})"
    return Notice(
        "end_token_differs",
        tr("training ended every answer with {ended}, at which generation with this base does not stop", ended=ended),
    )


def failed(request: Request, reason: str) -> Generation:
    """Return what stands for the answer that a request did not get."""
    return Generation(request_key=request.key, text=None, finish_reason="error", error=reason)
