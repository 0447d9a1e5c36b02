"""Every error Kanaria raises on purpose, split by what the caller does next.

KanariaError
├── ParameterError   parameters or a configuration are wrong: mend them and call again
├── DataError        the data, schema or model handed over is wrong: mend the data
├── UserCodeError    the user's module could not be loaded or failed: mend the module
├── NotReadyError    the world did not reach the asked state in time: look, then retry
├── ConflictError    somebody else changed it since it was read: read it again, decide anew
└── PermissionDeniedError   the account may not do this: ask for the named rule

A message is one line (a step's last log line is its cause): what, where, the offending
value, the remedy. Values are cut to 200 characters, so untrusted data cannot flood a log.
"""

MAX_VALUE_LENGTH = 200


class KanariaError(Exception):
    """Root of all errors raised on purpose."""


class ParameterError(KanariaError):
    """Parameters or configuration are wrong; the message lists every fault at once."""


class DataError(KanariaError):
    """Data, a schema or a model handed to a step is wrong."""


class UserCodeError(KanariaError):
    """A user module could not be loaded, or a function in it failed or broke its contract."""


class NotReadyError(KanariaError):
    """The world did not reach the asked state in time."""


class ConflictError(KanariaError):
    """Somebody else changed an object since it was read, or owns a field of it.

    `managers` are the owners of fields, empty when the object has changed as a whole.
    """

    def __init__(self, message: str, managers: frozenset[str] = frozenset()) -> None:
        """Name what was refused, and who owns what was to be changed."""
        super().__init__(message)
        self.managers = managers


class PermissionDeniedError(KanariaError):
    """The account may not do what was asked."""


def shown(value: object, longest: int = MAX_VALUE_LENGTH) -> str:
    """Return `repr(value)` on one line, cut to `longest` characters, for an error message."""
    text = repr(value).replace("\n", "\\n")
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text)} characters)"
