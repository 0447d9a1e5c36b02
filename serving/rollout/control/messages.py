"""What people are told of a kept rollout: a line, where it stands, and its timeline."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from kanaria.components.shared.storage import atomic
from kanaria.serving.rollout.control.rollout_store import Store, Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.timeline import status_lines, timeline_page
from kanaria.serving.rollout.timeline.record_history import read


class LineListener:
    """Says a line for every new entry of a rollout's record."""

    def __init__(self, say: Callable[[str], None], now: Callable[[], float] = time.time) -> None:
        """Say lines by `say`; `now` is the clock, seconds since 1970."""
        self._say, self._now = say, now
        self._entries = -1

    def __call__(self, stored: Stored) -> None:
        """Hear of a rollout."""
        rollout = stored.rollout
        if rollout.entries != self._entries:
            self._say(status_lines.line(rollout.state, rollout.policy, self._now()))
        self._entries = rollout.entries


def status(rollout: Rollout, now: float) -> str:
    """Return where the rollout stands at `now`, seconds since 1970, and what is waited for."""
    return status_lines.status(asdict(rollout.target), rollout.state, rollout.policy, now)


def write_timeline(store: Store, rollout: Rollout, path: Path) -> None:
    """Write the timeline of a rollout, with all of its record, as one HTML file."""
    target = rollout.target
    entries = store.entries(target.namespace, target.service, rollout.number)
    history = read(asdict(target), rollout.policy, rollout.started, entries)
    atomic.write_text(path, timeline_page.render(history))
