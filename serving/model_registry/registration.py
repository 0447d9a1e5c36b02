"""Where a release is registered, as the service's audit trail says it. Pure.

A rollout may be controlled by another process than the one that pushed, on another machine: what is
written in the trail is all that it needs to know.
"""

import time
from dataclasses import dataclass

from kanaria.serving.audit.chain import Chain
from kanaria.serving.audit.entry import Entry

REGISTERED = "registered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """A release in a registry.

    Attributes:
        uri: of the release's model, as it is served.
        server: URI of the MLflow server.
        model: name of the registered model.
        version: its version.
    """

    uri: str
    server: str
    model: str
    version: str


def entry(registration: Registration, who: str) -> Entry:
    """Return what the trail says of a registration that `who` has just made."""
    return Entry(
        when=time.time(),
        who=who,
        what=REGISTERED,
        about=registration.uri,
        why=f"model {registration.model} version {registration.version} of {registration.server}",
        numbers={
            "server": registration.server,
            "model": registration.model,
            "version": registration.version,
        },
    )


def registrations(chain: Chain) -> dict[str, Registration]:
    """Return URI of a model -> where it was registered last; the newest registration stands last.

    What another program wrote under the same word, and does not say all, is left out.
    """
    by_uri: dict[str, Registration] = {}
    for each in chain.entries:
        numbers = [each.numbers.get(name) for name in ("server", "model", "version")]
        if each.what != REGISTERED or not all(isinstance(text, str) for text in numbers):
            continue
        server, model, version = map(str, numbers)
        by_uri.pop(each.about, None)
        by_uri[each.about] = Registration(
            uri=each.about, server=server, model=model, version=version
        )
    return by_uri
