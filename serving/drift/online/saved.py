"""Online detectors on disk, with reference and state: JSON and npz, no pickle.

detector.json   name and settings
reference.npz   what `fit` made
state.npz       where the stream is; written anew as it goes on, the other two never are
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift import detector_files
from kanaria.serving.drift.online.adaptive_window import AdaptiveWindow, NamedReference
from kanaria.serving.drift.online.cramer_von_mises import OnlineCramerVonMises
from kanaria.serving.drift.online.fisher_exact import OnlineFisherExact
from kanaria.serving.drift.online.maximum_mean_discrepancy import OnlineMaximumMeanDiscrepancy
from kanaria.serving.drift.online.page_hinkley import PageHinkley
from kanaria.serving.drift.online.protocol import OnlineDetector, State
from kanaria.serving.drift.protocol import Reference
from kanaria.serving.drift.references.counts_reference import CountedReference
from kanaria.serving.drift.references.rows_reference import RowsReference
from kanaria.serving.drift.references.sorted_reference import OrderedReference

KINDS: detector_files.Kinds = {
    "adaptive_window": (AdaptiveWindow, NamedReference),
    "online_cramer_von_mises": (OnlineCramerVonMises, OrderedReference),
    "online_fisher_exact": (OnlineFisherExact, CountedReference),
    "online_maximum_mean_discrepancy": (OnlineMaximumMeanDiscrepancy, RowsReference),
    "page_hinkley": (PageHinkley, OrderedReference),
}


def save(folder: Path, detector: OnlineDetector[Any], reference: Reference, state: State) -> None:
    """Write all three into the new folder `folder`, whole or not at all.

    Raises:
        ParameterError: the folder exists.
    """
    arrays = {"reference": reference.arrays(), "state": state.arrays()}
    detector_files.write(folder, KINDS, detector, arrays)


def keep(folder: Path, state: State) -> None:
    """Put `state` in the place of the one in `folder`, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".state-")
    os.close(descriptor)
    made = Path(name)
    try:
        detector_files.write_arrays(made, state.arrays())
        made.rename(folder / "state.npz")
    finally:
        made.unlink(missing_ok=True)


def load(folder: Path) -> tuple[OnlineDetector[Any], Reference, State]:
    """Return the detector, the reference and the state that were last written into `folder`.

    Raises:
        DataError: a file is absent or is none that `save` or `keep` writes.
    """
    detector, reference = detector_files.read(folder, KINDS)
    arrays = detector_files.read_arrays(folder / "state.npz")
    try:
        return detector, reference, State.from_arrays(arrays)
    except (KeyError, TypeError) as error:
        raise DataError(f"{folder}: no saved state: {shown(error)}; save it anew") from error
