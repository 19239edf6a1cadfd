"""Data sets of the Hugging Face Hub, and folders that `datasets` can load."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import datasets
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from harness.codec import canonical
from harness.errors import HarnessError, HubError, InputError, UsageError
from harness.locale import tr
from harness.tables import Row, Table
from harness.tables.parquet import arrow_rows

_SECONDS_TO_ANSWER = 15
# A split may be a slice, as in train[:10%], whose colon is no separator.
_SPEC = re.compile(
    r"(?P<name>[^@:][^@]*?)(?:@(?P<revision>[^:]+))?"
    r"(?::(?:(?P<subset>\w[\w.+-]*)/)?(?P<split>\w[\w.+-]*(?:\[[^\]]*\])?))?"
)
_FORM = "hub:ORG/NAME[@REVISION][:[SUBSET/]SPLIT]"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSpec:
    """A data set as asked for; ``revision`` None means the newest, ``subset`` None the only one (or the default)."""

    name: str
    revision: str | None = None
    subset: str | None = None
    split: str = "train"

    @property
    def part(self) -> str:
        """Which rows of the data set: SPLIT or SUBSET/SPLIT."""
        return f"{self.subset}/{self.split}" if self.subset else self.split


def parse_spec(source: str) -> HubSpec:
    """Return what ``hub:NAME[@REVISION][:[SUBSET/]SPLIT]`` asks for; a path that exists is a name as a whole.

    >>> parse_spec("hub:org/name@v1.0:ja/test[:50]")
    HubSpec(name='org/name', revision='v1.0', subset='ja', split='test[:50]')
    >>> parse_spec("hub:org/name").part
    'train'

    Raises:
        UsageError: there is no name.
    """
    whole = source.removeprefix("hub:")
    if whole and Path(whole).expanduser().exists():
        return HubSpec(name=whole)
    match = _SPEC.fullmatch(whole)
    if match is None:
        raise UsageError(tr("{source!r} names no data set.", source=source), hint=tr("Write {form}.", form=_FORM))
    return HubSpec(
        name=match["name"], revision=match["revision"], subset=match["subset"], split=match["split"] or "train"
    )


def read_hub(source: str) -> Table:
    """Return the rows of a data set; ``line`` is the row's number from 1, ``path`` names the commit that was read.

    Only data files are read: `datasets` since its release 4 runs no code of a data set. ``sha256`` is that of the rows
    as canonical JSON, one a line, so that it does not depend on how they are stored, here or there. Without a network,
    `datasets` retries for some seconds and then takes its own copy, if no revision was asked for.

    Raises:
        HarnessError: there is no such data set, revision or split, access is refused, or there is neither network nor
            copy.
        InputError: its files or cells cannot be read, or it has no rows.
        UsageError: no name, or a revision of a folder.
    """
    spec = parse_spec(source)
    folder = Path(spec.name).expanduser()
    if folder.exists():
        if spec.revision:
            raise UsageError(
                tr(
                    "{name} is a folder here, which has no revision {revision!r}.",
                    name=spec.name,
                    revision=spec.revision,
                )
            )
        shown, rows = source, _load(str(folder), spec, None, source)
    else:
        commit = _commit(spec)
        at = f"@{commit[:12]}" if commit else ""
        shown = f"hub:{spec.name}{at}:{spec.part}"
        rows = _load(spec.name, spec, commit, shown)
    if not rows:
        raise InputError(tr("the data set has no rows"), path=shown)
    hashed = hashlib.sha256()
    for row in rows:
        hashed.update(canonical(row.values).encode("ascii") + b"\n")
    return Table(path=shown, sha256=hashed.hexdigest(), rows=tuple(rows))


def _commit(spec: HubSpec) -> str | None:
    """Return the commit that the revision means, or None if the Hub cannot be asked and a copy would do."""
    try:
        return str(HfApi().dataset_info(spec.name, revision=spec.revision, timeout=_SECONDS_TO_ANSWER).sha)
    except GatedRepoError as error:
        raise HubError(
            tr("The Hub refuses {name!r}: it is gated.", name=spec.name),
            hint=tr("Accept its terms on its page, then: hf auth login"),
        ) from error
    except RevisionNotFoundError as error:
        raise HubError(
            tr("The Hub has no revision {revision!r} of the data set {name!r}.", revision=spec.revision, name=spec.name)
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise HubError(
            tr("Neither a folder here nor the Hub has the data set {name!r}.", name=spec.name),
            hint=tr("Check the spelling; for a private data set: hf auth login"),
        ) from error
    except Exception as error:  # the HTTP library, and with it its errors, differs between versions
        if spec.revision:  # the copies that datasets keeps do not say of which revision they are
            raise _unreachable(spec) from error
        return None


def _load(target: str, spec: HubSpec, commit: str | None, shown: str) -> list[Row]:
    try:
        data = datasets.load_dataset(target, spec.subset, split=spec.split, revision=commit)
    except ConnectionError as error:
        raise _unreachable(spec) from error
    except datasets.exceptions.DatasetGenerationError as error:
        reason = _in_one_line(error.__cause__ or error)
        raise InputError(tr("its files cannot be read: {reason}", reason=reason), path=shown) from error
    except Exception as error:  # unknown splits and subsets, no data files: each of another class
        raise InputError(
            tr("datasets cannot load it: {error}", error=_in_one_line(error)),
            path=shown,
            hint=tr("The form is {form}; or download one of its files and pass its path.", form=_FORM),
        ) from error
    return arrow_rows(data.with_format("arrow")[:], shown)


def _unreachable(spec: HubSpec) -> HarnessError:
    at = f" at revision {spec.revision!r}" if spec.revision else ""
    return HubError(
        tr(
            "The Hub cannot be reached for the data set {name!r}{at}, and there is no local copy to use.",
            name=spec.name,
            at=at,
        ),
        hint=tr("Check the network, or download its files elsewhere and pass their folder."),
    )


def _in_one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
