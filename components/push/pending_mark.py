"""The mark beside a release: a push of it has begun and not ended.

It holds the number of the service's newest rollout at that time. A rollout of the same model that
has begun since decides over its traffic, and what the push was about to do is void.
"""

from kanaria.components.shared.storage import uri_files
from kanaria.serving.rollout.control.stored_rollout import Rollout

ENDING = ".pending"
"""Of the file's name."""


def put(uri: str, newest: Rollout | None) -> None:
    """Mark that a push has begun, while this is the newest rollout of the service."""
    uri_files.write_text(uri, f"{newest.number if newest else 0}\n")


def stands(uri: str, newest: Rollout | None, model: str) -> bool:
    """Tell whether there is a mark that no rollout of the model has made void since."""
    if not uri_files.exists(uri):
        return False
    text = uri_files.read_text(uri).strip()
    number = int(text) if text.isdecimal() else 0
    return newest is None or newest.target.canary_uri != model or newest.number <= number
