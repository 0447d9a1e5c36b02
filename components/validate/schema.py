"""The schema a run validates under: inferred from all splits, or the user's text proto."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.components.validate import private_tfdv

FILE = "schema.pbtxt"


def inferred(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList],
) -> tuple[schema_pb2.Schema, list[str]]:
    """Infer the schema from split `train` (else the first) and widen it by the others.

    Returns:
        The schema, and a note for each feature that a further split has no value of.
    """
    names = sorted(statistics, key=lambda name: (name != "train", name))
    schema = private_tfdv.infer_schema(statistics[names[0]])
    notes = []
    for name in names[1:]:
        schema = private_tfdv.update_schema(schema, statistics[name])
        notes += [
            f"feature {shown(feature.name)} has no value in split {name}; the schema keeps it, "
            "as one that may be missing"
            for feature in schema.feature
            if _made_optional(feature)
        ]
    return schema, notes


def _made_optional(feature: schema_pb2.Feature) -> bool:
    """Take back a deprecation, and tell whether there was one.

    `tfdv.update_schema` deprecates a feature without values in one split, and all TFX libraries
    then leave it out of every split.
    """
    if feature.lifecycle_stage != schema_pb2.DEPRECATED:
        return False
    feature.ClearField("lifecycle_stage")
    feature.ClearField("shape")
    feature.presence.Clear()
    feature.presence.min_count = 0
    return True


def _fault(where: str, text: str, error: text_format.ParseError) -> DataError:
    lines = text.splitlines()
    number = error.GetLine() or 0
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    message = str(error).partition(" : ")[2] or str(error)
    return DataError(
        f"{where}:{number}:{error.GetColumn()}: {shown(message)} in {shown(line)}; "
        "write it as a text proto of tensorflow.metadata.v0.Schema"
    )


def of_user(schema_file: str) -> schema_pb2.Schema:
    """Read the user's schema.

    Raises:
        NotReadyError: its store does not answer.
        DataError: the file cannot be read or does not parse, names no feature, or names one twice.
    """
    try:
        text = uri_files.read_text(schema_file)
    except DataError as error:
        raise DataError(f"schema_file={shown(schema_file)}: {error}") from error
    try:
        schema = text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise _fault(schema_file, text, error) from error
    if not schema.feature:
        raise DataError(f"{schema_file}: the schema names no feature; add features or leave it out")
    twice = [name for name, times in Counter(f.name for f in schema.feature).items() if times > 1]
    if twice:
        raise DataError(
            f"{schema_file}: features {shown(twice)} stand there twice; keep one of each"
        )
    return schema


def check_environment(schema: schema_pb2.Schema, environment: str) -> None:
    """Raise ParameterError unless `environment` is empty or known to the schema."""
    environments = sorted(schema.default_environment)
    if environment and environment not in environments:
        listed = ", ".join(environments) or "none"
        raise ParameterError(
            f"validate_data: environment={shown(environment)}: not a default_environment of the "
            f"schema; it lists: {listed}"
        )


def write(schema: schema_pb2.Schema, folder: Path) -> None:
    """Write `schema.pbtxt` into the new folder; equal schemas give equal bytes."""
    folder.mkdir()
    (folder / FILE).write_text(text_format.MessageToString(schema), encoding="utf-8")
