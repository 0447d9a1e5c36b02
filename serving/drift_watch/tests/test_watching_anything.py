"""Whatever one request or label holds, its window gets a verdict that every reader can show."""

import json
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from watched_traffic import CaughtUp, exchange, watch

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.model_outputs.black_box_shift import BlackBoxShift
from kanaria.serving.drift.model_outputs.uncertainty import Uncertainty
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from kanaria.serving.drift.report import report_page
from kanaria.serving.drift.report_records import Labels, Metric, dump_labels
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.drift.univariate.missing_values import MissingValues
from kanaria.serving.drift.univariate.population_stability import PopulationStability
from kanaria.serving.drift.univariate.wasserstein import Wasserstein
from kanaria.serving.drift_server.label_upload import LabelError, read_labels
from kanaria.serving.drift_watch import stored_verdicts, verdict_gauges, verdict_line
from kanaria.serving.drift_watch.examine_window import Fitted, examine
from kanaria.serving.drift_watch.verdict_delivery import headers
from kanaria.serving.drift_watch.verdict_routes import newest_json
from kanaria.serving.drift_watch.window_columns import read
from kanaria.serving.drift_watch.window_runner import Watched
from kanaria.serving.payload_log.open_store import open_reader, open_store
from kanaria.serving.payload_log.write_groups import Counted
from kanaria.serving.protocol.payload_cloud_event import EventError, Kind, read_event
from kanaria.serving.protocol.payload_columns import PayloadError, read_columns, rows_of

NOW = 1_000_000_000.0
LATE = NOW + 1_000_000
DRAW = np.random.default_rng(1)
NUMBER, TEXT = DRAW.normal(size=200), DRAW.choice(["a", "b"], 200).astype(object)
FITTED = [
    Fitted(detector=detector, reference=detector.fit(rows))
    for detector, rows in (
        (Table(), {"x": NUMBER, "c": TEXT}),
        (KolmogorovSmirnov(), {"0": NUMBER}),
        (Wasserstein(), {"x": NUMBER}),
        (PopulationStability(), {"x": NUMBER, "predictions": NUMBER}),
        (MaximumMeanDiscrepancy(), {"x": NUMBER, "0": NUMBER}),
        (MissingValues(), {"x": NUMBER, "c": TEXT}),
        (FisherExact(), {"x": NUMBER > 0}),
        (BlackBoxShift(), {"predictions": (NUMBER > 0).astype(float)}),
        (Uncertainty(), {"predictions": (NUMBER > 0).astype(float)}),
    )
]
ODD = (
    "1" + "0" * 400, "-1e308", "1e308", "1.7976931348623157e308", "NaN", "Infinity", "-Infinity",
    "5e-324", "9007199254740993", "18446744073709551616", '"\\ud800"', '"\\udcff\\u0000"', "null",
    "true", '""', '"a"', "[]", "{}", "[[]]", '{"b64": "/9j/AAAA"}', '{"b64": "AA=="}', "[1, [2]]",
    f'"{"ä" * 5000}"', "[" * 60 + "]" * 60, "0.5", "1", '{"x": 1}', "[0.5, 0.5]", '"/9j/AAAA"',
)  # fmt: skip
VALUES = st.one_of(st.sampled_from(ODD), st.floats().map(json.dumps), st.integers().map(str))
NAMES = st.sampled_from(["x", "c", "0", "", "predictions", "\\ud800", "\\u0000", "y" * 300])
RECORDS = st.dictionaries(NAMES, VALUES, max_size=4).map(
    lambda members: "{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}"
)
LISTS = st.lists(VALUES | RECORDS, max_size=4).map(lambda items: f"[{', '.join(items)}]")
ROWS = st.one_of(
    st.tuples(st.sampled_from(["instances", "predictions", "inputs", "outputs"]), LISTS | RECORDS),
    st.tuples(st.sampled_from(["inputs", "outputs"]), VALUES),
)
BODIES = st.one_of(
    ROWS.map(lambda pair: f'{{"{pair[0]}": {pair[1]}}}'.encode()),
    st.binary(max_size=6).map(lambda raw: b'{"instances": ["' + raw + b'", 1]}'),
)
LABELS = st.sampled_from([0, 1, 0.5, -1e308, 1e308, "a", "1", 2**62, True])


