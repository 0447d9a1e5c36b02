"""Parts of a URI in an object store. Pure."""

from dataclasses import dataclass

from kanaria.components.shared.errors import ParameterError, shown

SCHEMES = ("s3", "minio", "gs")


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Scheme, bucket and key; the key has no slash at its end and is "" for the bucket itself."""

    scheme: str
    bucket: str
    key: str

    def uri(self, key: str) -> str:
        """Return the URI of another key of the bucket."""
        return f"{self.scheme}://{self.bucket}/{key}"

    @property
    def below(self) -> str:
        """Return what the keys in this folder begin with."""
        return f"{self.key}/" if self.key else ""


def is_remote(uri: str) -> bool:
    """Tell whether the URI has the scheme of an object store."""
    return uri.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def parse(uri: str) -> Location | None:
    """Return the parts, or None when the URI names nothing in an object store.

    Keys are taken as they stand: `?`, `#` and `%` have no meaning of their own in them.

    Raises:
        ParameterError: the URI names no bucket.
    """
    if not is_remote(uri):
        return None
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if not bucket:
        raise ParameterError(f"uri={shown(uri)}: names no bucket; use {scheme}://<bucket>/<key>")
    return Location(scheme=scheme, bucket=bucket, key=key.rstrip("/"))
