"""What every page is: one file that asks the network for nothing, and in which no foreign text acts."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.formatting import printable
from reports.payload import embedded


def render_page(
    template: str,
    *,
    style: str,
    script: str,
    data: Mapping[str, Any] | None = None,
    allowed: str = "",
    **shown: Any,  # noqa: ANN401 - what the template shows
) -> str:
    """Return a page; ``data``: for its script; ``allowed``: see `policy`. All that is foreign in it is escaped."""
    return _environment().get_template(template).render(
        policy=policy(style, script, allowed=allowed),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own files
        data=Markup(embedded(data or {})),  # noqa: S704 - escaped for where it stands
        **shown,
    )  # fmt: skip


def policy(style: str, script: str, *, allowed: str = "") -> str:
    """Return the policy under which a page runs its own script and style, and what is ``allowed`` besides.

    >>> policy("", "", allowed="img-src data:").partition("; img-src")[2]
    " data:; base-uri 'none'; form-action 'none'"
    """
    more = f"{allowed}; " if allowed else ""
    return (
        f"default-src 'none'; script-src 'sha256-{_hash(script)}'; style-src 'sha256-{_hash(style)}'; {more}"
        "base-uri 'none'; form-action 'none'"
    )


@cache
def asset(name: str) -> str:
    """Return a script or style of ours."""
    return (resources.files("reports") / "templates" / name).read_text(encoding="utf-8")


def assets(names: Iterable[str]) -> str:
    """Return several scripts of ours as one."""
    return "\n".join(map(asset, names))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: object) -> object:
    """Return what stands in the page for a value: no text, wherever it comes from, keeps a control character."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
