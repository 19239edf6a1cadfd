"""A judge behind a server that can be held to one version of its model: where another answers, there is no score."""

from harness.locale import tr
from harness.protocols import version_fingerprint
from harness.types import Verdict
from harness.unscored import Unscored


class KeptVersion:
    """What `harness.protocols.KeepsVersion` asks of a judge, whose verdicts say the version that gave them."""

    fingerprint: str
    kept_version: str | None = None
    _own_fingerprint: str | None = None

    def keep_version(self, version: str | None) -> None:
        """Count verdicts of one version of the model alone from now on, or of any."""
        own = self._own_fingerprint = self._own_fingerprint or self.fingerprint
        self.kept_version = version
        self.fingerprint = own if version is None else version_fingerprint(own, version)

    def of_kept_version(self, verdict: Verdict) -> Verdict:
        """Return a verdict, or that it is none because another version answered; nobody was asked where raw is None."""
        if self.kept_version is None or verdict.raw is None or verdict.version == self.kept_version:
            return verdict
        said = tr(
            "the server answers as {version}, and this board is judged by {kept}",
            version=verdict.version or tr("an unnamed version"),
            kept=self.kept_version,
        )
        return Verdict.failed(
            Unscored("version_changed", said), raw=verdict.raw, version=verdict.version, cost=verdict.cost
        )
