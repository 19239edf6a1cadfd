"""Where weights come from: a folder, a GGUF file, an embedded model or the Hub.

`resolve` finds out *which* weights are meant, reading as little as possible; `local_folder` then makes them a folder
that transformers loads, downloading or converting if it must.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.errors import DamagedFileError, HarnessError, InputError, ModelLoadError, UsageError
from harness.locale import tr
from harness.models.hf import hub
from harness.models.hf.digests import content_digest, weights_digest, weights_digests
from harness.models.hf.embedded import embedded_folder, embedded_model
from harness.models.hf.gguf import converted
from harness.models.hf.reading import check_file, check_folder, json_object
from harness.tables.files import nearby, where_to_look

Kind = Literal["folder", "gguf", "embedded", "hub"]

_HUB_ID = re.compile(r"(?!\.)[\w.-]+/[\w.-]+")
_DECIDING = {  # beside the weights: whatever makes tokens of a prompt, or ends an answer
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("added_tokens.json", "chat_template.json", "vocab.json", "vocab.txt", "merges.txt"),
}
_DECIDING_ENDINGS = (".index.json", ".jinja", ".model", ".tiktoken", ".py")
_SHA256_NAME = re.compile(r"[0-9a-f]{64}")
_QUANTISED_COPY = re.compile(r"(-unsloth)?(-bnb)?-[48]bit$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Weights, identified.

    ``text`` is what the user typed, ``digest`` the identity of the content (for the Hub: the commit), ``path`` where
    it lies unless that is still to be decided, ``commit`` the Hub's revision.
    """

    text: str
    kind: Kind
    digest: str
    path: Path | None = None
    commit: str | None = None


def split_revision(text: str) -> tuple[str, str | None]:
    """Return a spec and the revision after its ``@``, if it has one and is no path that holds an ``@``.

    >>> split_revision("llm-jp/llm-jp-3-13b@9f2c")
    ('llm-jp/llm-jp-3-13b', '9f2c')
    >>> split_revision("embedded:gemma-3-270m")
    ('embedded:gemma-3-270m', None)
    """
    head, separator, revision = text.rpartition("@")
    if not separator or Path(text.removeprefix("hf:")).expanduser().exists():
        return text, None
    return head, revision


def model_name(text: str) -> str:
    """Return the name that a spec, a path or a Hub id ends in, without the mark of a quantised copy.

    >>> model_name("unsloth/llm-jp-3-13b-bnb-4bit"), model_name("/content/models/llm-jp-3-13b/")
    ('llm-jp-3-13b', 'llm-jp-3-13b')
    """
    name = text.rstrip("/").replace("\\", "/").rpartition("/")[2].rpartition(":")[2].lower()
    return _QUANTISED_COPY.sub("", name)


def can_resolve(text: str) -> bool:
    """Return whether a spec names weights that could be found from here, without looking on the network.

    >>> can_resolve("embedded:gemma-3-270m"), can_resolve("org/model"), can_resolve("/content/gone/model")
    (True, True, False)
    """
    prefix, colon, target = text.partition(":")
    if colon and prefix in {"embedded", "gguf", "hf"}:
        return prefix != "gguf" or Path(target).expanduser().exists()
    return Path(text).expanduser().is_dir() or _HUB_ID.fullmatch(text) is not None


def resolve(text: str, revision: str | None = None) -> Source:
    """Return the weights that a spec means: ``embedded:NAME``, ``gguf:PATH``, ``[hf:]FOLDER`` or ``[hf:]ORG/NAME``.

    Raises:
        InputError: a folder or file is missing, or holds no weights that can be loaded safely.
        UnknownNameError: there is no embedded model of this name.
        HarnessError: the Hub has no such model, refuses it, or cannot be reached.
    """
    prefix, colon, target = text.partition(":")
    if colon and prefix == "embedded":
        return Source(text=text, kind="embedded", digest=embedded_model(target).sha256)
    if colon and prefix == "gguf":
        return _gguf(text, Path(target).expanduser())
    name = target if colon and prefix == "hf" else text
    path = Path(name).expanduser()
    if path.is_dir():
        return _folder(text, path)
    if not _HUB_ID.fullmatch(name) or path.exists():
        raise InputError(
            tr("no such model folder."),
            path=name,
            hint=nearby(name, "hf:", wanted=Path.is_dir) or tr("Give a folder, or a Hub id like llm-jp/llm-jp-3-13b."),
        )
    commit = hub.model_commit(name, revision)
    return Source(text=name, kind="hub", digest=commit, commit=commit)


def local_folder(source: Source) -> Path:
    """Return the folder to load from, downloading or converting what is not there yet.

    Raises:
        HarnessError: the download or the conversion failed.
    """
    if source.kind == "embedded":
        return embedded_folder(source.text.partition(":")[2])
    if source.kind == "hub":
        folder = hub.download_model(source.text, str(source.commit))
        check_folder(folder)
        _check_copies(folder)
        return folder
    check_unchanged(source)
    assert source.path is not None
    return converted(source.path, source.digest) if source.kind == "gguf" else source.path


