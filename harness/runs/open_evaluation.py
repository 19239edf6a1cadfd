"""An evaluation that can begin: all that its options name is opened, its tasks are chosen, and nothing is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.runs.asking import evaluation_spec
from harness.runs.assemble import Evaluation, assemble
from harness.runs.declared import asked_declaration, declaration
from harness.runs.panels import declare_primary, panel_specs
from harness.runs.sealing import Sealing, read_sealing
from harness.specs import Config, default_run_name, seal_shares, store_mirror, store_url
from harness.types import Declaration


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedEvaluation:
    """An evaluation with the seals that it keeps and what it declared by its own options.

    ``url``: of the store that its rows go to; ``mirror``: the folder that keeps a copy of it, None for none.
    """

    evaluation: Evaluation
    sealing: Sealing
    asked: Declaration
    url: str
    mirror: str | None


def open_evaluation(
    settings: Config,
    options: Mapping[str, Any],
    *,
    date: str,
    store: str | None = None,
    run_name: str | None = None,
    allow_prompt_mismatch: bool = False,
    seal: float | None = None,
    open_seal: bool = False,
    prefix: str = "",
) -> OpenedEvaluation:
    """Return what ``harness eval``, or `harness.evaluate`, is asked for by these options.

    The option ``gpus`` says for how many GPUs processes are begun, 0 where nothing will be answered. ``seal``: the
    share of each task set to keep for one final claim; ``open_seal``: judge the sealed tasks. ``date``: of the seals
    that are new. ``prefix``: of the name of a run that was given none.

    Raises:
        HarnessError: as `evaluation_spec` and `assemble`, or the seals forbid it.
    """
    panels = panel_specs(options["panels"], settings)
    options = declare_primary(options, panels)
    spec = evaluation_spec(settings, **options)
    url, mirror = store_url(store, settings), store_mirror(settings)
    shares = seal_shares(spec, settings, seal)
    sealing = read_sealing(url, date=date, mirror=mirror, shares=shares, opens=open_seal, limit=spec.limit)
    evaluation = assemble(
        spec,
        f"{prefix}{default_run_name(spec)}{'-claim' if open_seal else ''}" if run_name is None else run_name,
        allow_prompt_mismatch=allow_prompt_mismatch,
        declared=declaration(settings, **options),
        panels=panels,
        choose=sealing.choose,
        gpus=options.get("gpus"),
    )
    return OpenedEvaluation(
        evaluation=sealing.noted(evaluation),
        sealing=sealing,
        asked=asked_declaration(**options),
        url=url,
        mirror=mirror,
    )
