"""Files of data sets on the Hugging Face Hub at one revision: the one asked for, else the one of the first use.

Where nobody knows a revision beforehand, the default branch is resolved to its commit once and written down in the
cache folder; from then on every run reads that commit, until another is asked for by name.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import huggingface_hub

from harness.errors import HubError
from harness.installation import cache_folder
from harness.locale import Text, tr
from harness.remote.reach import hub_is_reachable

_SECONDS_TO_ANSWER = 10.0
_RECORD = "task-revisions.json"
_ENDINGS = (".parquet", ".jsonl", ".json", ".csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file of a data set at a commit, and where its copy lies."""

    repo: str
    revision: str
    file: str
    path: Path

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision}/{self.file}"


def hub_file(repo: str, *, split: str, revision: str | None, task: str) -> HubFile:
    """Return the file of a data set's ``split``, fetched at ``revision`` or else at the revision of the first use.

    The Hub's own settings apply: ``HF_ENDPOINT``, ``HF_HOME``, ``HF_HUB_OFFLINE``. A copy fetched before is not fetched
    again, and no server is asked.

    Raises:
        HubError: the Hub cannot be reached, or has no such data set, revision or file.
    """
    known = _record().get(repo, {})
    if known and revision in (None, known.get("revision")):
        cached = huggingface_hub.try_to_load_from_cache(
            repo, known["file"], revision=known["revision"], repo_type="dataset"
        )
        if isinstance(cached, str):
            return HubFile(repo=repo, revision=known["revision"], file=known["file"], path=Path(cached))
        revision = known["revision"]
    place, what = f"{repo}@{revision or 'main'}", tr("the dataset {repo}", repo=repo)
    if not hub_is_reachable():
        raise not_fetched(task, place, tr("no connection"), what)
    try:
        found = huggingface_hub.HfApi().dataset_info(repo, revision=revision, timeout=_SECONDS_TO_ANSWER)
        commit = found.sha or revision or "main"
        file = _chosen([sibling.rfilename for sibling in found.siblings or ()], split)
        path = Path(huggingface_hub.hf_hub_download(repo, file, repo_type="dataset", revision=commit))
    except Exception as error:  # the Hub client's errors share no base class across its versions
        raise not_fetched(task, place, error, what) from error
    _remember(repo, commit, file)
    return HubFile(repo=repo, revision=commit, file=file, path=path)


def not_fetched(task: str, place: str, reason: Text | Exception, what: str) -> HubError:
    """Return the error of a data set that is not to be had at ``place``; ``what`` is to be got elsewhere."""
    if not isinstance(reason, Text):
        first_line = next(iter(str(reason).splitlines()), "")
        reason = tr("{name}: {first_line}", name=type(reason).__name__, first_line=first_line)
    return HubError(
        tr(
            "Task {task!r} could not be fetched from the Hub ({url}): {reason}",
            task=task,
            url=place,
            reason=reason,
        ),
        hint=tr("Without a network, get {what} elsewhere and pass --task {task}=PATH.", what=what, task=task),
    )


def _chosen(files: Sequence[str], split: str) -> str:
    """Return the file that holds a split: one named after it, else the only table.

    Raises:
        LookupError: there is no such file.

    >>> _chosen(["README.md", "data/test-00000-of-00001.parquet", "data/train-00000-of-00001.parquet"], "test")
    'data/test-00000-of-00001.parquet'
    >>> _chosen(["README.md", "questions.jsonl"], "train")
    'questions.jsonl'
    """
    tables = [file for file in files if file.lower().endswith(_ENDINGS) and not Path(file).name.startswith("dataset_")]
    tables.sort(key=lambda file: (_ENDINGS.index(Path(file).suffix.lower()), file))
    named = [file for file in tables if split in Path(file).name.lower()]
    if not named and len(tables) != 1:
        raise LookupError(f"no table of the split {split!r}")
    return named[0] if named else tables[0]


def _place() -> Path:
    return cache_folder() / _RECORD


def _record() -> dict[str, dict[str, str]]:
    """Return the revisions on record; a file that cannot be read holds none."""
    try:
        found = json.loads(_place().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        repo: known for repo, known in found.items() if isinstance(known, dict) and {"revision", "file"} <= set(known)
    }


def _remember(repo: str, revision: str, file: str) -> None:
    """Write a revision down; where nothing can be written, the next run asks again."""
    place = _place()
    kept = _record() | {repo: {"revision": revision, "file": file}}
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f"{place.name}.{os.getpid()}")
        part.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        part.replace(place)
    except OSError:
        return
