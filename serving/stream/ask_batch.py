"""Asks the model for a batch until each message has its answer or is a dead letter.

What failed is asked again until it passes: a model that is away costs time, and no message.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kanaria.serving.protocol.json_body import RequestError
from kanaria.serving.stream.messages import (
    OWN,
    DeadLetter,
    Message,
    Outcome,
    Reason,
    Row,
    Scored,
    read,
)
from kanaria.serving.stream.model_answers import Answer, Kind, Verdict, verdict
from kanaria.serving.stream.model_client import ModelClient, Request, is_well
from kanaria.serving.stream.next_step import MOST_FAILURES, REASONS, Step, Try, step, wait_seconds
from kanaria.serving.stream.stopping import Stopping
from kanaria.serving.stream.stream_metrics import Metrics

logger = logging.getLogger(__name__)
TOLD_SECONDS = 60.0
"""Until a fault of the model that lasts is logged again."""


class StoppedError(Exception):
    """The stream was told to stop while the model was waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Rows of one request.

    Attributes:
        rows: at least one.
        failures: how often the model failed on them just after it was well.
    """

    rows: tuple[Row, ...]
    failures: int = 0


class BatchAsker:
    """Asks for batches; several threads may use it at once."""

    def __init__(self, client: ModelClient, metrics: Metrics, stopping: Stopping) -> None:
        """Ask `client`, count in `metrics`, and give up once `stopping` is set."""
        self._client, self._metrics, self._stopping = client, metrics, stopping
        self._answered: Row | None = None
        self._reported, self._told_at = "", 0.0

    def outcomes(self, messages: Sequence[Message]) -> list[Outcome]:
        """Return what became of each message, in their order.

        Raises:
            StoppedError: the stream is to stop, and some have no answer yet.
        """
        read_ones = [read(message) for message in messages]
        rows = tuple(one for one in read_ones if isinstance(one, Row))
        dead = [one for one in read_ones if isinstance(one, DeadLetter)]
        outcomes = {one.message.place: one for one in (*dead, *self._outcomes(rows))}
        return [outcomes[message.place] for message in messages]

    def _outcomes(self, rows: tuple[Row, ...]) -> list[Outcome]:
        """Ask for rows in rounds: in each one what is left, after a pause that grows."""
        outcomes: list[Outcome] = []
        left = [Part(rows=rows)] if rows else []
        was_well, waits = False, 0
        while left:
            turn = _Round(self._client, self._is_well, was_well)
            turn.run(left, outcomes)
            self._answered = turn.answered or self._answered
            left = turn.later
            if left:
                self._pause(waits, turn.failed, turn.why)
                was_well, waits = self._is_well(left), waits + 1
                is_rows = was_well and turn.failed.status in MOST_FAILURES
                self._metrics.show_model_fault("" if is_rows else turn.why)
        self._metrics.show_model_fault("")
        return outcomes

    def _pause(self, waits: int, failed: Answer, why: str) -> None:
        self._tell(why)
        if self._stopping.wait(wait_seconds(waits, failed.retry_after)):
            raise StoppedError

    def _tell(self, why: str) -> None:
        """Log a fault when it is another one, or the same for long."""
        now = time.monotonic()
        if why != self._reported or now - self._told_at > TOLD_SECONDS:
            self._reported, self._told_at = why, now
            logger.warning("the model fails, it is asked again: %s", why)

    def _is_well(self, left: Sequence[Part]) -> bool:
        """Tell whether the model answers what it has answered before.

        Until it has answered anything, it is well when it says that it is ready; that is enough to
        halve a request, and not to bury a row.
        """
        if self._answered:
            answer = self._client.ask(self._client.request([self._answered]))
            return verdict(answer, 1, self._client.protocol).kind is not Kind.PASSING
        return any(len(part.rows) > 1 for part in left) and is_well(self._client.is_ready())


class _Round:
    """One try of each part, and of the halves that it falls into."""

    def __init__(
        self,
        client: ModelClient,
        is_well: Callable[[Sequence[Part]], bool],
        was_well: bool,
    ) -> None:
        self._client, self._is_well, self._was_well = client, is_well, was_well
        self.later: list[Part] = []
        self.failed, self.why = Answer(status=0, body=b""), ""
        self.answered: Row | None = None

    def run(self, parts: Sequence[Part], outcomes: list[Outcome]) -> None:
        """Ask for all parts; what is left of them is in `later`."""
        waiting, has_failed = list(parts), False
        while waiting:
            part = waiting.pop(0)
            if has_failed and not self._was_well:
                self.later.append(part)  # The model is away: it is not asked for the others.
                continue
            halves, has_failed = self._try(part, outcomes)
            waiting[:0] = halves
            if has_failed and (waiting or halves):
                self._was_well = self._is_well(waiting)

    def _try(self, part: Part, outcomes: list[Outcome]) -> tuple[list[Part], bool]:
        """Return the halves to ask next, and whether the model failed."""
        try:
            request = self._client.request(part.rows)
        except RequestError as error:
            return self._unasked(part, str(error), outcomes), False
        answer = self._client.ask(request)
        said = verdict(answer, len(part.rows), self._client.protocol)
        one = Try(
            kind=said.kind,
            status=answer.status,
            rows=len(part.rows),
            failures=part.failures,
            was_well=self._was_well,
        )
        has_failed = said.kind is Kind.PASSING
        match step(one):
            case Step.GO_ON:
                self.answered = part.rows[0]
                outcomes += _scored(part.rows, said, request, answer)
            case Step.HALVE:
                return _halves(part), has_failed
            case Step.BURY:
                reason = REASONS[said.kind]
                outcomes.append(_dead(part, reason, said.why, answer.status))
            case Step.WAIT:
                self.failed, self.why = answer, said.why
                self.later.append(Part(rows=part.rows, failures=one.counted))
        return [], has_failed

    @staticmethod
    def _unasked(part: Part, why: str, outcomes: list[Outcome]) -> list[Part]:
        if len(part.rows) > 1:
            return _halves(part)
        outcomes.append(_dead(part, Reason.MALFORMED, why, 0))
        return []


def _halves(part: Part) -> list[Part]:
    middle = len(part.rows) // 2
    return [Part(rows=part.rows[:middle]), Part(rows=part.rows[middle:])]


def _dead(part: Part, reason: Reason, why: str, status: int) -> DeadLetter:
    (row,) = part.rows
    return DeadLetter(message=row.message, reason=reason, why=why, status=status)


def _scored(rows: Sequence[Row], said: Verdict, request: Request, answer: Answer) -> list[Scored]:
    facts = {f"{OWN}request-id": request.id}
    facts |= {f"{OWN}revision": answer.revision} if answer.revision else {}
    return [
        Scored(message=row.message, value=value, facts={**facts, f"{OWN}row": str(place)})
        for place, (row, value) in enumerate(zip(rows, said.values, strict=True))
    ]