def keep(store, number, request, response, labels):
    items = []
    for kind, body in ((Kind.REQUEST, request), (Kind.RESPONSE, response)):
        attributes = {"id": str(number), "source": "s", "specversion": "1.0", "type": kind.value}
        attributes |= {"inferenceservicename": "flights", "namespace": "default"}
        attributes |= {"metadata": json.dumps({"x-request-id": f"order-{number}"})}
        try:
            event = read_event({f"ce-{name}": v for name, v in attributes.items()}, body, NOW)
            items.append(Counted(event=event, rows=rows_of(read_columns(body))))
        except (EventError, PayloadError):
            continue  # Refused with 400.
    try:
        sent = json.dumps([{"request_id": f"order-{number}", "labels": labels}])
        items += read_labels(sent.encode(), "application/json", NOW)
    except LabelError:
        pass
    store.apply(items, NOW)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@settings(
    phases=[Phase.generate], max_examples=20, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(st.lists(st.tuples(BODIES, BODIES, st.lists(LABELS, max_size=3)), min_size=1, max_size=5))
def test_every_window_gets_a_verdict_that_every_reader_shows(task, exchanges):
    with tempfile.TemporaryDirectory() as folder:
        location = str(Path(folder) / "events.sqlite")
        with closing(open_store(location)) as store, closing(open_reader(location)) as reader:
            for number, (request, response, labels) in enumerate(exchanges):
                keep(store, number, request, response, labels)
            verdicts = []
            settings_ = {"labels": {"task": task, "delay_hours": 0}, "window": {"minutes": 1}}
            watched = [
                Watched(watch=watch(name=f"w{n}", **settings_), fitted=lambda _, f=fitted: f)
                for n, fitted in enumerate(FITTED)
            ]
            runner = CaughtUp(store, reader, watched, lambda _, verdict: verdicts.append(verdict))
            tested = runner.turn(LATE)
            assert not any(state.broken for state in runner.states())
            expected = 2 * len(FITTED) * len(reader.streams())
            assert tested == len(reader.verdicts(None, 0.0, 1e12)) == expected
            report = stored_verdicts.report(reader, LATE)
            assert sum(len(one.windows) + len(one.labels) for one in report.watched) == expected
            report_page.render(report).encode()
            verdict_gauges.text(stored_verdicts.newest(reader))
            for one in stored_verdicts.newest(reader):
                verdict_line.line(one).encode()
            for verdict in verdicts:
                assert all(value.isascii() for value in headers(verdict).values())
            json.loads(newest_json(location), parse_constant=pytest.fail)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("fitted", FITTED[:6], ids=lambda one: one.detector.name)
def test_one_odd_row_costs_no_window_its_test(fitted, odd):
    good = [{"x": x, "0": x, "c": c} for x, c in zip(NUMBER.tolist(), TEXT, strict=True)]
    body = json.dumps({"instances": good})[:-2] + f', {{"x": {odd}, "c": {odd}, "0": {odd}}}]}}'
    answers = json.dumps({"predictions": NUMBER.tolist()})[:-2] + f", {odd}]}}"
    rows = read([exchange(body.encode(), answers.encode(), rows=201)])
    window = examine(rows, fitted)
    assert (window.failure, window.verdict in ("stable", "not enough data")) == ("", True)


def test_a_verdict_that_could_not_be_read_again_is_not_kept():
    nothing = Metric(name="bias", value=float("nan"), low=0.0, high=0.0)
    labels = Labels(begin=0, end=1, rows=1, labelled=1, lag=None, task="binary", metrics=(nothing,))
    with pytest.raises(DataError, match="value"):
        dump_labels(labels)
