"""What Feast and the libraries of its stores raise, as errors of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pyarrow as pa
import redis.exceptions
import sqlalchemy.exc
from feast.errors import FeastError

from kanaria.components.shared.errors import DataError, NotReadyError, shown

UNREACHABLE = (
    OSError,
    psycopg.OperationalError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    sqlalchemy.exc.OperationalError,
)
REFUSED = (
    FeastError,
    TypeError,  # Of values that are none of the declared type, on their way online.
    ValueError,
    pa.ArrowException,
    psycopg.Error,
    redis.exceptions.RedisError,
    sqlalchemy.exc.SQLAlchemyError,
)


@contextmanager
def named(what: str) -> Iterator[None]:
    """Say of what a store's library raises in the block where it came from.

    Args:
        what: the store or the view, for messages.

    Raises:
        NotReadyError: a file or a database cannot be reached.
        DataError: it refused, or holds something else than Feast expects.
    """
    try:
        yield
    except UNREACHABLE as error:
        raise NotReadyError(
            f"{what}: does not answer: {shown(_line(error))}; check it, then run again"
        ) from error
    except REFUSED as error:
        raise DataError(f"{what}: {type(error).__name__}: {shown(_line(error))}") from error


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
