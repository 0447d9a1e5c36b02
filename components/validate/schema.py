"""The schema a run validates under: inferred from all splits, or the user's text proto."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from kanaria.components.shared import storage
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.tensors import adapter

FILE = "schema.pbtxt"


def inferred(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList],
) -> schema_pb2.Schema:
    """Infer the schema from split `train` (else the first) and widen it by the others."""
    names = sorted(statistics, key=lambda name: (name != "train", name))
    schema = tfdv.infer_schema(statistics[names[0]], infer_feature_shape=True)
    for name in names[1:]:
        schema = tfdv.update_schema(schema, statistics[name])
    return schema


def given(schema_file: str) -> schema_pb2.Schema:
    """Read the user's schema.

    Raises:
        DataError: it does not exist, does not parse, or names no feature.
    """
    schema = adapter.read_schema(storage.local_path(schema_file))
    if not schema.feature:
        raise DataError(f"{schema_file}: the schema names no feature; add features or leave it out")
    return schema


def check_environment(schema: schema_pb2.Schema, environment: str) -> None:
    """Raise ParameterError unless `environment` is empty or known to the schema."""
    known = sorted(schema.default_environment)
    if environment and environment not in known:
        raise ParameterError(
            f"validate_data: environment={shown(environment)}: the schema's default_environment "
            f"has {shown(known)}"
        )


def write(schema: schema_pb2.Schema, folder: Path) -> None:
    """Write `schema.pbtxt` into the new folder."""
    folder.mkdir()
    (folder / FILE).write_text(text_format.MessageToString(schema), encoding="utf-8")