def config_folder(source: Source) -> Path:
    """Return a folder with the model's config.json, without downloading weights.

    Raises:
        HarnessError: the download or the conversion failed.
    """
    if source.kind == "hub":
        return hub.download_config(source.text, str(source.commit)).parent
    if source.kind == "folder" and source.path is not None:
        return source.path  # whether it is what it was is asked where its weights are loaded
    return local_folder(source)


def tokenizer_folder(source: Source) -> Path:
    """Return a folder with the model's tokenizer, without downloading weights.

    Raises:
        HarnessError: the download or the conversion failed.
    """
    if source.kind == "hub":
        folder = hub.download_tokenizer(source.text, str(source.commit))
        check_folder(folder)
        return folder
    return local_folder(source)


def raw_config(source: Source) -> Mapping[str, Any]:
    """Return a model's config.json, downloading it alone if need be; empty for files that have none.

    Raises:
        InputError: it is no JSON object.
        HarnessError: it cannot be downloaded.
    """
    if source.kind in {"gguf", "embedded"}:
        return {}
    return json_object(config_folder(source) / "config.json")


def check_unchanged(source: Source) -> None:
    """Raise if a folder or a file no longer holds what it was identified by.

    Raises:
        HarnessError: it changed; answers would be kept under the name of other weights.
    """
    if source.path is None:
        return
    again = _gguf(source.text, source.path) if source.kind == "gguf" else _folder(source.text, source.path)
    if again.digest != source.digest:
        raise DamagedFileError(
            tr("{text} changed after the run began.", text=source.text),
            hint=tr("Is it still being written? Run the command again."),
        )


def check_safetensors(names: list[str], *, where: str) -> None:
    """Raise unless a listing has weights as safetensors.

    Raises:
        InputError: there are none, or only pickled ones, which can run code when they are loaded.
    """
    if any(name.endswith(".safetensors") for name in names):
        return
    if any(name.endswith((".bin", ".pt", ".pth")) for name in names):
        raise InputError(
            tr("only pickled weights, which can run code when loaded; they are refused."),
            path=where,
            hint=tr("Convert them once, where you trust them: model.save_pretrained(DIR) writes safetensors."),
        )
    raise InputError(tr("no safetensors weights."), path=where)


def _folder(text: str, path: Path) -> Source:
    names = sorted(item.name for item in path.iterdir())
    if "config.json" not in names:
        hint = tr("A model's folder holds config.json, its tokenizer and its weights as safetensors.")
        if "adapter_config.json" in names:
            hint = tr("It holds an adapter: write adapter:{path}.", path=path)
        raise InputError(tr("no config.json, so no model."), path=path, hint=hint)
    check_safetensors(names, where=str(path))
    check_folder(path)
    return Source(text=text, kind="folder", digest=content_digest(_identity(path, names)), path=path)


def _identity(path: Path, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield what decides a model's answers, each file whole."""
    weights = [name for name in names if name.endswith(".safetensors")]
    digests = dict(zip(weights, weights_digests([path / name for name in weights]), strict=True))
    for name in names:
        if name in digests:
            yield name, digests[name]
        elif name in _DECIDING or name.endswith(_DECIDING_ENDINGS):
            yield name, content_digest([path / name])


def _check_copies(folder: Path) -> None:
    """Raise if a file of the Hub's cache is not what its name says.

    Large files lie there under their sha256, as the Hub gave it. The name alone proves nothing of what a disk, a
    download or a hand made of the content, so the content is read, once.
    """
    paths = [path for path in sorted(folder.glob("*.safetensors")) if _SHA256_NAME.fullmatch(path.resolve().name)]
    for path, digest in zip(paths, weights_digests(paths), strict=True):
        if digest != path.resolve().name:
            raise InputError(
                tr("the local copy is not what the Hub has: its sha256 is another one."),
                path=path,
                hint=tr("Delete {resolve} and run the command again.", resolve=path.resolve()),
            )


def _gguf(text: str, path: Path) -> Source:
    if not path.is_file():
        raise InputError(tr("no such GGUF file."), path=path, hint=where_to_look(path, "gguf:", wanted=Path.is_file))
    check_file(path)
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise InputError(tr("not a GGUF file: it does not begin with 'GGUF'."), path=path)
    return Source(text=text, kind="gguf", digest=weights_digest(path), path=path)


def check_trusted(source: Source, trusted: object) -> bool:
    """Return whether the model's own Python code may run: only if the user named this very model.

    Raises:
        UsageError: ``trust_remote_code`` is not a list of names.
    """
    if trusted is None:
        return False
    if not isinstance(trusted, list | tuple):
        raise UsageError(
            tr("trust_remote_code = {trusted!r} is not a list of model names.", trusted=trusted),
            hint=tr('Name whom you trust: [models.hf] trust_remote_code = ["{text}"]', text=source.text),
        )
    return source.text in trusted


def unreadable(source: Source, error: Exception) -> HarnessError:
    """Return the error for weights that transformers cannot load, with the next step where it is known."""
    text = " ".join(str(error).split())
    hint = None
    if "trust_remote_code" in text:
        hint = tr(
            'If you trust its code: [models.hf] trust_remote_code = ["{text}"] in harness.toml.', text=source.text
        )
    return ModelLoadError(
        tr("{text} cannot be loaded: {name}: {text_2}", text=source.text, name=type(error).__name__, text_2=text[:400]),
        hint=hint,
    )
