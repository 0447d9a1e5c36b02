"""What a push says in the service's audit trail.

entry          written                                      by a push that was killed before
------------   ------------------------------------------   ------------------------------------
push           before anything of the service is changed    not again: the same push goes on
pushed         when the model is served                     by the same push, run again
push refused   when a check has stopped it
push failed    when an error has ended it

No push changes what is served without an entry, and one that changes nothing writes none.
"""

import getpass
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kanaria.components.push.deliver_release import Endpoint
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.one_line import one_line
from kanaria.serving.audit.chain import Chain
from kanaria.serving.audit.entry import Entry
from kanaria.serving.audit.trail_store import Due, TrailStore

PUSH, PUSHED, REFUSED, FAILED = "push", "pushed", "push refused", "push failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class PushTrail:
    """The trail of the service that is pushed to.

    Attributes:
        trails: where it is kept.
        namespace: of the service.
        service: its name.
        uri: of the model.
        who: pushes it.
        numbers: what it is pushed on.
    """

    trails: TrailStore
    namespace: str
    service: str
    uri: str
    who: str
    numbers: Mapping[str, Any]

    def begin(self, why: str) -> None:
        """Say that the push begins, unless this very push was killed and goes on.

        Raises:
            DataError: the trail is damaged.
            NotReadyError, ConflictError: it cannot be written.
        """
        entry = self._entry(PUSH, why, self.numbers)
        self._append(lambda chain: () if self._is_open(chain) else (entry,))

    def end(self, endpoint: Endpoint) -> None:
        """Say what came of the push, if it began or was refused; raises as `begin` does."""
        checks = [asdict(result) for result in endpoint.checks]
        numbers = {"revision": endpoint.revision, "percent": endpoint.percent, "checks": checks}
        entry = self._entry(PUSHED if endpoint.pushed else REFUSED, endpoint.reason, numbers)
        is_refused = not endpoint.pushed
        self._append(lambda chain: (entry,) if is_refused or self._is_open(chain) else ())

    def fail(self, error: KanariaError) -> None:
        """Say that an error has ended the push, if it began; raises as `begin` does."""
        entry = self._entry(FAILED, one_line(str(error)), {})
        self._append(lambda chain: (entry,) if self._is_open(chain) else ())

    def _append(self, due: Due) -> None:
        self.trails.append(self.namespace, self.service, due)

    def _entry(self, what: str, why: str, numbers: Mapping[str, Any]) -> Entry:
        return Entry(
            when=time.time(), who=self.who, what=what, about=self.uri, why=why, numbers=numbers
        )

    def _is_open(self, chain: Chain) -> bool:
        """Tell whether this push has begun and not ended."""
        own = [
            entry.what
            for entry in chain.entries
            if entry.source is None and (entry.about, entry.who) == (self.uri, self.who)
        ]
        return own[-1:] == [PUSH]


def pusher(run_id: str) -> str:
    """Return who pushes: the run, else the account of this process."""
    if run_id:
        return f"push_model of run {run_id}"
    try:
        return f"push_model of {getpass.getuser()}"
    except KeyError:  # A container may run as any user id.
        return f"push_model of uid {os.getuid()}"


def blessed_by(blessing: Outcome, percent: int, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return the numbers a push rests on: the metrics of the blessing, and what is known of it."""
    evaluation = asdict(blessing.evaluation) if blessing.evaluation else {}
    present = {name: value for name, value in facts.items() if value}
    return {"canary_percent": percent, "evaluation": evaluation, **present}
