"""The schema artifact: `schema.pbtxt`, read without loading TensorFlow."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.errors import DataError, shown


def read_schema(path: str | Path) -> schema_pb2.Schema:
    """Read a schema text proto.

    Raises:
        DataError: the file does not exist or does not parse.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        return text_format.Parse(text, schema_pb2.Schema())
    except OSError as error:
        raise DataError(f"schema {shown(str(path))}: {error.strerror}") from error
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a schema text proto: {shown(str(error))}") from error
