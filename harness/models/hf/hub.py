"""The Hugging Face Hub: which commit a name means, and its files."""

from pathlib import Path

from huggingface_hub import HfApi, constants, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from harness.errors import HarnessError, HubError, InputError
from harness.locale import tr
from harness.remote.reach import hub_is_reachable, unreachable
from harness.tables.files import nearby
from harness.templates.contract import CONTRACT

_SECONDS_TO_ANSWER = 15
_MODEL_FILES = ["*.safetensors", "*.json", "*.jinja", "tokenizer.model", "*.txt", "*.py"]
_ADAPTER_FILES = ["adapter_config.json", "adapter_model.safetensors", CONTRACT, "tokenizer.json"]


def model_commit(name: str, revision: str | None) -> str:
    """Return the commit of a model and check that it has safetensors; without a network, that of the local copy.

    Raises:
        InputError: the model has no weights as safetensors.
        HarnessError: there is no such model or revision, access is refused, or there is neither network nor copy.
    """
    try:
        _reach()
        info = HfApi().model_info(name, revision=revision, timeout=_SECONDS_TO_ANSWER)
    except Exception as error:  # noqa: BLE001 - the HTTP library, and with it its errors, differs between versions
        return _cached_commit(name, revision, "config.json", error, prefix="hf:")
    if not any(file.rfilename.endswith(".safetensors") for file in info.siblings or []):
        raise InputError(
            tr("no weights as safetensors; pickled weights can run code when loaded and are refused."), path=name
        )
    return str(info.sha)


def download_config(name: str, commit: str) -> Path:
    """Return a model's config.json at one commit.

    Raises:
        HarnessError: the download failed.
    """
    return _download(name, commit, ["config.json"]) / "config.json"


def download_tokenizer(name: str, commit: str) -> Path:
    """Return the folder with a model's tokenizer at one commit, without its weights.

    Raises:
        HarnessError: the download failed.
    """
    return _download(name, commit, [pattern for pattern in _MODEL_FILES if pattern != "*.safetensors"])


def download_model(name: str, commit: str) -> Path:
    """Return the folder with a model's files at one commit.

    Raises:
        HarnessError: the download failed.
    """
    return _download(name, commit, _MODEL_FILES)


def download_adapter(name: str, revision: str | None) -> tuple[Path, str]:
    """Return the folder with an adapter's files, and its commit.

    Raises:
        HarnessError: there is no such adapter or revision, access is refused, or there is neither network nor copy.
    """
    try:
        _reach()
        commit = str(HfApi().model_info(name, revision=revision, timeout=_SECONDS_TO_ANSWER).sha)
    except Exception as error:  # noqa: BLE001 - the HTTP library, and with it its errors, differs between versions
        commit = _cached_commit(name, revision, "adapter_config.json", error, prefix="adapter:")
    return _download(name, commit, _ADAPTER_FILES), commit


def _reach() -> None:
    """Find out whether the Hub can be reached, before a library waits for it and tries again.

    Raises:
        ConnectionError: it cannot.
    """
    if not hub_is_reachable():
        raise ConnectionError(f"{constants.ENDPOINT} cannot be reached")


def _download(name: str, commit: str, patterns: list[str]) -> Path:
    try:
        return Path(
            snapshot_download(name, revision=commit, allow_patterns=patterns, local_files_only=not hub_is_reachable())
        )
    except Exception as error:  # the HTTP library, and with it its errors, differs between versions
        raise _explained(name, commit, error) from error


def _cached_commit(name: str, revision: str | None, file: str, error: Exception, *, prefix: str) -> str:
    """Return the commit of a local copy if the Hub could not be asked; raise if the Hub said no.

    ``prefix`` is what stands before such a name, or the path of a folder, in a spec.
    """
    if not isinstance(error, RepositoryNotFoundError | RevisionNotFoundError | HFValidationError):
        try:
            found = try_to_load_from_cache(name, file, revision=revision)
        except HFValidationError as no_name:  # of which no copy can be there either
            raise _explained(name, revision, no_name, prefix) from no_name
        if isinstance(found, str):
            return Path(found).parent.name
    raise _explained(name, revision, error, prefix) from error


def _explained(name: str, revision: str | None, error: Exception, prefix: str | None = None) -> HarnessError:
    # A path of two parts looks like a name of the Hub's; without a prefix the Hub has said that it is one.
    folder = None if prefix is None else nearby(name, prefix, wanted=Path.is_dir)
    wanted = f"{name}@{revision}" if revision else name
    if isinstance(error, GatedRepoError):
        return HubError(
            tr("The Hub refuses {name!r}: it is gated.", name=name),
            hint=tr("Accept its terms on its page, then: hf auth login"),
        )
    if isinstance(error, RevisionNotFoundError):
        return HubError(tr("The Hub has no revision {revision!r} of {name!r}.", revision=revision, name=name))
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return HubError(
            tr("Neither a folder here nor the Hub has {name!r}.", name=name),
            hint=folder or tr("Check the spelling; for a private model: hf auth login"),
        )
    if isinstance(error, HfHubHTTPError) and not isinstance(error, LocalEntryNotFoundError):
        return HubError(
            tr("The Hub failed on {name!r}: {said}", name=wanted, said=" ".join(str(error).split())[:300]),
            hint=tr("Try again later; what was fetched is kept."),
        )
    return unreachable(wanted, folder)
