"""Reads the statistics that a run is compared with."""

from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import statistics_pb2

from kanaria.components.shared.artifacts import release, verified_release
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.data.data_reference import PIN
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import content_pin, uri_files
from kanaria.components.validate.artifact_files import STATISTICS

STAND_IN = "train"
REMEDY = f"give a {STATISTICS} as TFDV writes it, or the folder that holds one"

Statistics = dict[str, statistics_pb2.DatasetFeatureStatisticsList]


def read(path: Path, source: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Read one `FeatureStats.pb`.

    Args:
        path: the file.
        source: the parameter that led to it, for the message.

    Raises:
        DataError: it does not exist, or holds not exactly one data set with features.
    """
    try:
        statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
    except OSError as error:
        raise DataError(f"{source}: {shown(str(path))}: {error.strerror}; {REMEDY}") from error
    except DecodeError as error:
        raise DataError(f"{source}: {shown(str(path))}: not TFDV statistics; {REMEDY}") from error
    if len(statistics.datasets) != 1 or not statistics.datasets[0].features:
        holds = f"holds {len(statistics.datasets)} data sets, not one with features"
        raise DataError(f"{source}: {shown(str(path))}: {holds}; {REMEDY}")
    return statistics


def previous(deployed: str, keys: VerifyKeys | None = None) -> Statistics:
    """Return split name -> statistics of the deployed release; empty when `deployed` is "".

    Args:
        deployed: URI of the release.
        keys: that it must be signed for; None for those of the environment.

    Raises:
        DataError: the release has no statistics, or they cannot be read.
    """
    if not deployed:
        return {}
    uri, source = uri_files.join(deployed, release.STATISTICS), f"deployed={shown(deployed)}"
    absent = DataError(f"{source}: no statistics in {uri}; give a whole release, or none")
    with verified_release.opened(deployed, release.STATISTICS, keys) as folder:
        statistics = by_split(folder, source) if folder else {}
    if not statistics:
        raise absent
    return statistics


def by_split(folder: Path, source: str) -> Statistics:
    """Return split name -> statistics of all splits in a folder; `train` first.

    Raises:
        DataError: one cannot be read.
    """
    files = sorted(folder.glob(f"*/{STATISTICS}"), key=lambda f: (f.parent.name != STAND_IN, f))
    return {file.parent.name: read(file, source) for file in files}


def of_split(
    statistics: Statistics, split: str
) -> tuple[str, statistics_pb2.DatasetFeatureStatisticsList | None]:
    """Choose what a split is compared with: the same split, else `train`, else nothing.

    A release made before a split was added would otherwise block every later run.
    """
    name = split if split in statistics else STAND_IN
    return name, statistics.get(name)


def serving(uri: str) -> statistics_pb2.DatasetFeatureStatisticsList | None:
    """Return the statistics of serving data, which may be pinned, or None when `uri` is "".

    Raises:
        DataError: they do not exist or are not TFDV statistics.
    """
    if not uri:
        return None
    source = f"serving_statistics={shown(uri)}"
    if not uri_files.exists(uri.partition(PIN)[0]):
        raise DataError(f"{source}: no such file or folder; {REMEDY}")
    with content_pin.opened("serving_statistics", uri) as path:
        return read(path / STATISTICS if path.is_dir() else path, source)
