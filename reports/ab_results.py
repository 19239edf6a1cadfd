"""The "ab" part of results.json: every figure of a test of prompts, unrounded."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.analysis.prompt_cells import CellMean
from harness.analysis.prompt_test import Contrast, Experiment
from harness.stats import PairedComparison


def ab_document(experiments: Sequence[Experiment]) -> list[dict[str, Any]]:
    """Return every experiment as plain values, unrounded."""
    return [_document(experiment) for experiment in experiments]


def _document(experiment: Experiment) -> dict[str, Any]:
    scale = experiment.judge.scale
    return {
        "task": experiment.task,
        "judge": experiment.judge.name,
        "kind": experiment.judge.kind,
        "scored_by": experiment.judge.scored_by,
        "scale": [scale.low, scale.high],
        "models": list(experiment.models),
        "prompts": list(experiment.prompts),
        "control": experiment.control,
        "confidence": experiment.confidence,
        "n_tasks": experiment.n_samples,
        "primary": experiment.is_primary,
        "winner": experiment.winner,
        "better": [{"prompt": better, "than": worse} for better, worse in experiment.beats],
        "cells": [_mean_document(cell) for cell in experiment.cells],
        "means": [_mean_document(cell) for cell in experiment.means],
        "effects": [_contrast_document(contrast) for contrast in experiment.effects],
        "effects_by_model": [_contrast_document(contrast) for contrast in experiment.by_model],
        "interactions": [_contrast_document(contrast) for contrast in experiment.interactions],
        "plan": asdict(experiment.plan),
        "n_secondary": experiment.n_secondary,
        "cautions": list(experiment.cautions),
        "choice": None if experiment.choice is None else asdict(experiment.choice),
        "differ_most": [
            {"task_id": apart.sample.id, "spread": apart.spread, "scores": dict(apart.scores)}
            for apart in experiment.apart
        ],
    }


def _mean_document(cell: CellMean) -> dict[str, Any]:
    estimate = cell.estimate
    return {
        "model": cell.model,
        "prompt": cell.prompt,
        "mean": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "method": estimate.method,
    }


def _contrast_document(contrast: Contrast) -> dict[str, Any]:
    about: dict[str, Any] = {"model": contrast.model, "candidate": contrast.candidate, "baseline": contrast.baseline}
    if contrast.others:
        about["minus_average_effect_on"] = list(contrast.others)
    about["declared"] = contrast.is_declared
    return about | _figures_document(contrast.result)


def _figures_document(result: PairedComparison) -> dict[str, Any]:
    return {
        "difference": result.difference.value,
        "low": result.difference.low,
        "high": result.difference.high,
        "simultaneous_low": result.simultaneous.low,
        "simultaneous_high": result.simultaneous.high,
        "method": result.difference.method,
        "p_value": result.p_value,
        "p_adjusted": result.p_adjusted,
        "p_method": result.p_method,
        "wins": result.wins,
        "ties": result.ties,
        "losses": result.losses,
        "n_pairs": result.n_pairs,
        "n_missing": result.n_missing,
        "worst_case": result.missing.worst,
        "best_case": result.missing.best,
        "worst_case_low": result.missing.low,
        "best_case_high": result.missing.high,
        "minimum_detectable": result.minimum_detectable,
        "cautions": list(result.cautions),
        "caution_codes": [caution.code for caution in result.cautions],
    }
