"""Secrets of Kafka's client: which properties hold some, and where a file says that they are.

    secrets: {sasl.password: {env: KAFKA_PASSWORD}, ssl.key.password: {file: /run/secrets/key}}

Source of the names: librdkafka 2.16, CONFIGURATION.md.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from kanaria.components.shared.config.parameters import Faults

PARTS = ("password", "passphrase", "secret", "key.pem", "oauthbearer.config", "jaas", "kinit.cmd")
"""What the names of such properties have in them."""


class SecretPlace(BaseModel):
    """Where a secret is; exactly one key.

    Attributes:
        env: name of an environment variable.
        file: path of a file; a line end at its end is not part of the secret.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    env: str = ""
    file: str = ""

    @model_validator(mode="after")
    def _one(self) -> "SecretPlace":
        if bool(self.env) == bool(self.file):
            raise ValueError("name either env or file")
        return self


def check_written(
    names: Iterable[str], places: Mapping[str, SecretPlace], where: tuple[str, str], faults: Faults
) -> None:
    """Add a fault for each secret that stands in a file itself; its value is never shown.

    Args:
        names: properties whose values stand in the file.
        places: property -> where its value is.
        where: names of both mappings in the file, as ("kafka", "secrets").
        faults: where they are added.
    """
    values, secrets = where
    for name in names:
        if any(part in name for part in PARTS):
            faults.add(f"{values}.{name} is a secret: name where it is in {secrets}")
        elif name in places:
            faults.add(f"{values}.{name} stands in {secrets} too: keep one of both")


def secret_values(
    places: Mapping[str, SecretPlace], environment: Mapping[str, str], where: str, faults: Faults
) -> dict[str, str]:
    """Return property -> secret, of those that are where the file says; others are faults.

    Args:
        places: property -> where its value is.
        environment: of the process.
        where: name of the mapping in the file, as "secrets".
        faults: where they are added.
    """
    values = {}
    for name, place in places.items():
        try:
            secret = environment[place.env] if place.env else _text_of(Path(place.file))
        except KeyError:
            fault = f"env={place.env!r}: there is no such variable; set it"
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not text"
            fault = f"file={place.file!r}: {why}; write the secret there"
        else:
            source = f"env={place.env!r}" if place.env else f"file={place.file!r}"
            fault = "" if secret else f"{source}: it is empty; write the secret there"
            values[name] = secret
        if fault:
            faults.add(f"{where}.{name}.{fault}")
    return values


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8").rstrip("\r\n")
