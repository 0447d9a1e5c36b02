"""The loop of a stream: takes messages, has them asked, writes their outcomes in order.

Batches are asked several at once and written in the order in which they were taken, so each
partition keeps its order. While the most batches are under way, no message is taken; the group
hears of this process all the same, so a slow model does not cost it its partitions.
"""

import logging
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass

from kanaria.serving.stream.answer_writer import AbortedError, Writer
from kanaria.serving.stream.ask_batch import BatchAsker, StoppedError
from kanaria.serving.stream.messages import Message, Outcome
from kanaria.serving.stream.stopping import Stopping
from kanaria.serving.stream.stream_metrics import Metrics
from kanaria.serving.stream.topic_reader import TopicReader

logger = logging.getLogger(__name__)
IDLE_SECONDS, STEP_SECONDS = 0.5, 0.02
"""For a message while nothing is under way; and while answers are about to come."""
PATIENCE_SECONDS = 2.0
"""Without room, before the consumer is paused: a pause throws away what was fetched beforehand."""
COMMIT_SECONDS, LAG_SECONDS = 1.0, 10.0
GRACE_SECONDS = 20.0
"""For the model's answers after the stream is told to stop; Kubernetes waits 30 s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """How messages are put together.

    Attributes:
        messages: of a batch, at most.
        seconds: that the first message of a batch waits for others.
        requests: batches that are asked at once.
    """

    messages: int
    seconds: float
    requests: int


class StreamLoop:
    """One stream; all but the asking is in the thread that runs it."""

    def __init__(
        self,
        reader: TopicReader,
        writer: Writer,
        asker: BatchAsker,
        flow: Flow,
        metrics: Metrics,
    ) -> None:
        """Begin with `run`."""
        self._reader, self._writer, self._asker = reader, writer, asker
        self._flow, self._metrics = flow, metrics
        self._threads = ThreadPoolExecutor(flow.requests, thread_name_prefix="model")
        self._gathered: list[Message] = []
        self._since = self._full_since = 0.0
        self._is_astray = False
        self._under_way: deque[tuple[int, Future[list[Outcome]]]] = deque()
        self._committed = self._looked = time.monotonic()

    def run(self, stopping: Stopping) -> None:
        """Go on until it is to stop; then what was asked is written, if its answers come soon.

        Raises:
            NotReadyError: the broker does not let this process go on.
        """
        try:
            while not stopping.is_set():
                self._turn()
            self._end()
        except StoppedError:
            logger.info("the model was waited for; its messages will be read again")
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _turn(self) -> None:
        if self._is_astray:
            self._find_back()
        elif len(self._under_way) < self._flow.requests:
            self._full_since = 0.0
            self._reader.pause(False)
            self._take()
        else:
            self._wait_for_room()
        self._write()
        self._look()

    def _take(self) -> None:
        """Gather messages until a batch is full, or its first one has waited long enough."""
        now = time.monotonic()
        idle = STEP_SECONDS if self._under_way else IDLE_SECONDS
        end = now + idle
        if self._gathered:
            end = min(end, self._since + self._flow.seconds)
        while len(self._gathered) < self._flow.messages:
            message = self._reader.poll(max(end - time.monotonic(), 0.0))
            if message is None:
                break
            if not self._gathered:
                self._since = time.monotonic()
                end = min(end, self._since + self._flow.seconds)
            self._gathered.append(message)
        waited = time.monotonic() >= self._since + self._flow.seconds
        if self._gathered and (waited or len(self._gathered) >= self._flow.messages):
            self._ask()

    def _ask(self) -> None:
        batch = [message for message in self._gathered if self._reader.is_ours(message)]
        self._gathered = []
        if batch:
            self._metrics.count_batch(len(batch))
            self._under_way.append((len(batch), self._threads.submit(self._asker.outcomes, batch)))

    def _wait_for_room(self) -> None:
        """Wait for the oldest answer; while it does not come, the group still hears of us."""
        now = time.monotonic()
        self._full_since = self._full_since or now
        if now - self._full_since > PATIENCE_SECONDS:
            self._reader.pause(True)
            message = self._reader.poll(0.0)  # One of a partition that has just come.
            if message is not None:
                self._since = self._since if self._gathered else now
                self._gathered.append(message)
        wait_for([self._under_way[0][1]], STEP_SECONDS * 5)

    def _write(self) -> None:
        """Write what is answered, in order."""
        outcomes: list[Outcome] = []
        while self._under_way and self._under_way[0][1].done():
            outcomes += self._under_way.popleft()[1].result()
        ours = [one for one in outcomes if self._reader.is_ours(one.message)]
        if self._is_astray or not ours:
            return  # What comes after messages that are not written must not be committed.
        try:
            self._writer.write(ours)
        except AbortedError:
            self._is_astray = True

    def _find_back(self) -> None:
        """Read again all that is not committed, once the broker tells what is."""
        self._gathered = []
        self._reader.poll(STEP_SECONDS)  # For the group; a message will be read again.
        self._is_astray = not self._reader.begin_again()

    def _look(self) -> None:
        """Commit, and show how things are, now and then."""
        now = time.monotonic()
        if now - self._committed > COMMIT_SECONDS:
            self._committed = now
            self._reader.commit()
        if now - self._looked > LAG_SECONDS:
            self._looked = now
            self._metrics.show_lag(self._reader.lags())
        count = len(self._gathered) + sum(size for size, _ in self._under_way)
        self._metrics.show_flow(count, paused=self._reader.is_paused)

    def _end(self) -> None:
        """Write what the model answers soon; the rest is read again by whoever comes."""
        deadline = time.monotonic() + GRACE_SECONDS
        while self._under_way:
            left = max(deadline - time.monotonic(), 0.0)
            done, _ = wait_for([self._under_way[0][1]], left)
            if not done:
                break
            self._write()
