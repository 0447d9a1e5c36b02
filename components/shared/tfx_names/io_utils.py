"""TFX's `io_utils`: whole files, and messages as text protos."""

from typing import Any

from google.protobuf import json_format, text_format

from kanaria.components.shared.tfx_names import fileio


def read_bytes_file(file_name: str) -> bytes:
    """Return the bytes of a file."""
    with fileio.open(file_name, "rb") as file:
        return bytes(file.read())


def read_string_file(file_name: str) -> str:
    """Return the text of a UTF-8 file."""
    return read_bytes_file(file_name).decode("utf-8")


def write_bytes_file(file_name: str, content: bytes) -> None:
    """Write a file and the folders above it."""
    folder = file_name.rpartition("/")[0]
    if folder:
        fileio.makedirs(folder)
    with fileio.open(file_name, "wb") as file:
        file.write(content)


def write_string_file(file_name: str, string_value: str) -> None:
    """Write a text as UTF-8, and the folders above it."""
    write_bytes_file(file_name, string_value.encode("utf-8"))


def parse_pbtxt_file(file_name: str, message: Any) -> Any:
    """Fill `message`, a protocol buffer, from the text proto at `file_name` and return it."""
    return text_format.Parse(read_string_file(file_name), message)


def parse_json_file(file_name: str, message: Any) -> Any:
    """Fill `message`, a protocol buffer, from its JSON at `file_name` and return it."""
    return json_format.Parse(read_string_file(file_name), message)


def write_pbtxt_file(file_name: str, proto: Any) -> None:
    """Write a message as a text proto."""
    write_string_file(file_name, text_format.MessageToString(proto))


class SchemaReader:
    """Reads schemas."""

    def read(self, schema_path: str) -> Any:
        """Return the `schema_pb2.Schema` of the text proto at `schema_path`."""
        from tensorflow_metadata.proto.v0 import schema_pb2

        return parse_pbtxt_file(schema_path, schema_pb2.Schema())
