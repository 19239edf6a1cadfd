"""manifest.json: what a run was asked for and what its files hold, beside the rows that the store has."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from harness.analysis.tried import BoardLedger
from harness.codec import decode
from harness.engine.looks import Looks
from harness.engine.plan import AskedLess, PlannedJudge, PlannedPanel
from harness.errors import InputError
from harness.locale import Language, tr
from harness.notices import notice_facts, notices_of
from harness.pairs.planned import PlannedPairs
from harness.protocols import older_source
from harness.types import Declaration, Scale

SCHEMA: Literal[2] = 2
ANEW = tr("Run its harness eval command again to write it anew; what is stored is not done twice.")
_NEEDED = ("plan", "store", "date", "baseline", "confidence", "judges", "notices", "own_notices", "model_notices")


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedJudge:
    """A judge that joined a run after its evaluation.

    ``notices`` are what it said about the run; ``draw`` is the random draw behind it where it holds people's ratings.
    """

    judge: str
    date: str
    command: str
    notices: tuple[str, ...] = ()
    draw: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRubric:
    """The rubric of a judge as it was used: its name or path, and the hash of its text."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTest:
    """What was asked of an A/B test: the prompt that others are compared with (None: all pairs), and the confidence.

    ``select_seed`` decided halves of the tasks in tests of earlier versions; it has no use any more.
    """

    control: str | None
    confidence: float
    select_seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSwap:
    """Answers that two versions of a judge have scored, so that scores of one can be put on the scale of the other.

    ``judge``: its name in the run · ``old``: the version that scored them first · ``new``: the one that did so again ·
    ``shown``: which of the two keeps its scale on a board · ``anchors``: the keys of both verdicts on each answer ·
    ``method``: how a board equates, None: it does not · ``date``: when they were judged again.
    """

    judge: str
    old: str
    new: str
    shown: str
    anchors: tuple[tuple[str, str], ...]
    method: Literal["linear", "equipercentile"] | None
    date: str

    @property
    def equated(self) -> str:
        """The version whose scores are put on the scale of the other."""
        return self.old if self.shown == self.new else self.new


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a run's files are made of besides its rows, and the options that they are made anew by.

    ``plan`` is the digest under which ``store`` has the samples and requests. ``content`` is equal as long as the files
    beside it are still right; ``scored`` counts the verdicts with a score, by judge. ``own_notices`` are the
    evaluation's, ``model_notices`` by the model's fingerprint, ``joined`` the judges that came later, and ``notices``
    all of them. ``declared`` is what was said before looking, ``panels`` judges that count as one together,
    ``ledger`` what its boards owe to what was tried before, as of its finish, ``looks`` how often the boards were
    looked at on the way, ``asked_less`` rows of a merged run that a judge has seen less often than others, ``swaps``
    how versions of its judges were linked, ``pairs`` what judges of pairs compare. ``trainings``: the labels of the
    checkpoints of each training, earliest first.
    ``sizes`` are those of the whole task sets, ``language`` is that of its pages, ``provenance`` what every report says
    of where the figures come from.
    """

    schema: Literal[1, 2] = SCHEMA
    run: str = ""
    content: str = ""
    plan: str
    store: str
    date: str
    baseline: str
    confidence: float
    judges: tuple[PlannedJudge, ...]
    notices: tuple[str, ...]
    own_notices: tuple[str, ...]
    model_notices: Mapping[str, tuple[str, ...]]
    joined: tuple[JoinedJudge, ...] = ()
    scored: Mapping[str, int] = field(default_factory=dict)
    ab: PromptTest | None = None
    declared: Declaration = field(default_factory=Declaration)
    panels: tuple[PlannedPanel, ...] = ()
    ledger: tuple[BoardLedger, ...] = ()
    looks: Looks | None = None
    asked_less: tuple[AskedLess, ...] = ()
    swaps: tuple[JudgeSwap, ...] = ()
    pairs: tuple[PlannedPairs, ...] = ()
    trainings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    language: Language = "en"
    sizes: Mapping[str, int] = field(default_factory=dict)
    rubrics: Mapping[str, JudgeRubric] = field(default_factory=dict)
    provenance: Mapping[str, Any]


def all_notices(
    own: Sequence[str], joined: Sequence[JoinedJudge], models: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return what a run says of itself: its judges once each, then its models."""
    said = dict.fromkeys([*own, *(notice for judge in joined for notice in judge.notices)])
    return *said, *(notice for notices in models.values() for notice in notices)


def with_judges_named(
    provenance: Mapping[str, Any], judges: Sequence[PlannedJudge], joined: Sequence[JoinedJudge]
) -> dict[str, Any]:
    """Return a provenance that names these judges and says how those among them came that joined later."""
    known = dict(provenance) | {"judges": {judge.name: judge.fingerprint for judge in judges}}
    if joined:
        known["joined"] = [{"judge": one.judge, "date": one.date, "command": one.command} for one in joined]
    return known


def read_manifest(document: Mapping[str, Any], *, where: str) -> Manifest:
    """Return the manifest of a JSON document, of this schema or the one before.

    Raises:
        InputError: it is not what a version of the harness writes.
    """
    if (schema := document.get("schema")) not in (1, SCHEMA):
        raise unknown_schema(schema, where=where)
    if missing := [key for key in _NEEDED if key not in document]:
        raise InputError(tr("{missing} missing.", missing=", ".join(missing)), path=where, hint=ANEW)
    judges = document["judges"]
    if isinstance(judges, list):
        judges = [
            {"scored_by": older_source(str(judge.get("name")))} | judge if isinstance(judge, dict) else judge
            for judge in judges
        ]
    told = _told(document)
    manifest = decode(Manifest, {**document, "judges": judges, **told}, where=where)
    # numbers of a scale stay as they were written, so that files made again are the same
    scales = [Scale(**judge["scale"]) for judge in judges]
    planned = tuple(replace(judge, scale=scale) for judge, scale in zip(manifest.judges, scales, strict=True))
    joined = zip(manifest.joined, told["joined"], strict=True)
    messages = told | {"judges": planned, "joined": tuple(replace(one, notices=raw["notices"]) for one, raw in joined)}
    return replace(manifest, **messages)  # decoding keeps texts, and not what they are made of


def _told(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the messages of a document; nothing if one is not in its place, which decoding then says."""
    models, joined = document["model_notices"], document.get("joined", [])
    try:
        return {
            "notices": notices_of(document["notices"]),
            "own_notices": notices_of(document["own_notices"]),
            "model_notices": {key: notices_of(said) for key, said in models.items()},
            "joined": [one | {"notices": notices_of(one.get("notices", ()))} for one in joined],
        }
    except (AttributeError, TypeError):
        return {}


def unknown_schema(schema: object, *, where: str) -> InputError:
    """Return the error on a file that another version of the harness wrote."""
    return InputError(
        tr(
            "its schema is {schema!r}, and this version of ja-harness knows schema {schema_2}.",
            schema=schema,
            schema_2=f"1, {SCHEMA}",
        ),
        path=where,
        hint=ANEW,
    )


def manifest_document(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as plain values, in the order of its fields; messages are facts."""
    document = asdict(manifest)
    return document | {
        "notices": notice_facts(manifest.notices),
        "own_notices": notice_facts(manifest.own_notices),
        "model_notices": {key: notice_facts(said) for key, said in manifest.model_notices.items()},
        "joined": [asdict(one) | {"notices": notice_facts(one.notices)} for one in manifest.joined],
    }
