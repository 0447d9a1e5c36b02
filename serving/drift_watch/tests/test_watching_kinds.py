"""Each kind of detector, named in a watch's file and watched over a stream of payloads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from watched_traffic import BEGIN, Traffic, instances

from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.detector import Columns
from kanaria.serving.drift.detector_document import fitted_anew
from kanaria.serving.drift.detector_registry import KINDS
from kanaria.serving.drift_watch.watch_detectors import detectors
from kanaria.serving.drift_watch.watch_file import read
from kanaria.serving.drift_watch.window_runner import Runner, Watched
from kanaria.serving.payload_log.open_store import open_reader, open_store

LATE = BEGIN + 1_000_000.0
ROWS = 200
"""Of a window."""
NUMBERS, ONES, ANSWERS = ("delay", "weight"), ("late",), ("predictions",)
COLUMNS = {
    "chi_squared": ("carrier",),
    "fisher_exact": ONES,
    "online_fisher_exact": ONES,
    "missing_values": ("gate",),
    "black_box_shift": ANSWERS,
    "uncertainty": ANSWERS,
    "table": (*NUMBERS, "carrier", "gate"),
    "jensen_shannon": (*NUMBERS, "carrier"),
    "population_stability": (*NUMBERS, "carrier"),
    "domain_classifier": (*NUMBERS, "carrier"),
}
SELDOM = {"expected_run_time": 50_000}
"""Rows between false alarms, many more than are sent."""
ONLINE = ("online_cramer_von_mises", "online_fisher_exact", "online_maximum_mean_discrepancy")
PARAMETERS = dict.fromkeys((*ONLINE, "page_hinkley"), SELDOM) | {
    "wasserstein": {"least": 0.5},
    "population_stability": {"least": 0.2},
    "adaptive_window": {"least": 0.5},
}


def columns(count: int, seed: int, moved: float = 0.0) -> Columns:
    """Rows of which every column looks otherwise when they have moved."""
    draw = np.random.default_rng(seed)
    rare = min(0.9, 0.2 + moved / 4)
    gate = np.where(draw.random(count) < rare / 4, np.nan, draw.normal(size=count))
    return {
        "delay": draw.normal(moved, 1.0, count),
        "weight": draw.normal(-moved, 1.0, count),
        "carrier": draw.choice(["WN", "AA"], count, p=[rare, 1 - rare]).astype(object),
        "late": (draw.random(count) < rare).astype(int),
        "gate": gate,
        "predictions": draw.beta(2, 8 - 3 * moved, count),
    }


def plain(rows: Columns) -> list[dict[str, Any]]:
    """Return rows as JSON has them, the answers left out."""
    held = {
        name: [None if value != value else value for value in values.tolist()]
        for name, values in rows.items()
        if name not in ANSWERS
    }
    return instances(held)


def send(traffic: Traffic, rows: Columns) -> None:
    traffic.send(plain(rows), rows["predictions"].tolist())


def restarted(location: str, file: Path) -> Runner:
    """Return what a watching process makes of its file when it starts."""
    watched = [Watched(watch=one, fitted=detectors(one.detector)) for one in read(file)]
    return Runner(open_store(location), open_reader(location), watched, lambda *_: None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_watch_names_any_kind_which_sees_the_shift_and_nothing_before(kind: str, tmp_path: Path):
    parameters = PARAMETERS.get(kind, {})
    detector = fitted_anew({"kind": kind, **parameters})
    fitted = {name: columns(2000, 1)[name] for name in COLUMNS.get(kind, NUMBERS)}
    saved_detector.save(tmp_path / "detector", detector, detector.fit(fitted))
    file = tmp_path / "watch.yaml"
    changed = {"alpha": 0.01} if "alpha" in KINDS[kind].parameters else {}
    named = {"kind": kind, "folder": str(tmp_path / "detector"), **changed}
    watch = {"service": "flights", "window": {"rows": ROWS}, "detector": named}
    file.write_text(yaml.safe_dump([watch]))
    traffic = Traffic(str(tmp_path / "events.sqlite"))
    for seed, moved in ((2, 0.0), (3, 0.0), (4, 0.0), (5, 2.0)):
        send(traffic, columns(ROWS, seed, moved))
        # A process of its own for each window: what a stream remembers is in the store.
        assert restarted(traffic.location, file).turn(LATE) == 1
    verdicts = traffic.verdicts()
    assert [window.detector for _, window in verdicts] == [kind] * 4
    assert [bool(verdict.drifted) for verdict, _ in verdicts] == [False, False, False, True], [
        (window.verdict, window.failure, window.p_value) for _, window in verdicts
    ]
