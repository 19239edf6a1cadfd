"""What is certified of an engine, in a line for each model under provenance."""

from collections.abc import Mapping
from typing import Any

from reports.formatting import shown_value
from reports.wording import Words


def provenance_value(key: str, value: object, say: Words) -> str:
    """Return an entry of provenance with several parts as text: a certificate as a sentence, others as they stand."""
    if key == "parity" and isinstance(value, Mapping):
        return certificate_text(value, say)
    return shown_value(value)


def certificate_text(entry: Mapping[str, Any], say: Words) -> str:
    """Return a model's certificate as one line; what an older or another version left out is left out."""
    parts = [say("parity.equal" if entry.get("verdict") == "equal" else "parity.refused", engine=entry.get("engine"))]
    if _are_numbers(entry, "mean", "limit_mean", "p99", "limit_p99"):
        parts.append(
            say(
                "parity.apart",
                mean=f"{entry['mean']:.2g}",
                limit=f"{entry['limit_mean']:.2g}",
                p99=f"{entry['p99']:.2g}",
                limit_p99=f"{entry['limit_p99']:.2g}",
            )
        )
    if _are_numbers(entry, "parted", "prompts"):
        parts.append(say("parity.parted", parted=entry["parted"], prompts=entry.get("answered", entry["prompts"])))
    if _are_numbers(entry, "share", "share_low", "share_high"):
        shares = {name: round(100 * entry[name]) for name in ("share", "share_low", "share_high")}
        parts.append(say("parity.share", **shares))
    return say("parity.and").join(parts)


def _are_numbers(entry: Mapping[str, Any], *names: str) -> bool:
    return all(isinstance(entry.get(name), int | float) for name in names)
