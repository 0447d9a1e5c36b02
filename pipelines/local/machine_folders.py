"""Where everything of this machine lies."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Root:
    """The folder of everything on this machine: runs, results to reuse, files, models, serving.

    `copies` is the pipeline root: the URI below which every output is published too, or "".
    """

    path: Path
    copies: str = ""

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.path / "runs"

    @property
    def cache(self) -> Path:
        """Results to reuse."""
        return self.path / "cache"

    @property
    def files(self) -> Path:
        """The user's files by content."""
        return self.path / "files"

    @property
    def models(self) -> Path:
        """Default folder of releases."""
        return self.path / "models"

    @property
    def serving(self) -> Path:
        """State folder of local serving."""
        return self.path / "serving"
