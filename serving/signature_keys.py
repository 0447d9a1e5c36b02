"""Where the keys of releases' signatures lie, as `delivery` and the environment say it. Pure.

A private key comes by a file alone: of a Secret that is mounted, for instance. Its text stands in
no parameter, and where somebody wrote it there nothing of it is repeated.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared.artifacts import verify_keys
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.config.keys import Key, Kind
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown

VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
KEYS = (
    Key(
        name="signing_key",
        kind=Kind.TEXT,
        meaning="/etc/signing/key.pem: file of the private key that signs each release, where "
        "push_model runs; or $NAME, the variable that holds the file's path; empty for no "
        "signature.",
        default="",
    ),
    Key(
        name="verify_key",
        kind=Kind.TEXT,
        meaning="/etc/signing/public.pem: file of the public key that a release must be signed "
        "for before anything points at it, or $NAME; empty for KANARIA_VERIFY_KEY, else that of "
        "signing_key.",
        default="",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureKeys:
    """Keys of a push, None where there is none.

    Attributes:
        signing: file of the private key that signs.
        verifying: the public keys that signatures must be made for.
    """

    signing: Path | None = None
    verifying: VerifyKeys | None = None


def check(name: str, text: str, faults: Faults) -> None:
    """Add the fault of a key's setting; a key's own text is not shown."""
    if "\n" in text or "-----" in text:
        faults.add(
            f"{name}: the text of a key; write the path of its file, for this text is in every "
            "record of the run, and make a new key"
        )
        return
    fits = not text or Path(text).is_absolute() or VARIABLE.fullmatch(text) is not None
    faults.check(fits, name, text, "write a whole path, or $NAME of an environment variable")


def path_of(name: str, text: str) -> Path | None:
    """Return the file that a setting names; None for "".

    Raises:
        ParameterError: it names an environment variable that is not set.
    """
    variable = VARIABLE.fullmatch(text)
    if not variable:
        return Path(text) if text else None
    path = os.environ.get(variable[1], "")
    if not path:
        raise ParameterError(f"{name}={shown(text)}: not set here; set it to a path")
    return Path(path)


def verifying(verify_key: str) -> VerifyKeys | None:
    """Return the keys that a delivery's `verify_key` names, else KANARIA_VERIFY_KEY, or None.

    Raises:
        ParameterError: what is named holds no key that verifies.
    """
    path = path_of("delivery.verify_key", verify_key)
    return VerifyKeys.of_file(path) if path else verify_keys.of_environment()
