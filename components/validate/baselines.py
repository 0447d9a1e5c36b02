"""Reads the statistics a run is compared with. The only reading of protos from disk here."""

from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import statistics_pb2

from kanaria.components.shared import release, storage
from kanaria.components.shared.errors import DataError, shown

FILE = "FeatureStats.pb"


def read(path: Path) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Read one `FeatureStats.pb`.

    Raises:
        DataError: it does not exist or holds no statistics.
    """
    try:
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise DataError(f"statistics {shown(str(path))}: not readable: {error}") from error
    if len(found.datasets) != 1:
        raise DataError(
            f"statistics {shown(str(path))}: holds {len(found.datasets)} data sets; give one"
        )
    return found


def previous(deployed: str) -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
    """Return split name -> statistics of the deployed release; empty when `deployed` is ""."""
    if not deployed:
        return {}
    folder = release.statistics_folder(storage.local_path(deployed))
    found = {file.parent.name: read(file) for file in sorted(folder.glob(f"*/{FILE}"))}
    if not found:
        raise DataError(f"deployed={shown(deployed)}: the release has no statistics in {folder}")
    return found


def serving(uri: str) -> statistics_pb2.DatasetFeatureStatisticsList | None:
    """Return the statistics of serving data, or None when `uri` is ""."""
    if not uri:
        return None
    path = storage.local_path(uri)
    return read(path / FILE if path.is_dir() else path)
