from dataclasses import replace

import pytest

from kanaria.serving.live_page import drift_states, service_states
from kanaria.serving.live_page.metric_samples import NOTHING, parsed
from kanaria.serving.live_page.page_sections import sections
from kanaria.serving.live_page.page_state import DRIFT, ROUTER, Condition, Light, PageState, Source
from kanaria.serving.live_page.request_history import Stretch

NOW = 1_800_000_000.0
EMPTY = Stretch(end=0.0, seconds=0.0, counts={})


def source(name, condition=Condition.FRESH, age=1.0, fault=""):
    return Source(name=name, place="http://here", condition=condition, age=age, fault=fault)


def page(**fields):
    sources = {name: source(name) for name in (ROUTER, DRIFT)}
    empty = {"services": [], "rollouts": [], "drift": [], "quality": []}
    return PageState(**{"at": NOW, "window_seconds": 60.0, "sources": sources, **empty, **fields})


def metrics(**values):
    of = 'namespace="default",service="taxi",version="1",detector="drift"'
    lines = [f"kanaria_drift_window_rows{{{of}}} 400"]
    lines += [f"kanaria_drift_window_end_timestamp_seconds{{{of}}} {values.get('end', NOW - 60)}"]
    lines += [f'kanaria_drift_verdict{{{of},feature=""}} {values["verdict"]}']
    lines += [f'kanaria_drift_verdict{{{of},feature="fare"}} {values["verdict"]}']
    lines += [f'kanaria_drift_verdict{{{of},feature="hour"}} {values["verdict"]}']
    lines += [f'kanaria_drift_effect{{{of},feature="fare"}} 0.2']
    lines += [f'kanaria_drift_effect{{{of},feature="hour"}} 0.5']
    lines += [f"kanaria_drift_failed{{{of}}} {values.get('failed', 0)}"]
    return parsed("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    ("samples", "light", "words"),
    [
        (metrics(verdict=1), Light.DRIFTED, "▲ drifted"),
        (metrics(verdict=0), Light.STABLE, "● stable"),
        (metrics(verdict="NaN"), Light.UNKNOWN, "? not enough rows yet"),
        (metrics(verdict="NaN", failed=1), Light.FAILED, "✕ window not tested"),
        (metrics(verdict=1, end=NOW - 2 * 86400), Light.DRIFTED, "? was drifted, long ago"),
    ],
)
def test_a_watch_has_a_light_with_a_shape_and_a_word(samples, light, words):
    (watch,) = drift_states.drift(samples, NOW)
    assert (watch.light, watch.rows) == (light, 400)
    assert watch.features == (["hour", "fare"] if light is Light.DRIFTED else [])
    assert words in sections(page(drift=[watch]))["drift"]


def test_a_broken_watch_without_any_window_is_shown():
    text = 'kanaria_drift_watch_broken{namespace="default",service="taxi",detector="drift"} 1\n'
    (watch,) = drift_states.drift(parsed(text), NOW)
    assert watch.light is Light.BROKEN
    assert "✕ watch is broken" in sections(page(drift=[watch]))["drift"]


def test_labels_that_could_not_be_judged_are_shown():
    of = 'namespace="default",service="taxi",version="1",detector="drift"'
    (metric,) = drift_states.quality(parsed(f"kanaria_quality_failed{{{of}}} 1\n"))
    assert "labels could not be judged" in sections(page(quality=[metric]))["quality"]


def test_what_is_stale_says_since_when_and_why_and_the_rest_goes_on():
    away = source(ROUTER, Condition.STALE, 75.0, "it was killed")
    parts = sections(page(sources={ROUTER: away, DRIFT: source(DRIFT)}))
    assert "▲ Stale" in parts["services"]
    assert "1 min 15 s old. it was killed" in parts["services"]
    assert "Stale" not in parts["drift"]


def test_what_was_never_read_shows_nothing_for_it():
    away = source(ROUTER, Condition.AWAY, None, "no server is live")
    parts = sections(page(sources={ROUTER: away}))
    assert "Nothing is known yet: no server is live" in parts["services"]
    assert "No service is served" not in parts["services"]


def test_a_service_whose_model_does_not_load_is_named_with_its_fault():
    faults = {("default", "taxi"): "<b>cannot be loaded"}
    (service,) = service_states.services(NOTHING, faults, EMPTY, [EMPTY])
    text = sections(page(services=[service]))["services"]
    assert "default/taxi" in text
    assert "&lt;b&gt;cannot be loaded" in text


def test_names_with_quotes_and_markup_stay_text():
    of = r'namespace="default",service="taxi",revision="a\"<script>\n"'
    samples = parsed(
        f"kanaria_revision_ready{{{of}}} 1\nkanaria_revision_traffic_ratio{{{of}}} 1\n"
    )
    services = service_states.services(samples, {}, EMPTY, [EMPTY])
    text = sections(page(services=services))["services"]
    assert "<script>" not in text
    assert "100 %" in text


def test_a_number_that_is_none_is_no_cell_of_nan():
    of = 'namespace="d",service="t",version="1",detector="w",metric="auc"'
    (metric,) = drift_states.quality(parsed(f"kanaria_quality_value{{{of}}} NaN\n"))
    assert metric.value is None
    assert "nan" not in sections(page(quality=[replace(metric, coverage=None)]))["quality"].lower()
