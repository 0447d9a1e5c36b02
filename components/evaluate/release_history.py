"""The metrics of the releases before this one, as each was evaluated at its own time.

push_model keeps a model's main metrics in its release, with the release that was live then; from
the live one back they are a chain.
"""

from dataclasses import dataclass

from kanaria.components.shared.artifacts import model_evaluation, release, verified_release
from kanaria.components.shared.artifacts.model_evaluation import ModelEvaluation
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.errors import DataError, KanariaError
from kanaria.components.shared.storage import uri_files

MOST = 20
"""Releases that are read; each is one small file of a store."""
FIRST = "The first of these releases had none before it."
MORE = f"Releases before these {MOST} are not read."
UNKNOWN = "the release keeps no metrics: an earlier Kanaria pushed it, or its blessing told none"


@dataclass(frozen=True, kw_only=True, slots=True)
class PastRelease:
    """A release and what its model was judged by before it was pushed.

    Attributes:
        uri: of the release.
        span: of its data, as a user writes it; "" without one.
        evaluation: its own.
    """

    uri: str
    span: str
    evaluation: ModelEvaluation

    @property
    def name(self) -> str:
        """Return the release's name: the beginning of its model's fingerprint."""
        return self.uri.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseHistory:
    """What is known of earlier releases.

    Attributes:
        releases: the oldest first; the last is the live one.
        end: why there is no release before the oldest, in one sentence.
    """

    releases: tuple[PastRelease, ...] = ()
    end: str = ""


def read(deployed: str, keys: VerifyKeys | None = None) -> ReleaseHistory:
    """Return the chain of releases that ends in the live one.

    A record that cannot be read ends the chain, and is told: nothing is judged by it.

    Args:
        deployed: URI of the live release; "" for none.
        keys: that releases must be signed for; None for those of the environment.
    """
    if not deployed:
        return ReleaseHistory()
    releases: list[PastRelease] = []
    uri, end, uris = deployed, FIRST, set[str]()
    while uri and uri not in uris and len(releases) < MOST:
        uris.add(uri)
        try:
            past = _past(uri, keys)
        except KanariaError as error:
            uri, end = "", str(error)
            break
        releases.insert(0, past)
        uri = past.evaluation.against
    return ReleaseHistory(releases=tuple(releases), end=MORE if uri and uri not in uris else end)


def _past(uri: str, keys: VerifyKeys | None) -> PastRelease:
    origin = verified_release.record(uri, keys).origin
    where = uri_files.join(uri, release.LINEAGE)
    if not origin.get("evaluation"):
        raise DataError(f"{where}: {UNKNOWN}")
    evaluation = model_evaluation.parse(origin["evaluation"], where)
    return PastRelease(uri=uri, span=str(origin.get("data_span", "")), evaluation=evaluation)
