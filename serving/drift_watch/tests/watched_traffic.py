"""A store with traffic, a detector fitted on rows like it, and a runner over both."""

import json
from dataclasses import dataclass, field

import numpy as np

from kanaria.serving.drift.report_records import load_labels, load_window
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift_watch.examine_window import Fitted
from kanaria.serving.drift_watch.watch_file import Watch
from kanaria.serving.drift_watch.window_runner import Runner, Watched
from kanaria.serving.payload_log.exchanges import Exchange, Label
from kanaria.serving.payload_log.open_store import open_reader, open_store
from kanaria.serving.payload_log.write_groups import Counted
from kanaria.serving.protocol.payload_cloud_event import Event, Kind

BEGIN = 1_000_000_800.0
"""A full hour of the clock."""


def table(count, seed, moved=0.0):
    draw = np.random.default_rng(seed)
    return {
        "delay": draw.normal(moved, 1.0, count),
        "carrier": draw.choice(["WN", "AA"], count).astype(object),
    }


def fitted():
    detector = Table(least=0.3)
    return Fitted(detector=detector, reference=detector.fit(table(2000, 1)))


def instances(columns):
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def exchange(request=None, response=None, rows=2, time=5.0):
    """One of a window, its bodies given as documents or as bytes."""

    def body(document):
        return document if isinstance(document, bytes | None) else json.dumps(document).encode()

    return Exchange(
        number=1,
        id="a",
        component="predictor",
        request_id="",
        time=time,
        received=time,
        rows=rows,
        request=body(request),
        response=body(response),
    )


class CaughtUp(Runner):
    """Goes on while any window is due."""

    def turn(self, now):
        done = 0
        while tested := super().turn(now):
            done += tested
        return done


def watch(**changes):
    settings = {"service": "flights", "detector": "none", "window": {"rows": 200}}
    return Watch.model_validate(settings | changes)


@dataclass
class Traffic:
    """Requests of ten rows each, answered by probabilities, with labels where given."""

    location: str
    version: str = "3"
    component: str = "predictor"
    mark: str = ""
    sent: int = 0
    heard: list = field(default_factory=list)

    def __post_init__(self):
        self.store = open_store(self.location)

    def send(self, rows, predictions, labels=(), *, every=1.0, answered=True):
        """Send all rows, a request each `every` seconds after those before."""
        for place in range(0, len(rows), 10):
            id_, time = f"{self.version}-{self.sent}", BEGIN + self.sent * every
            self.sent += 1
            bodies = {Kind.REQUEST: {"instances": rows[place : place + 10]}}
            if answered:
                bodies[Kind.RESPONSE] = {"predictions": predictions[place : place + 10]}
            items = [self._event(id_, k, time, json.dumps(b).encode()) for k, b in bodies.items()]
            items += [
                Label(request_id=f"order-{id_}", row=row, value=value, time=time)
                for row, value in enumerate(labels[place : place + 10])
            ]
            self.store.apply(items, time)

    def _event(self, id_, kind, time, body):
        event = Event(
            id=f"{self.mark}{id_}",
            kind=kind,
            source="http://localhost:9081/",
            time=time,
            namespace="default",
            service="flights",
            component=self.component,
            endpoint="",
            version=self.version,
            request_id=f"order-{id_}",
            body=body,
        )
        return Counted(event=event, rows=10)

    def send_table(self, count, seed, moved=0.0, **changes):
        draw = np.random.default_rng(seed)
        rows = instances(table(count, seed, moved))
        self.send(rows, draw.random(count).tolist(), **changes)

    def runner(self, settings=None, detector=None):
        """A process's own runner over the store."""
        detector_of_all = detector or fitted()
        watched = Watched(watch=settings or watch(), fitted=lambda _: detector_of_all)
        heard = self.heard.append
        store, reader = open_store(self.location), open_reader(self.location)
        return CaughtUp(store, reader, [watched], lambda _, verdict: heard(verdict))

    def verdicts(self, name="drift"):
        reader = open_reader(self.location)
        verdicts = [v for v in reader.verdicts(None, 0.0, 1e12) if v.detector == name]
        reader.close()
        load = load_labels if "/" in name else load_window
        return [(verdict, load(verdict.document)) for verdict in verdicts]
