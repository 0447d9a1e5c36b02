"""The revision that users have while a new one is checked, and what its release says of it."""

from dataclasses import dataclass

from kanaria.components.shared.artifacts import release, serving_samples, verified_release
from kanaria.components.shared.artifacts.serving_samples import ServingSamples


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
            KanariaError: it is damaged, not signed where keys are asked for, or its store refuses
                or does not answer.
        """
        if not self.storage_uri:
            return None
        uri = release.of_model(self.storage_uri)
        with verified_release.opened(uri, release.SERVING_SAMPLES) as folder:
            return None if folder is None else serving_samples.read(folder)
