"""The revision that users have while a new one is checked, and what its release says of it."""

from dataclasses import dataclass

from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.artifacts.release import samples_beside
from kanaria.components.shared.artifacts.serving_samples import ServingSamples
from kanaria.components.shared.storage import uri_files


@dataclass(frozen=True, kw_only=True, slots=True)
class StableRevision:
    """A revision beside the new one.

    Attributes:
        url: of its own.
        storage_uri: of its model; "" where it is not known.
    """

    url: str
    storage_uri: str

    def samples(self) -> ServingSamples | None:
        """Return what was written of its model when it was trained, None where nothing was.

        Raises:
            KanariaError: it is damaged, or its store refuses or does not answer.
        """
        if not self.storage_uri:
            return None
        folder = samples_beside(self.storage_uri)
        if not uri_files.exists(uri_files.join(folder, serving_samples.SIGNATURE)):
            return None
        with uri_files.opened(folder) as copy:
            return serving_samples.read(copy)
