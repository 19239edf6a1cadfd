"""Publishing an adapter on the Hugging Face Hub: the files that belong to it, in one commit, and nothing else."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from huggingface_hub import CommitOperationAdd, HfApi, RepoUrl, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from harness.errors import HarnessError, HubError, InputError, UsageError
from harness.locale import Text, tr
from harness.templates.contract import CONTRACT
from trainers.adapter.adapter_folder import check_weights
from trainers.adapter.card_usage import published
from trainers.adapter.training_record import ADAPTER, CARD, CHAT_TEMPLATE, CURVE, LOG, RECORD, WEIGHTS

PUBLISHED = (CARD, ADAPTER, WEIGHTS, CONTRACT, CHAT_TEMPLATE, RECORD, LOG, CURVE)
"""All that is ever uploaded: checkpoints, data and whatever else lies in the folder stay where they are."""

_PICTURES_AND_WEIGHTS = {WEIGHTS, CURVE}
_TRIES = 3
_PATIENCE = 10  # seconds for what can be found out later, too
_WAIT = 1.0  # seconds before the second try, twice as many before the third
_SERVER_ERROR = 500
_SHOWN = 300  # characters of what the Hub says
_LOG_IN = tr("Make a token with write access on the Hub's settings page, then: hf auth login (or set HF_TOKEN).")
_NO_RIGHT = (
    tr("The Hub refuses to write {repo}"),
    tr("The token needs write access to the repository's owner, and the owner storage room for it."),
)
_FAILED = (tr("The Hub failed on {repo}"), tr("Try again later; nothing was committed."))
_REFUSALS = {  # by HTTP status; anything else is a failure of the Hub
    401: (tr("The Hub does not accept the token"), _LOG_IN),
    402: _NO_RIGHT,
    403: _NO_RIGHT,
    404: (tr("The Hub shows this token no repository {repo}"), tr("Check the owner's name and what the token may do.")),
    413: _NO_RIGHT,
    429: (tr("The Hub asks to wait"), tr("Try again later; nothing was committed.")),
    507: _NO_RIGHT,
}

T = TypeVar("T")


def push_to_hub(folder: Path, repo: str, *, private: bool = True, token: str | None = None) -> str:
    """Upload an adapter's files as one commit and return the address of its page.

    The Hub is the one that ``HF_ENDPOINT`` names, huggingface.co unless set. A repository that is there already keeps
    its visibility; files of the same name are replaced, all others in it stay.

    Args:
        folder: The adapter's folder; of `PUBLISHED`, what is in it is uploaded.
        repo: ``OWNER/NAME``, or ``NAME`` for one of the token's owner.
        private: Whether nobody else may see the repository.
        token: By default that of ``HF_TOKEN`` or of ``hf auth login``. It is sent to the Hub and shown nowhere.

    Raises:
        UsageError: ``repo`` is no name that the Hub takes.
        InputError: the folder holds no adapter, or weights that are not as training wrote them.
        HarnessError: there is no token; the Hub refuses it or the files, or cannot be reached; or the repository
            is there already and public although ``private`` is asked for.
    """
    for name in (ADAPTER, WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(tr("no {name}, so no adapter to publish.", name=name), path=folder)
    check_weights(folder)
    secret = hub_token(token)
    api = HfApi(token=secret, library_name="ja-harness")
    try:
        url = _tried(lambda: api.create_repo(repo, private=private, repo_type="model", exist_ok=True))
        _check_visibility(api, url, private=private)
        with _quiet_unless_watched():
            _tried(lambda: _commit(api, folder, url.repo_id))
    except HarnessError:
        raise
    except HFValidationError as error:
        raise UsageError(
            tr("{repo!r} is no name of a repository.", repo=repo),
            hint=tr("Write OWNER/NAME with letters, digits, '-', '_' and '.', at most 96 characters."),
        ) from error
    except Exception as error:  # noqa: BLE001 - the HTTP library and that of uploads have errors of their own
        # Without its cause, whose text is the library's: what --debug prints must not hold the token either.
        raise _explained(error, repo, api.endpoint, secret) from None
    return str(url)


def hub_token(given: str | None = None) -> str:
    """Return the token to write to the Hub with: the one given, or that of ``HF_TOKEN`` or of ``hf auth login``.

    Raises:
        HarnessError: there is none, or it cannot be one.
    """
    secret = given or get_token()
    if not secret:
        raise HubError(tr("There is no token for the Hub, and nothing is uploaded without one."), hint=_LOG_IN)
    if not secret.isascii() or any(character.isspace() or not character.isprintable() for character in secret):
        raise HubError(
            tr("The token for the Hub holds blanks or characters that no token has; it is not shown here."),
            hint=_LOG_IN,
        )
    return secret


def refuse_public(repo: str, token: str) -> None:
    """Check before a training that its adapter, meant to be private, would not go where everybody sees it.

    Whatever else may be wrong, no network included, shows when it is pushed.

    Raises:
        HarnessError: the repository is there already, and public.
    """
    api = HfApi(token=token, library_name="ja-harness")
    try:
        name = repo if "/" in repo else f"{api.whoami()['name']}/{repo}"
        is_private = api.repo_info(name, repo_type="model", timeout=_PATIENCE).private
    except Exception:  # noqa: BLE001 - the HTTP library and that of the Hub have errors of their own
        return
    if not is_private:
        raise HubError(
            tr("The repository {name} is there already, and public.", name=name),
            hint=tr(
                "Choose another name; or train without --push-to-hub, then: harness card DIR --push-to-hub {name} "
                "--public",
                name=name,
            ),
        )


def place_notices(folder: Path) -> list[str]:
    """Return what is published of this machine: a base that is a place on it, and files that name the user's home."""
    return [*_base_notice(folder), *_home_notice(folder)]


