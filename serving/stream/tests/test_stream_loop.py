"""The loop when a transaction comes to nothing; the broker's own part is tested with a real one."""

import time

from kanaria.serving.stream.answer_writer import AbortedError
from kanaria.serving.stream.messages import Message, Scored
from kanaria.serving.stream.stopping import Stopping
from kanaria.serving.stream.stream_loop import Flow, StreamLoop
from kanaria.serving.stream.stream_metrics import Metrics

FLOW = Flow(messages=2, seconds=0.0, requests=2)


class Reader:
    """A partition of numbered messages that is read again after `begin_again`."""

    is_paused = False

    def __init__(self, count):
        self.count, self.place, self.tenure, self.committed = count, 0, 1, 0

    def poll(self, _seconds):
        if self.place == self.count:
            return None
        self.place += 1
        return Message(
            topic="in",
            partition=0,
            offset=self.place - 1,
            key=None,
            value=b"1",
            tenure=self.tenure,
        )

    def is_ours(self, message):
        return message.tenure == self.tenure

    def begin_again(self):
        self.place, self.tenure = self.committed, self.tenure + 1
        return True

    def pause(self, _paused):
        pass

    def commit(self, wait=False):
        pass

    def lags(self):
        return {}


class Writer:
    """Writes, but for the calls of these numbers, which come to nothing; the stream stops then."""

    def __init__(self, reader, stopping, aborts, stops_at):
        self.reader, self.stopping, self.aborts, self.stops_at = reader, stopping, aborts, stops_at
        self.calls, self.offsets = 0, []

    def write(self, outcomes):
        self.calls += 1
        if self.calls == self.stops_at:
            self.stopping.set(15)
        if self.calls in self.aborts:
            raise AbortedError
        self.offsets += [one.message.offset for one in outcomes]
        self.reader.committed = self.offsets[-1] + 1
        if self.reader.committed == self.reader.count:
            self.stopping.set(15)

    def close(self):
        pass


class Asker:
    """Answers the first batch at once, and others when a next one may be under way."""

    def outcomes(self, messages):
        time.sleep(0.1 if messages[0].offset else 0.0)
        return [Scored(message=one, value=b"1") for one in messages]


def written(aborts, stops_at=0):
    reader, stopping = Reader(10), Stopping()
    writer = Writer(reader, stopping, aborts, stops_at)
    StreamLoop(reader, writer, Asker(), FLOW, Metrics()).run(stopping)
    return writer.offsets


def test_aborted_messages_are_written_once_and_in_order():
    assert written({1, 2, 4}) == list(range(10))


def test_nothing_behind_an_aborted_transaction_is_written_when_the_stream_stops():
    for call in (1, 2, 3):
        offsets = written({call}, stops_at=call)
        assert offsets == list(range(len(offsets)))
