"""References to a database: a connection URI without a password, and as of when it is asked.

postgresql://reader@db:5432/shop             libpq's form; also sqlite:///shop.db
postgresql://reader@db:5432/shop#at=<text>   the same, asked as of some time

Nobody knows the content of a table before it is read, so nothing can pin it. The text after
`#at=` stands for it in a cache's key: an equal text says that the earlier answer may be used.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from kanaria.components.shared.errors import ParameterError

AT = "#at="
STORES = ("file", "s3", "minio", "gs")
SECRET = re.compile("passw|pwd|token|secret", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseReference:
    """A database that can be asked.

    Attributes:
        scheme: kind of the database, such as `postgresql`.
        uri: connection URI as its driver takes it; without a password.
        name: what messages call it: scheme, user, host and database.
    """

    scheme: str
    uri: str
    name: str


def is_database(data: str) -> bool:
    """Tell whether a reference names a database: a URI whose scheme is no file store's."""
    scheme = re.match(r"([a-z][a-z0-9+.-]*)://", data)
    return scheme is not None and scheme[1] not in STORES


def dated(data: str, at: str) -> str:
    """Return the reference as of `at`, for a cache's key; one that says as of when stays."""
    return data if AT in data else f"{data}{AT}{at}"


def parse(data: str) -> DatabaseReference:
    """Read a reference to a database.

    Raises:
        ParameterError: it holds a password or another secret, which the message does not show.
    """
    uri = data.partition(AT)[0]
    scheme, _, rest = uri.partition("://")
    place, _, options = rest.partition("?")
    # Whatever ends in an @ may be a password, even where it is not escaped as it should be.
    has_password = re.match("[^/?@]*:[^@]+@", rest) is not None
    if has_password or any(SECRET.search(key) for key, _ in parse_qsl(options)):
        raise ParameterError(
            f"data: the {scheme} URI holds a password; leave it out and set it where the step "
            "runs, for PostgreSQL as PGPASSWORD or PGPASSFILE (write @ elsewhere as %40)"
        )
    if "#" in uri:
        raise ParameterError(
            f"data: the {scheme} URI has a '#'; a database cannot be pinned: let nothing but "
            f"{AT}<time> follow, and write # elsewhere as %23"
        )
    return DatabaseReference(scheme=scheme, uri=uri, name=f"{scheme}://{place.replace(':@', '@')}")