def _base_notice(folder: Path) -> Iterator[str]:
    try:
        base = json.loads((folder / ADAPTER).read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError):
        return  # what is wrong with it is said by who needs it
    if not isinstance(base, str):
        return
    path = Path(base.removeprefix("gguf:")).expanduser()
    if path.is_absolute() or path.exists():
        yield f"the base is recorded as {base}, a place on this machine, and published so; others will need --base."


def _home_notice(folder: Path) -> Iterator[str]:
    try:
        home = str(Path.home())
        files = [name for name in PUBLISHED if name not in _PICTURES_AND_WEIGHTS and (folder / name).is_file()]
        texts = {name: (folder / name).read_bytes() for name in files}
    except (OSError, RuntimeError):  # no home; a file that cannot be read is the upload's matter
        return
    inside = {f"{home}{os.sep}".encode(), json.dumps(f"{home}{os.sep}")[1:-1].encode()}
    named = [name for name, text in texts.items() if any(written in text for written in inside)]
    if named and home != os.sep:
        yield (
            f"{home} stands in {', '.join(named)}, and is published so: templates and models given by relative paths "
            "would not show it."
        )


def _tried(action: Callable[[], T]) -> T:
    """Carry an action out, again if the Hub has an error of its own: both actions may be done twice."""
    for attempt in range(1, _TRIES):
        try:
            return action()
        except HfHubHTTPError as error:
            if error.response.status_code < _SERVER_ERROR:
                raise
            time.sleep(_WAIT * 2 ** (attempt - 1))
    return action()


def _check_visibility(api: HfApi, url: RepoUrl, *, private: bool) -> None:
    """Refuse to show the world what was meant to be private: asking for it does not change a repository that exists."""
    if private and not api.repo_info(url.repo_id, repo_type="model").private:
        raise HubError(
            tr("The repository {repo_id} is there already, and public.", repo_id=url.repo_id),
            hint=tr(
                "If everybody may see the adapter: harness card DIR --push-to-hub {repo_id} --public; otherwise "
                "choose another name.",
                repo_id=url.repo_id,
            ),
        )


def _commit(api: HfApi, folder: Path, repo: str) -> None:
    """Upload in one commit; the Hub's check of the card's metadata comes before the first file."""
    names = [name for name in PUBLISHED if (folder / name).is_file()]
    contents: dict[str, Path | bytes] = {name: folder / name for name in names}
    if CARD in contents:
        contents[CARD] = _published_card(folder, repo)
    api.create_commit(
        repo,
        # Anew for each try: an operation remembers how far it came.
        [CommitOperationAdd(path_in_repo=name, path_or_fileobj=content) for name, content in contents.items()],
        commit_message="Upload the adapter with ja-harness",
        repo_type="model",
    )


def _published_card(folder: Path, repo: str) -> bytes:
    """Return the card with the repository in place of the folder; one that is no UTF-8 goes as it is."""
    content = (folder / CARD).read_bytes()  # as bytes: its line ends are its author's
    try:
        return published(content.decode("utf-8"), repo, folder.resolve().name).encode("utf-8")
    except UnicodeDecodeError:
        return content


@contextmanager
def _quiet_unless_watched() -> Iterator[None]:
    """Leave out the bars of the upload where nobody sees them move: in a log they are pages of control characters."""
    silenced = not sys.stderr.isatty() and not are_progress_bars_disabled()
    if silenced:
        disable_progress_bars()
    try:
        yield
    finally:
        if silenced:
            enable_progress_bars()


def _explained(error: Exception, repo: str, endpoint: str, secret: str) -> HarnessError:
    response = error.response if isinstance(error, HfHubHTTPError) else None
    said = (error.server_message if isinstance(error, HfHubHTTPError) else None) or str(error)
    said = " ".join(said.replace(secret, "…").split())[:_SHOWN].rstrip(".")
    status = None if response is None else response.status_code
    if status is not None:
        sentence, hint = _REFUSALS.get(status, _FAILED)
        told = {"sentence": Text(str(sentence), {"repo": repo}), "status": status, "said": said}
        return HubError(Text("{sentence} ({status}): {said}.", told), hint=hint)
    if isinstance(error, ValueError):  # what the Hub's check of the metadata says
        return HubError(
            tr("The Hub does not take {repo}: {said}.", repo=repo, said=said),
            hint=tr("Correct {card} and push again.", card=CARD),
        )
    return HubError(
        tr(
            "The upload to {endpoint} broke off: {name}: {said}.",
            endpoint=endpoint,
            name=type(error).__name__,
            said=said,
        ),
        hint=tr("Check the network and HF_ENDPOINT; the same command begins again."),
    )
