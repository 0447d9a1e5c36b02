"""Where run_fn finds and leaves files. No TensorFlow."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where run_fn finds and leaves files.

    Attributes:
        saved: `fn_args.serving_model_dir`, which it makes.
        logs: `fn_args.model_run_dir`.
        base: SavedModel to start from, or None.
    """

    saved: Path
    logs: Path
    base: Path | None

    def as_json(self) -> dict[str, str]:
        """Return the places as JSON can hold them."""
        return {name: str(path) for name, path in asdict(self).items() if path is not None}

    @classmethod
    def of_json(cls, values: Mapping[str, str]) -> "Places":
        """Return what `as_json` gave."""
        base = values.get("base")
        return cls(
            saved=Path(values["saved"]),
            logs=Path(values["logs"]),
            base=Path(base) if base else None,
        )


Run = Callable[[Places], None]
"""Trains, and leaves a SavedModel at `saved`."""
