"""Where a PostgreSQL lies, and the password for it.

Source: PostgreSQL documentation, libpq: "Connection URIs", "The Password File".
"""

import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from kanaria.components.shared.config.parameters import Faults

SCHEME = re.compile("postgres(ql)?://")
TLS = ("prefer", "require", "verify-full")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A database, and who asks it.

    Attributes:
        host: its name, or the folder of its socket.
        tls: "prefer" and "require" do not look at the certificate, "verify-full" does.
    """

    user: str
    host: str
    port: int
    database: str
    tls: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"postgresql://{self.user}@{self.host}:{self.port}/{self.database}"

    def arguments(self) -> dict[str, Any]:
        """Return what the driver wants to know."""
        arguments = {"user": self.user, "database": self.database}
        if self.host.startswith("/"):
            # The driver asks a socket for TLS otherwise, which PostgreSQL does not offer there.
            return arguments | {
                "unix_sock": f"{self.host}/.s.PGSQL.{self.port}",
                "ssl_context": False,
            }
        context = {"prefer": None, "require": True, "verify-full": ssl.create_default_context()}
        return arguments | {"host": self.host, "port": self.port, "ssl_context": context[self.tls]}


def read_address(location: str) -> Address:
    """Return what a connection URI says.

    Args:
        location: postgresql://user@host:port/database, with ?sslmode= and, for a socket,
            ?host=/folder.

    Raises:
        ParameterError: parts are missing or wrong; all are named, and no password is shown.
    """
    faults = Faults("store")
    parts, port = _split(location, faults)
    options = dict(parse_qsl(parts.query))
    if parts.password or "password" in options:
        faults.add("the URI holds a password; set it as PGPASSWORD or in the file PGPASSFILE")
    host = options.pop("host", "") or parts.hostname or ""
    tls = options.pop("sslmode", "prefer")
    database = unquote(parts.path.strip("/"))
    faults.check(bool(parts.username), "user", parts.username, "write postgresql://user@host/name")
    faults.check(bool(host), "host", host, "write postgresql://user@host/name")
    faults.check(bool(database), "database", database, "write postgresql://user@host/name")
    faults.check(tls in TLS, "sslmode", tls, f"use one of {TLS}")
    options.pop("password", None)
    faults.check(not options, "options", sorted(options), "use sslmode and host")
    faults.raise_if_any()
    user = unquote(parts.username or "")
    return Address(user=user, host=host, port=port, database=database, tls=tls)


def _split(location: str, faults: Faults) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(location)
        return parts, parts.port or 5432
    except ValueError as error:
        faults.add(f"{error}; write postgresql://user@host:5432/name")
        return SplitResult("", "", "", "", ""), 0


def password_for(address: Address) -> str | None:
    """Return PGPASSWORD, or what the file PGPASSFILE has for the address, None without both."""
    path = os.environ.get("PGPASSFILE")
    if "PGPASSWORD" in os.environ or not path:
        return os.environ.get("PGPASSWORD")
    wanted = (address.host, str(address.port), address.database, address.user)
    for line in Path(path).read_text().splitlines():
        fields = [re.sub(r"\\(.)", r"\1", field) for field in re.split(r"(?<!\\):", line)]
        if len(fields) == 5 and all(f in ("*", w) for f, w in zip(fields, wanted, strict=False)):
            return fields[4]
    return None
